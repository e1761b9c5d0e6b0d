package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// custodyWords are what a command says of its work.
type custodyWords struct {
	title, doing, done, unchanged string
	warnUnchanged                 string // logged where no record was changed; "": that is as well
}

// custodyReport tells people how a command goes that acts on records.
type custodyReport struct {
	command  *app.Command
	words    custodyWords
	progress *output.Progress
	one      bool // a single tombstone was named
	dry      bool

	total, done, unchanged, failed int
	freed                          int64 // bytes, by purges
	failure                        error // the first
}

func newCustodyReport(c *app.Command, words custodyWords) *custodyReport {
	return &custodyReport{
		command: c, words: words, progress: c.Progress(), one: c.Flags.NArg() == 1, dry: c.Flags.Bool("dry-run"),
	}
}

func (r *custodyReport) begin(items []*custodyItem) {
	r.total = len(items)
	if r.dry || r.one {
		return
	}
	r.progress.Printf("%s %s...", r.words.doing, output.Count(r.total, "record"))
	r.progress.Begin(0, r.total)
}

func (r *custodyReport) ended() int { return r.done + r.unchanged + r.failed }

// group counts and prints what became of a group. The event has what belongs to
// the action.
func (r *custodyReport) group(items []*custodyItem, event sdk.Event) {
	for _, item := range items {
		r.item(item, event)
	}
	r.progress.Add(len(items))
}

func (r *custodyReport) item(item *custodyItem, event sdk.Event) {
	switch {
	case item.err != nil:
		r.failed++
		if r.failure == nil {
			r.failure = item.err
		}
	case item.unchanged:
		r.unchanged++
	default:
		r.done++
		if item.verdict != nil {
			r.freed += item.verdict.Freed
		}
	}
	switch {
	case r.command.JSON && (item.err == nil || !r.one):
		r.progress.PrintJSON(viewCustody(item, r.words, event))
	case r.command.JSON:
		// The error is the document.
	case item.err != nil && !r.one:
		r.progress.Printf("[ERROR] %s: %s", escape.Text(item.name), escape.Text(output.WordsAbout(item.name, item.err)))
	case item.err == nil && r.one:
		r.progress.Printf("%s", escape.Text(item.id.String()+" "+r.said(item, event)))
	}
}

// said is what became of a record, in words.
func (r *custodyReport) said(item *custodyItem, event sdk.Event) string {
	words := []string{r.words.done}
	if item.unchanged {
		words[0] = r.words.unchanged
	}
	if event.Case != "" {
		words = append(words, "case "+event.Case)
	}
	if !event.RetainUntil.IsZero() {
		words = append(words, "until "+output.Stamp(event.RetainUntil))
	}
	if v := item.verdict; v != nil && v.Freed > 0 {
		words = append(words, output.Count(v.Freed, "byte")+" freed")
	}
	return strings.Join(words, ", ")
}

// planned prints what would become of a group.
func (r *custodyReport) planned(items []*custodyItem, event sdk.Event) {
	for _, item := range items {
		view := viewCustody(item, r.words, event)
		view.DryRun = true
		if item.err == nil {
			r.done++
		} else if r.failed++; r.failure == nil {
			r.failure = item.err
		}
		if r.command.JSON {
			r.progress.PrintJSON(view)
			continue
		}
		said := "would be " + r.said(item, event)
		switch {
		case item.err != nil:
			said = "would be refused: " + output.Words(item.err)
		case item.unchanged:
			said = r.said(item, event)
		}
		r.progress.Printf("%s", escape.Text(item.name+" "+said+"  "+item.entry.Record.Path))
	}
}

// end prints the summary and returns how the run ended; err is what ended it
// before its end.
func (r *custodyReport) end(ctx context.Context, err error) error {
	r.progress.End()
	if r.dry {
		r.rehearsed()
		return r.outcome(ctx, err)
	}
	r.summary("%s Complete:", r.words.title)
	r.summary("  ✓ %s: %d", upperFirst(r.words.done), r.done)
	r.summary("  = %s: %d", upperFirst(r.words.unchanged), r.unchanged)
	r.summary("  ✗ Failed: %d", r.failed)
	if undone := r.total - r.ended(); undone > 0 {
		r.summary("  - Not done: %d", undone)
	}
	if r.freed > 0 {
		r.summary("  Freed: %s", output.Count(r.freed, "byte"))
	}
	r.summary("  Total Time: %s", output.Millis(r.command.Elapsed()))
	if r.words.warnUnchanged != "" && r.unchanged == r.total {
		r.command.Log.Warn(r.words.warnUnchanged)
	}
	return r.outcome(ctx, err)
}

// outcome is how the run ends: nil if everything that was asked for is done.
func (r *custodyReport) outcome(ctx context.Context, err error) error {
	kind := runEnd{err: err, failure: r.failure, done: r.done + r.unchanged, failed: r.failed, total: r.total}.kind(ctx)
	if kind == "" {
		return r.progress.Err()
	}
	outcome := r.describe(kind, err)
	if r.command.JSON && (r.dry || !r.one) && r.ended() > 0 {
		return output.Shown{Err: outcome}
	}
	return outcome
}

func (r *custodyReport) describe(kind output.Kind, err error) *output.Failure {
	if r.total == 1 {
		if err == nil {
			err = r.failure
		}
		return &output.Failure{Kind: kind, Hint: output.FailureOf(err).Hint, Err: err}
	}
	message := fmt.Sprintf("%d of %s failed, %d not done", r.failed, output.Count(r.total, "record"), r.total-r.ended())
	hint := "the lines on stdout say why; the same command again does what is left"
	if r.dry {
		message = fmt.Sprintf("%d of %s would be refused", r.failed, output.Count(r.total, "record"))
		hint = "the lines on stdout say why; without --dry-run the others are done"
	}
	if err != nil {
		message += ": " + output.Words(err)
	}
	return output.Errorf(kind, "%s", message).WithHint("%s", hint)
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// custodyView is what --json prints of a record, on a line.
type custodyView struct {
	DryRun      bool                `json:"dry_run,omitempty"`
	Tombstone   string              `json:"tombstone"` // as it was typed, where there is no such record
	Status      string              `json:"status"`
	Repo        string              `json:"repo,omitempty"`
	Path        string              `json:"path,omitempty"`
	PathB64     string              `json:"path_b64,omitempty"`
	SHA256      string              `json:"sha256,omitempty"`
	Size        *int64              `json:"size_bytes,omitempty"`
	Case        string              `json:"case,omitempty"`
	RetainUntil *time.Time          `json:"retain_until,omitempty"` // of retain
	Verdict     string              `json:"verdict,omitempty"`      // of purge
	Why         string              `json:"why,omitempty"`
	Freed       *int64              `json:"freed_bytes,omitempty"`
	Event       string              `json:"event,omitempty"`
	Error       *output.FailureView `json:"error,omitempty"`
}

func viewCustody(item *custodyItem, words custodyWords, event sdk.Event) custodyView {
	v := custodyView{Tombstone: item.name, Status: strings.ReplaceAll(words.done, " ", "_"), Case: event.Case, RetainUntil: output.OptionalTime(event.RetainUntil)}
	if r := &item.entry.Record; !r.Tombstone.IsZero() && item.entry.Err == nil {
		v.Tombstone, v.Repo, v.SHA256, v.Size = r.Tombstone.String(), r.Repo, r.Content.SHA256.String(), &r.Content.Size
		v.Path, v.PathB64 = output.PathText(r.Path)
	}
	if item.unchanged {
		v.Status = strings.ReplaceAll(words.unchanged, " ", "_")
	}
	if item.verdict != nil {
		v.Verdict, v.Why, v.Freed = string(item.verdict.Outcome), item.verdict.Why, &item.verdict.Freed
	}
	if !item.event.IsZero() {
		v.Event = item.event.String()
	}
	if item.err != nil {
		failure := output.ViewFailure(output.FailureOf(item.err))
		v.Status, v.Error = "failed", &failure
	}
	return v
}

// rehearsed prints the summary of a dry run.
func (r *custodyReport) rehearsed() {
	r.summary("%s, %d would be refused; nothing was done", output.Count(r.total, "record"), r.failed)
}

// summary prints a line about several records for people.
func (r *custodyReport) summary(format string, args ...any) {
	if !r.one {
		r.progress.Printf(format, args...)
	}
}
