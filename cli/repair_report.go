package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/crypt"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// repairReport tells people how a repair goes. Its methods are called by one
// goroutine at a time.
type repairReport struct {
	verify  *verifyReport
	paths   map[sdk.Tombstone]string // of damaged records
	view    repairView
	failure error // the first
}

// repairView is the result of a repair.
type repairView struct {
	DryRun   bool          `json:"dry_run,omitempty"`
	Items    []repairItem  `json:"items"` // that are not intact
	Examined int64         `json:"examined"`
	Purged   int64         `json:"purged"`   // of those: on purpose, so there is nothing to repair
	Repaired int64         `json:"repaired"` // records; in a dry run: that would be
	Failed   int64         `json:"failed"`   // that are not intact all the same
	Duration output.Millis `json:"total_duration_ms"`
}

func (v repairView) write(w io.Writer) error { return output.WriteJSON(w, v) }

type repairItem struct {
	Tombstone string              `json:"tombstone"`
	Path      string              `json:"path,omitempty"`
	PathB64   string              `json:"path_b64,omitempty"`
	SHA256    string              `json:"sha256,omitempty"`
	Status    string              `json:"status"` // repaired, would_repair or failed
	From      string              `json:"from,omitempty"`
	Error     *output.FailureView `json:"error,omitempty"`
}

func newRepairReport(c *app.Command) *repairReport {
	return &repairReport{
		verify: newVerifyReport(c), paths: map[sdk.Tombstone]string{},
		view: repairView{DryRun: c.Flags.Bool("dry-run"), Items: []repairItem{}},
	}
}

// begin prints the first line. total is 0 where it is not known.
func (r *repairReport) begin(total int) {
	r.verify.total = total
	r.verify.progress.Printf("Looking for damage...")
	r.verify.progress.Begin(0, total)
}

// examined counts a record. One that cannot be read, or could not be verified, is
// not repaired.
func (r *repairReport) examined(result *verifier.Result) {
	r.view.Examined++
	problem := result.Problem()
	r.verify.item(result, problem)
	switch {
	case result.Status == verifier.Purged:
		r.view.Purged++
	case problem == nil:
	case repairable(result):
		r.paths[result.Entry.Record.Tombstone] = result.Entry.Record.Path
	default:
		failure := output.ViewFailure(output.FailureOf(result.Err))
		r.view.Items = append(r.view.Items, repairItem{
			Tombstone: problem.Tombstone, Path: problem.Path, PathB64: problem.PathB64, SHA256: problem.SHA256, Status: "failed", Error: &failure,
		})
		r.fail(1, result.Err)
	}
}

func (r *repairReport) fail(records int, err error) {
	r.view.Failed += int64(records)
	if r.failure == nil {
		r.failure = err
	}
}

// repaired says that the content of records is whole again, or would be.
func (r *repairReport) repaired(d *damagedContent, from string) {
	status, verb := "repaired", "Repaired"
	if r.view.DryRun {
		status, verb = "would_repair", "Would repair"
	}
	for _, id := range d.records {
		r.add(d, repairItem{Tombstone: id.String(), Status: status, From: from}, id)
		r.verify.progress.Printf("%s %s %s from %s", verb, id, escape.Text(r.paths[id]), escape.Text(from))
	}
	r.view.Repaired += int64(len(d.records))
}

// notRepaired says that the content of records is not whole.
func (r *repairReport) notRepaired(d *damagedContent, err error) {
	failure := output.ViewFailure(output.FailureOf(err))
	for _, id := range d.records {
		r.add(d, repairItem{Tombstone: id.String(), Status: "failed", Error: &failure}, id)
		r.verify.progress.Printf("[ERROR] %s %s: %s", id, escape.Text(r.paths[id]), escape.Text(output.WordsAbout(id.String(), err)))
	}
	r.fail(len(d.records), err)
}

func (r *repairReport) add(d *damagedContent, item repairItem, id sdk.Tombstone) {
	item.SHA256 = d.SHA256.String()
	item.Path, item.PathB64 = output.PathText(r.paths[id])
	r.view.Items = append(r.view.Items, item)
}

// end prints the summary and returns how the repair ended; err is what ended it
// before its end.
func (r *repairReport) end(ctx context.Context, err error) error {
	outcome := r.outcome(ctx, err)
	if err != nil && r.view.Examined == 0 {
		return outcome
	}
	r.view.Duration = output.Millis(r.verify.command.Elapsed())
	if r.verify.command.JSON {
		return output.EndJSON(r.verify.command.Env.Stdout, r.view.write, outcome)
	}
	word := "Repaired"
	if r.view.DryRun {
		word = "Would be repaired"
	}
	r.verify.progress.Printf("Repair Complete:")
	r.verify.progress.Printf("  ✓ Intact: %d", r.view.Examined-r.view.Purged-int64(len(r.paths))-r.unrepairable())
	r.verify.progress.Printf("  ✓ %s: %d", word, r.view.Repaired)
	r.verify.progress.Printf("  ✗ Not repaired: %d", int64(len(r.paths))+r.unrepairable()-r.view.Repaired)
	r.verify.progress.PrintSome("  - Purged: %d", r.view.Purged)
	r.verify.progress.Printf("  Total Time: %s", r.view.Duration)
	return cmp.Or(outcome, r.verify.progress.Err())
}

// unrepairable counts the records whose content is not what failed.
func (r *repairReport) unrepairable() (n int64) {
	for i := range r.view.Items {
		if id, err := sdk.ParseID(r.view.Items[i].Tombstone); r.view.Items[i].Status == "failed" && (err != nil || !r.has(id)) {
			n++
		}
	}
	return n
}

func (r *repairReport) has(id sdk.Tombstone) bool { _, ok := r.paths[id]; return ok }

func (r *repairReport) outcome(ctx context.Context, err error) error {
	one := r.view.Examined == 1 && r.verify.total == 1
	switch {
	case errors.Is(ctx.Err(), context.Canceled), output.CodeOf(err) == output.ExitEvidence, output.CodeOf(err) == output.ExitUsage:
		return err
	case err != nil && r.view.Repaired == 0:
		return err
	case err == nil && r.view.Failed == 0:
		return nil
	case err == nil && one:
		return r.failure
	}
	f := output.Errorf(output.Batch, "%s not repaired", output.Count(int64(len(r.paths))+r.unrepairable()-r.view.Repaired, "record"))
	if err != nil {
		return output.Errorf(output.Batch, "%w; the repair was stopped: %w", f, err)
	}
	hint := "look in another place: a repair that is run again does what is left"
	if crypt.IsForOthers(r.failure) {
		hint = output.FailureOf(r.failure).Hint + "; a repair that is run again does what is left"
	}
	return output.Errorf(output.Batch, "%w: %w", f, errors.New(fmt.Sprint(output.Words(r.failure)))).WithHint("%s", hint)
}
