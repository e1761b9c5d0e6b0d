package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/copier"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// copyReport tells people how a copy goes. Its methods are called by one goroutine
// at a time, but for transfer, which reads what does not change.
type copyReport struct {
	command  *app.Command
	second   *app.Command // on the destination
	progress *output.Progress
	dry      bool
	begun    bool

	from, to sdk.ID // identities
	total    int    // records
	missing  []copier.Result
	counts   map[copier.Outcome]int
	events   int
	bytes    int64
	failures []copyFailure
	failure  error // the first
}

// copyFailure is a record that was left out, in JSON.
type copyFailure struct {
	Tombstone string             `json:"tombstone,omitempty"` // "" where what was typed names none: the error says it
	Path      string             `json:"path"`
	Error     output.FailureView `json:"error"`
}

// copyView is the result of a copy, in JSON.
type copyView struct {
	DryRun      bool          `json:"dry_run,omitempty"`
	Source      copyEnd       `json:"source"`
	Destination copyEnd       `json:"destination"`
	Records     int           `json:"records"`
	Copied      int           `json:"copied"`
	Updated     int           `json:"updated"`
	Present     int           `json:"present"`
	Failed      int           `json:"failed"`
	NotDone     int           `json:"not_done"`
	Events      int           `json:"events"`
	Bytes       int64         `json:"content_bytes"`
	DurationMS  output.Millis `json:"duration_ms"`
	Failures    []copyFailure `json:"failures,omitempty"`
}

func (v copyView) write(w io.Writer) error { return output.WriteJSON(w, v) }

// copyEnd is one of the two archives.
type copyEnd struct {
	Archive string `json:"archive,omitempty"` // identity
	URL     string `json:"url"`
}

func newCopyReport(c, to *app.Command) *copyReport {
	return &copyReport{
		command: c, second: to, progress: c.Progress(), counts: map[copier.Outcome]int{}, dry: c.Flags.Bool("dry-run"),
	}
}

func (r *copyReport) begin() {
	r.begun = true
	r.progress.Printf("Copying %s to %s...", output.Count(r.total, "record"), escape.Text(r.second.ArchiveName()))
	r.progress.Begin(0, r.total)
}

func (r *copyReport) ended() evidence.Transfer {
	return evidence.Transfer{
		Records: r.total, Copied: r.counts[copier.Copied], Updated: r.counts[copier.Updated], Present: r.counts[copier.Present],
		Left: r.counts[copier.Failed], Events: r.events, BytesOut: r.bytes,
	}
}

// transfer adds to t what is the same for all of a run.
func (r *copyReport) transfer(scope string, t evidence.Transfer) evidence.Transfer {
	t.Scope, t.From, t.To = scope, r.from, r.to
	t.FromURL, t.ToURL = r.command.RedactedURL(), r.second.RedactedURL()
	return t
}

func (r *copyReport) finished() int {
	n := 0
	for _, count := range r.counts {
		n += count
	}
	return n
}

// items counts records and prints what is to be said of them.
func (r *copyReport) items(results []copier.Result) {
	for _, result := range results {
		r.counts[result.Outcome]++
		if result.Err != nil {
			r.item(result)
			continue
		}
		r.events += result.Events
		r.bytes += result.Bytes
	}
	r.progress.Add(len(results))
}

// item says that a record was left out.
func (r *copyReport) item(result copier.Result) {
	if r.failure == nil {
		r.failure = result.Err
	}
	path, _ := output.PathText(result.Record.Path)
	failure := copyFailure{Path: path, Error: output.ViewFailure(output.FailureOf(result.Err))}
	about := "TOMBSTONE"
	if !result.Record.Tombstone.IsZero() {
		failure.Tombstone = result.Record.Tombstone.String()
		about = strings.TrimSpace(failure.Tombstone + " " + path)
	}
	r.failures = append(r.failures, failure)
	r.progress.Printf("[ERROR] %s: %s", escape.Text(about), escape.Text(output.WordsAbout(failure.Tombstone, result.Err)))
}

// end prints the summary and returns how the run ended.
func (r *copyReport) end(outcome error) error {
	r.progress.End()
	if !r.begun {
		return outcome
	}
	if r.total == 0 && outcome == nil {
		r.command.Log.Info("No records match")
	}
	if r.command.JSON {
		return output.EndJSON(r.command.Env.Stdout, r.view().write, outcome)
	}
	title, copied := "Copy Complete:", "Copied"
	if r.dry {
		title, copied = "Copy, dry run:", "Would be copied"
	}
	r.progress.Printf("%s", title)
	r.progress.Printf("  ✓ %s: %d", copied, r.counts[copier.Copied])
	r.progress.Printf("  + Updated: %d", r.counts[copier.Updated])
	r.progress.Printf("  = Present already: %d", r.counts[copier.Present])
	r.progress.Printf("  ✗ Failed: %d", r.counts[copier.Failed])
	r.progress.PrintSome("  - Not done: %d", int64(r.notDone()))
	r.progress.Printf("  Events added: %d", r.events)
	r.progress.Printf("  Total Time: %s", output.Millis(r.command.Elapsed()))
	if r.dry {
		r.progress.Printf("Not Checked: the bytes of the content were not read")
	}
	return cmp.Or(outcome, r.progress.Err())
}

func (r *copyReport) notDone() int { return max(r.total-r.finished(), 0) }

func (r *copyReport) view() copyView {
	v := copyView{
		DryRun: r.dry, Records: r.total, Copied: r.counts[copier.Copied], Updated: r.counts[copier.Updated],
		Present: r.counts[copier.Present], Failed: r.counts[copier.Failed], NotDone: r.notDone(),
		Events: r.events, Bytes: r.bytes, DurationMS: output.Millis(r.command.Elapsed()), Failures: r.failures,
		Source: copyEnd{r.from.String(), r.command.RedactedURL()}, Destination: copyEnd{URL: r.second.RedactedURL()},
	}
	if !r.to.IsZero() {
		v.Destination.Archive = r.to.String()
	}
	return v
}

// outcome is how the run ends: nil if everything that was asked for is done; err is
// what ended it before its end.
func (r *copyReport) outcome(ctx context.Context, err error) error {
	failed := r.counts[copier.Failed]
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return output.Errorf(output.KindOf(sdk.Canceled), "interrupted: %d of %s not done", r.notDone(), output.Count(r.total, "record")).WithHint("%s", copyHint)
	case err == nil && failed == 0:
		return nil
	case err != nil && (r.finished() == failed || output.CodeOf(err) == output.ExitEvidence):
		return err
	case err == nil && r.total == 1:
		return r.failure
	}
	message := fmt.Sprintf("%d of %s left out, %d not done", failed, output.Count(r.total, "record"), r.notDone())
	if err != nil {
		message += ": " + strings.TrimSpace(output.Words(err))
	}
	return output.Errorf(output.Batch, "%s", message).WithHint("%s", copyHint)
}

// copyHint is what to do about a copy that is not whole.
const copyHint = "run it again: it takes only what the destination lacks"
