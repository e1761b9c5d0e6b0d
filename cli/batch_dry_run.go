package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

// forecast says what a batch would do to one item.
type forecast struct {
	Item   batch.Item `json:"item"`
	Action string     `json:"action"` // write, replace, unchanged, fail or skip
	Size   int64      `json:"size_bytes"`
	Path   string     `json:"path,omitempty"` // as recorded
	Error  *string    `json:"error"`

	err error
}

// dryRun looks up the whole manifest in the archive and at the outputs. It reads
// no content but that of outputs that exist, and writes nothing.
func (p *batchPlan) dryRun(ctx context.Context) error {
	archive := p.archive
	if archive == nil {
		var err error
		if archive, err = p.command.Dial(ctx, sdk.ReadOnly); err != nil {
			return err
		}
	}
	backend, err := archive.Backend(ctx)
	if err != nil {
		return err
	}
	texts := make([]string, len(p.manifest.Items))
	for i, item := range p.manifest.Items {
		texts[i] = item.Tombstone
	}
	records, err := find.Records(ctx, backend, texts)
	if err != nil {
		return err
	}
	successes := map[int]bool{}
	if p.earlier != nil {
		for _, i := range batch.NewResults(p.manifest).Successes(p.earlier) {
			successes[i] = true
		}
	}
	forecasts := make([]forecast, len(records))
	for i, record := range records {
		if err := ctx.Err(); err != nil {
			return err
		}
		item := p.manifest.Items[i]
		forecasts[i].Item = item
		if i < p.from || successes[i] && record.Err == nil && p.outputs.hold(item.Output, record.Entry.Record.Content) {
			forecasts[i].Action = "skip"
			continue
		}
		p.forecast(&forecasts[i], record)
	}
	return p.showForecasts(forecasts)
}

// forecast says what would happen to an item.
func (p *batchPlan) forecast(f *forecast, found find.Record) {
	r := found.Entry.Record
	switch {
	case found.Err != nil:
		f.err = found.Err
	case !r.PurgedAt.IsZero():
		f.err = sdk.Errorf(sdk.Purged, "its content was purged at %s", output.Stamp(r.PurgedAt))
	case !found.Entry.Present:
		f.err = sdk.Errorf(sdk.ContentAbsent, "the archive has lost its content")
	default:
		if f.err = journal.CheckContent(f.Item.SHA256, r); f.err == nil {
			f.Size = r.Content.Size
			f.Path, _ = output.PathText(r.Path)
			f.Action, f.err = p.forecastOutput(f.Item.Output, r.Content)
		}
	}
	if f.err != nil {
		text := output.Words(f.err)
		f.Action, f.Error = "fail", &text
	}
}

func (p *batchPlan) forecastOutput(path string, content sdk.Content) (action string, err error) {
	force := p.command.Flags.Bool("force")
	to := restorer.Destination{Path: path, Base: p.outputs.base, Force: force, Own: own(p.command)}
	if !p.outputs.missing {
		if err := to.Check(); err != nil {
			return "", err
		}
	}
	_, err = p.outputs.lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "write", p.outputs.canWrite(path)
	case err != nil:
		return "", err
	case p.outputs.hold(path, content):
		return "unchanged", nil
	case force:
		return "replace", p.outputs.canWrite(path)
	}
	return "", output.Errorf(output.OutputExists, "output %s exists with other content; --force replaces it", path)
}

// showForecasts prints them. The exit code is the one that the batch would end
// with, as far as can be known.
func (p *batchPlan) showForecasts(forecasts []forecast) error {
	c, counts := p.command, map[string]int{}
	var end error
	for _, f := range forecasts {
		if counts[f.Action]++; f.err != nil {
			end = f.err
		}
	}
	if end != nil && len(forecasts) > 1 {
		end = output.Errorf(output.Batch, "%d of %s would fail", counts["fail"], output.Count(len(forecasts), "item")).WithHint("nothing was written")
	}
	if c.JSON {
		err := output.WriteJSON(c.Env.Stdout, struct {
			DryRun  bool           `json:"dry_run"`
			Items   []forecast     `json:"items"`
			Summary map[string]int `json:"summary"`
		}{true, forecasts, counts})
		if end != nil {
			end = output.Shown{Err: end}
		}
		return errors.Join(end, err)
	}
	var b strings.Builder
	for i, f := range forecasts {
		fmt.Fprintf(&b, "Item %d: %s\n", i+1, f.sentence())
	}
	fmt.Fprintf(&b, "Dry run of %s: %d would be written, %d replaced, %d there already, %d would fail, %d would be skipped; nothing was done\n",
		output.Count(len(forecasts), "item"), counts["write"], counts["replace"], counts["unchanged"], counts["fail"], counts["skip"])
	if _, err := io.WriteString(c.Env.Stdout, b.String()); err != nil {
		return err
	}
	return end
}

func (f *forecast) sentence() string {
	path := escape.Text(f.Item.Output)
	switch f.Action {
	case "fail":
		return "would fail: " + escape.Text(*f.Error)
	case "skip":
		return "would be skipped"
	case "unchanged":
		return path + " is there already"
	}
	return fmt.Sprintf("would %s %s (%s, %s)", f.Action, path, output.Count(f.Size, "byte"), escape.Text(f.Path))
}
