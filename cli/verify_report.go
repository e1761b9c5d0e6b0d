package main

import (
	"fmt"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
)

// verifyReport tells people how a verification goes. Its methods are called by
// one goroutine at a time.
type verifyReport struct {
	command     *app.Command
	live        bool  // a bar takes the place of the Progress lines
	total, done int   // records that are not purged
	failure     error // the first
	err         error // the first of printing
}

func newVerifyReport(c *app.Command) *verifyReport {
	return &verifyReport{command: c, live: c.HasBar()}
}

// begin prints the first line. What earlier runs have done counts as done.
func (r *verifyReport) begin(results *verifier.Results) {
	r.done = int(results.Summary.Records - results.Summary.Purged - results.Summary.Failed)
	r.print("Verifying %d records...", r.total)
	if r.done > 0 {
		r.print("Resuming: %d of %d records are done", r.done, r.total)
	}
	if r.live {
		r.command.Screen.Begin(min(r.done, r.total), r.total)
	}
}

// item counts a record and prints what is wrong with it.
func (r *verifyReport) item(result *verifier.Result, problem *verifier.Problem) {
	before := r.percent()
	if problem != nil {
		if r.failure == nil {
			r.failure = result.Err
		}
		path := ""
		if problem.Path != "" {
			path = " " + escape.Text(problem.Path)
		}
		r.print("[ERROR] %s%s: %s: %s", escape.Text(problem.Tombstone), path, problem.Status, escape.Text(problem.Error))
	}
	if result.Status != verifier.Purged {
		r.done++
	}
	switch {
	case r.total == 0: // it is not known
	case r.live:
		r.command.Screen.Set(min(r.done, r.total))
	case r.percent() != before:
		r.print("Progress: %d/%d (%d%%)", min(r.done, r.total), r.total, r.percent())
	}
}

// percent is at most 100: more may have been stored meanwhile.
func (r *verifyReport) percent() int { return min(r.done*100/max(r.total, 1), 100) }

// end prints the summary.
func (r *verifyReport) end(results *verifier.Results, file string, saved bool) {
	s := &results.Summary
	r.print("Verify Complete:")
	r.print("  ✓ Intact: %d", s.Intact)
	r.print("  ✗ Damaged: %d", s.Damaged)
	r.printSome("  ✗ Missing: %d", s.Missing)
	r.printSome("  ✗ Unreadable: %d", s.Unreadable)
	r.printSome("  ✗ Not verified: %d", s.Failed)
	r.printSome("  - Purged: %d", s.Purged)
	if !results.Complete {
		r.printSome("  - Not done: %d", int64(max(r.total-r.done, 0)))
	}
	r.print("  Contents Read: %d (%d bytes)", s.Contents, s.Bytes)
	r.print("  Total Time: %s", output.Millis(r.command.Elapsed()))
	if saved {
		r.print("Results saved to: %s", escape.Text(file))
	}
}

// print writes a line for people. The run goes on if its lines cannot be written.
func (r *verifyReport) print(format string, args ...any) {
	if r.command.JSON || r.err != nil {
		return
	}
	_, r.err = r.command.Screen.Above(r.command.Env.Stdout, fmt.Appendf(nil, format+"\n", args...))
}

func (r *verifyReport) printSome(format string, n int64) {
	if n > 0 {
		r.print(format, n)
	}
}
