package main

import (
	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
)

// verifyReport tells people how a verification goes. Its methods are called by
// one goroutine at a time.
type verifyReport struct {
	command  *app.Command
	progress *output.Progress // of records that are not purged
	total    int              // that there are; 0 where it is not known
	failure  error            // the first
}

func newVerifyReport(c *app.Command) *verifyReport {
	return &verifyReport{command: c, progress: c.Progress()}
}

// begin prints the first line. What earlier runs have done counts as done.
func (r *verifyReport) begin(results *verifier.Results) {
	done := int(results.Summary.Records - results.Summary.Purged - results.Summary.Failed)
	r.progress.Printf("Verifying %s...", output.Count(r.total, "record"))
	if done > 0 {
		r.progress.Printf("Resuming: %d of %s done", done, output.Count(r.total, "record"))
	}
	r.progress.Begin(done, r.total)
}

// item counts a record and prints what is wrong with it.
func (r *verifyReport) item(result *verifier.Result, problem *verifier.Problem) {
	if problem != nil {
		if r.failure == nil {
			r.failure = result.Err
		}
		path := ""
		if problem.Path != "" {
			path = " " + escape.Text(problem.Path)
		}
		r.progress.Printf("[ERROR] %s%s: %s: %s", escape.Text(problem.Tombstone), path, problem.Status, escape.Text(problem.Error))
	}
	if result.Status != verifier.Purged {
		r.progress.Add(1)
	}
}

// end prints the summary.
func (r *verifyReport) end(results *verifier.Results, file string, saved bool) {
	s := &results.Summary
	r.progress.Printf("Verify Complete:")
	r.progress.Printf("  ✓ Intact: %d", s.Intact)
	r.progress.Printf("  ✗ Damaged: %d", s.Damaged)
	r.progress.PrintSome("  ✗ Missing: %d", s.Missing)
	r.progress.PrintSome("  ✗ Unreadable: %d", s.Unreadable)
	r.progress.PrintSome("  ✗ Not verified: %d", s.Failed)
	r.progress.PrintSome("  - Purged: %d", s.Purged)
	if !results.Complete {
		r.progress.PrintSome("  - Not done: %d", int64(r.progress.Left()))
	}
	r.progress.Printf("  Contents Read: %d (%s)", s.Contents, output.Count(s.Bytes, "byte"))
	r.progress.Printf("  Total Time: %s", output.Millis(r.command.Elapsed()))
	r.progress.Printf("Not Checked: whether purges, holds and retention follow from events: codex archive verify --structure")
	if saved {
		r.progress.Printf("Results saved to: %s", escape.Text(file))
	}
}
