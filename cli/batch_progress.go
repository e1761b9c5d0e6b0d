package main

import (
	"fmt"
	"io"

	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/logging"
)

// batchProgress tells people how a batch goes: in lines on stdout, or where both
// outputs are a terminal with a live bar on stderr in the place of the Progress
// lines. With --json there are no lines.
type batchProgress struct {
	out         io.Writer // nil: no lines
	screen      *screen
	live        bool // there is a bar
	total, done int
	err         error // the first of writing
}

// newBatchProgress begins with so many of total items done before.
func newBatchProgress(s *session, total, before int) *batchProgress {
	p := &batchProgress{screen: s.screen, total: total, done: before}
	if !s.json {
		p.out = s.stdout
	}
	p.live = logging.IsTerminal(s.stderr) && (s.json || logging.IsTerminal(s.stdout))
	return p
}

// begin prints the first lines.
func (p *batchProgress) begin(plan *batchPlan) {
	p.print(fmt.Sprintf("Processing %d items from manifest...", p.total))
	if plan.earlier != nil {
		p.print(fmt.Sprintf("Resuming: %d of %d items are done according to %s", plan.carried, p.total, printable(plan.resumed)))
	}
	if p.live {
		p.screen.begin(p.done, p.total)
	}
}

// item says that one more item is done. An error is printed before the progress
// that it counts in.
func (p *batchProgress) item(index int, err error) {
	before := p.percent()
	p.done++
	if err != nil {
		p.print(fmt.Sprintf("[ERROR] Item %d failed: %s", index+1, printable(err.Error())))
	}
	switch {
	case p.live:
		p.screen.set(p.done)
	case p.percent() != before:
		p.print(fmt.Sprintf("Progress: %d/%d (%d%%)", p.done, p.total, p.percent()))
	}
}

func (p *batchProgress) percent() int { return p.done * 100 / p.total }

// end prints the summary.
func (p *batchProgress) end(s batch.Summary, file string, saved bool) {
	p.print("Batch Restore Complete:")
	p.print(fmt.Sprintf("  ✓ Succeeded: %d", s.Succeeded))
	p.print(fmt.Sprintf("  ✗ Failed: %d", s.Failed))
	if s.Skipped > 0 {
		p.print(fmt.Sprintf("  - Skipped: %d", s.Skipped))
	}
	p.print("  Total Time: " + millis(s.Duration).String())
	if saved {
		p.print("Results saved to: " + file)
	}
}

// print writes a line. Nobody reading is no reason to stop the batch.
func (p *batchProgress) print(line string) {
	if p.out == nil || p.err != nil {
		return
	}
	_, p.err = p.screen.above(p.out, []byte(line+"\n"))
}
