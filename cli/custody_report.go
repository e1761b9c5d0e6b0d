package main

import (
	"bytes"
	"context"
	"errors"
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
	command *app.Command
	words   custodyWords
	one     bool // a single tombstone was named
	live    bool // a bar takes the place of the Progress lines
	dry     bool

	total, done, unchanged, failed int
	freed                          int64 // bytes, by purges
	failure                        error // the first
	err                            error // the first of printing
}

func newCustodyReport(c *app.Command, words custodyWords) *custodyReport {
	r := &custodyReport{command: c, words: words, one: c.Flags.NArg() == 1, dry: c.Flags.Bool("dry-run")}
	r.live = !r.one && c.HasBar()
	return r
}

func (r *custodyReport) begin(items []*custodyItem) {
	r.total = len(items)
	if r.dry {
		return
	}
	r.summary("%s %d records...", r.words.doing, r.total)
	if r.live {
		r.command.Screen.Begin(0, r.total)
	}
}

func (r *custodyReport) ended() int { return r.done + r.unchanged + r.failed }

func (r *custodyReport) percent() int { return r.ended() * 100 / max(r.total, 1) }

// group counts and prints what became of a group. The event has what belongs to
// the action.
func (r *custodyReport) group(items []*custodyItem, event sdk.Event) {
	before := r.percent()
	for _, item := range items {
		r.item(item, event)
	}
	switch {
	case r.live:
		r.command.Screen.Set(r.ended())
	case r.percent() != before:
		r.summary("Progress: %d%%", r.percent())
	}
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
		r.line(viewCustody(item, r.words, event))
	case r.command.JSON:
		// The error is the document.
	case item.err != nil && !r.one:
		r.print("[ERROR] %s: %s", escape.Text(item.name), escape.Text(output.Words(item.err)))
	case item.err == nil && r.one:
		r.print("%s", escape.Text(item.id.String()+" "+r.said(item, event)))
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
		words = append(words, fmt.Sprintf("%d bytes freed", v.Freed))
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
			r.line(view)
			continue
		}
		said := "would be " + r.said(item, event)
		switch {
		case item.err != nil:
			said = "would be refused: " + output.Words(item.err)
		case item.unchanged:
			said = r.said(item, event)
		}
		r.print("%s", escape.Text(item.name+" "+said+"  "+item.entry.Record.Path))
	}
}

// end prints the summary and returns how the run ended; err is what ended it
// before its end.
func (r *custodyReport) end(ctx context.Context, err error) error {
	r.command.Screen.End()
	if r.dry {
		r.summary("%d records, %d would be refused; nothing was done", r.total, r.failed)
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
		r.summary("  Freed: %d bytes", r.freed)
	}
	r.summary("  Total Time: %s", output.Millis(r.command.Elapsed()))
	if r.words.warnUnchanged != "" && r.unchanged == r.total {
		r.command.Log.Warn(r.words.warnUnchanged)
	}
	return r.outcome(ctx, err)
}

// outcome is how the run ends: nil if everything that was asked for is done.
func (r *custodyReport) outcome(ctx context.Context, err error) error {
	kind := r.kind(ctx, err)
	if kind == "" {
		return r.err
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
	message := fmt.Sprintf("%d of %d records failed, %d were not done", r.failed, r.total, r.total-r.ended())
	if r.dry {
		message = fmt.Sprintf("%d of %d records would be refused", r.failed, r.total)
	}
	if err != nil {
		message += ": " + output.Words(err)
	}
	return output.Errorf(kind, "%s", message).WithHint("the lines on stdout say why; the same command again does what is left")
}

func (r *custodyReport) kind(ctx context.Context, err error) output.Kind {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return output.KindOf(sdk.Canceled)
	case output.CodeOf(err) == output.ExitEvidence:
		return output.Evidence
	case err == nil && r.failed == 0:
		return ""
	case err != nil && r.done+r.unchanged == 0:
		return output.FailureOf(err).Kind
	case r.total == 1:
		return output.FailureOf(r.failure).Kind
	}
	return output.Batch
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

func (r *custodyReport) line(v custodyView) {
	var text bytes.Buffer
	if r.err == nil {
		if r.err = output.WriteJSONLine(&text, v); r.err == nil {
			r.write(text.Bytes())
		}
	}
}

// summary prints a line about several records for people.
func (r *custodyReport) summary(format string, args ...any) {
	if !r.command.JSON && !r.one {
		r.print(format, args...)
	}
}

func (r *custodyReport) print(format string, args ...any) {
	r.write(fmt.Appendf(nil, format+"\n", args...))
}

// write prints lines. The run goes on if they cannot be printed.
func (r *custodyReport) write(lines []byte) {
	if r.err == nil {
		_, r.err = r.command.Screen.Above(r.command.Env.Stdout, lines)
	}
}
