package batch

import (
	"fmt"
	"io"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
)

// Progress tells people how a batch goes: in lines on stdout, or if both outputs
// are a terminal with a live bar on stderr in place of the Progress lines. With
// --json there are no lines.
type Progress struct {
	Out    io.Writer // nil: no lines
	Screen *output.Screen
	Live   bool // there is a bar

	total, done int
	err         error // the first of writing
}

// begin prints the first line and draws the bar, with so many of total done.
func (p *Progress) begin(done, total int) {
	p.done, p.total = done, total
	p.print(fmt.Sprintf("Processing %d items from manifest...", total))
}

// bar draws the bar.
func (p *Progress) bar() {
	if p.Live {
		p.Screen.Begin(p.done, p.total)
	}
}

// item says that one more item is done. An error is printed before the progress
// that it counts in.
func (p *Progress) item(index int, err error) {
	before := p.percent()
	p.done++
	if err != nil {
		p.print(fmt.Sprintf("[ERROR] Item %d failed: %s", index+1, escape.Text(output.Words(err))))
	}
	switch {
	case p.Live:
		p.Screen.Set(p.done)
	case p.percent() != before:
		p.print(fmt.Sprintf("Progress: %d/%d (%d%%)", p.done, p.total, p.percent()))
	}
}

func (p *Progress) percent() int { return p.done * 100 / p.total }

// end prints the summary.
func (p *Progress) end(s Summary, file string, saved bool) {
	p.print("Batch Restore Complete:")
	p.print(fmt.Sprintf("  ✓ Succeeded: %d", s.Succeeded))
	p.print(fmt.Sprintf("  ✗ Failed: %d", s.Failed))
	if s.Skipped > 0 {
		p.print(fmt.Sprintf("  - Skipped: %d", s.Skipped))
	}
	p.print("  Total Time: " + output.Millis(s.Duration).String())
	if saved {
		p.print("Results saved to: " + escape.Text(file))
	}
}

// print writes a line. The batch goes on if its lines cannot be written.
func (p *Progress) print(line string) {
	if p.Out == nil || p.err != nil {
		return
	}
	_, p.err = p.Screen.Above(p.Out, []byte(line+"\n"))
}
