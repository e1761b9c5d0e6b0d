package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/bulk"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// storeReport tells people how a store of several files goes. Its methods are
// called by one goroutine at a time.
type storeReport struct {
	plan     *storePlan
	progress *output.Progress

	stored, known, present, failed int
	removed                        int
	plain                          int          // that should be encrypted, and were in the archive before as they are
	last                           *bulk.Result // of a run over one file
	failure                        error        // the first
}

func newStoreReport(p *storePlan) *storeReport {
	progress := p.command.Progress()
	progress.Percent = true
	progress.Silent = progress.Silent || p.one
	return &storeReport{plan: p, progress: progress}
}

func (r *storeReport) begin() {
	if !r.plan.one {
		r.progress.Printf("Storing %s...", output.Count(r.plan.total, "file"))
		r.progress.Begin(0, r.plan.total)
	}
}

func (r *storeReport) ended() int { return r.stored + r.known + r.present + r.failed }

// item counts a file and prints what is to be said of it.
func (r *storeReport) item(result bulk.Result) {
	r.count(result)
	if r.plan.one {
		r.last = &result
		return
	}
	if r.plan.command.JSON {
		r.progress.PrintJSON(r.viewLine(result))
	} else if result.Err != nil {
		r.progress.Printf("[ERROR] %s: %s", escape.Text(result.Item.Entry.Path), escape.Text(result.Err.Error()))
	}
	r.progress.Add(1)
}

func (r *storeReport) count(result bulk.Result) {
	switch {
	case result.Err != nil:
		r.failed++
		if r.failure == nil {
			r.failure = result.Err
		}
	case result.Present:
		r.present++
	case result.Stored.Deduplicated:
		r.known++
	default:
		r.stored++
	}
	if result.Err == nil && r.plan.remove {
		r.removed++
	}
	if result.Err == nil && isPlain(r.plan.command, &result.Item.Record) {
		r.plain++
	}
}

// isPlain reports whether a record that was stored has content that is not
// encrypted although that is configured: the archive had it before.
func isPlain(c *app.Command, record *sdk.Record) bool {
	return c.Config.Archive.RecipientsFile != "" && record.Content.Codec != sdk.ZstdAge
}

// warnPlain warns of files whose content [isPlain].
func warnPlain(c *app.Command, files int) {
	if files > 0 {
		c.Log.Warn(fmt.Sprintf("The archive had the content of %s before, not encrypted, and keeps it so: codex archive recrypt encrypts it", output.Count(files, "file")))
	}
}

// end prints the summary and returns how the run ended; err is what ended it
// before its end.
func (r *storeReport) end(ctx context.Context, err error) error {
	r.progress.End()
	outcome := r.outcome(ctx, err)
	warnPlain(r.plan.command, r.plain)
	if r.plan.one {
		return r.endOne(outcome)
	}
	r.progress.Printf("Store Complete:")
	r.progress.Printf("  ✓ Stored: %d", r.stored)
	r.progress.Printf("  = Known already: %d", r.known)
	r.progress.Printf("  ✗ Failed: %d", r.failed)
	r.progress.PrintSome("  - In the set before: %d", int64(r.present))
	r.progress.PrintSome("  - Not done: %d", int64(r.undone()))
	r.progress.PrintSome("  - Removed: %d", int64(r.removed))
	r.progress.Printf("  Total Time: %s", output.Millis(r.plan.command.Elapsed()))
	if r.ended() > r.failed {
		r.progress.Printf("Set: %s", r.plan.record.Set)
		r.progress.Printf("Restore with: codex archive batch-restore --set %s --output-dir DIR --by WHO", r.plan.record.Set)
	}
	if outcome != nil {
		r.progress.Printf("Resume with: %s", r.resumeCommand())
	}
	if outcome == nil {
		return r.progress.Err()
	}
	return outcome
}

func (r *storeReport) undone() int { return max(r.plan.total-r.ended(), 0) }

// endOne prints what became of the one file that was named.
func (r *storeReport) endOne(outcome error) error {
	switch {
	case outcome != nil:
		return outcome
	case r.last == nil:
		return output.Errorf(output.NoFile, "%s is left out by --exclude or --tracked; nothing was stored", r.plan.command.Flags.Args().Get(1))
	}
	return output.WriteJSON(r.plan.command.Env.Stdout, viewStored(r.plan.command, r.last.Item.Record, r.last.Stored))
}

// outcome is how the run ends: nil if everything that was asked for is done.
func (r *storeReport) outcome(ctx context.Context, err error) error {
	kind := runEnd{err: err, failure: r.failure, done: r.stored + r.known + r.present, failed: r.failed, total: r.plan.total}.kind(ctx)
	if kind == "" {
		return nil
	}
	if r.plan.one {
		if err == nil {
			err = r.failure
		}
		return &output.Failure{Kind: kind, Hint: output.FailureOf(err).Hint, Err: err}
	}
	message := fmt.Sprintf("%d of %s failed, %d not done", r.failed, output.Count(r.plan.total, "file"), r.undone())
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		message = "interrupted: " + message
	case err != nil:
		message += ": " + err.Error()
	}
	f := output.Errorf(kind, "%s", message)
	return f.WithHint("go on with: %s", r.resumeCommand())
}

// resumeCommand is the command line that does what is left.
func (r *storeReport) resumeCommand() string {
	line := typedLine(r.plan.command, "--resume", r.plan.record.Set.String())
	if r.plan.command.Flags.String("files-from") == "-" {
		line += " < LIST"
	}
	return line
}

// storedLine is what --json prints of a file.
type storedLine struct {
	Status string `json:"status"` // stored, known or present
	storedView
}

// failedLine is what --json prints of a file that failed.
type failedLine struct {
	Status    string             `json:"status"`              // failed
	Tombstone string             `json:"tombstone,omitempty"` // it is stored, and something failed after that
	Path      string             `json:"path"`
	PathB64   string             `json:"path_b64,omitempty"`
	Error     output.FailureView `json:"error"`
}

// viewLine is what --json prints of a file.
func (r *storeReport) viewLine(result bulk.Result) any {
	if result.Err != nil {
		line := failedLine{Status: "failed", Error: output.ViewFailure(output.FailureOf(result.Err))}
		line.Path, line.PathB64 = output.PathText(filepath.ToSlash(result.Item.Entry.Path))
		if result.Present || !result.Stored.Tombstone.IsZero() {
			line.Tombstone = result.Item.Record.Tombstone.String()
		}
		return line
	}
	line := storedLine{Status: "stored", storedView: viewStored(r.plan.command, result.Item.Record, result.Stored)}
	switch {
	case result.Present:
		line.Status = "present"
	case result.Stored.Deduplicated:
		line.Status = "known"
	}
	return line
}
