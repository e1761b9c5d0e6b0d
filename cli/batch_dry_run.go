package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/batch"
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

	record sdk.Record
	known  bool
	err    error
}

// dryRun resolves the whole manifest against the archive and the outputs, reads
// no content but that of outputs that exist, and writes nothing.
func (p *batchPlan) dryRun(ctx context.Context) error {
	backend, err := p.connect(ctx, sdk.ReadOnly)
	if err != nil {
		return err
	}
	forecasts := make([]forecast, len(p.manifest.Items))
	for i, item := range p.manifest.Items {
		forecasts[i] = forecast{Item: item}
	}
	if p.earlier != nil {
		p.skipDone(forecasts)
	}
	for i := range forecasts[:p.from] {
		forecasts[i].Action = "skip"
	}
	if err := resolve(ctx, backend, forecasts); err != nil {
		return err
	}
	codes := map[int]bool{}
	for i := range forecasts {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.judge(&forecasts[i])
		if err := forecasts[i].err; err != nil {
			codes[asFailure(err).code], codes[exitBatch] = true, true
		}
	}
	return p.showForecasts(forecasts, codes)
}

func (p *batchPlan) skipDone(forecasts []forecast) {
	results := batch.NewResults(p.manifest)
	results.CarryOver(p.earlier)
	for i, r := range results.Items {
		if r.Status == batch.Success {
			forecasts[i].Action = "skip"
		}
	}
}

// resolve finds the records: whole tombstones a thousand at a time, shortened
// ones each by itself.
func resolve(ctx context.Context, backend sdk.Backend, forecasts []forecast) error {
	byID := map[sdk.Tombstone][]*forecast{}
	var ids []sdk.Tombstone
	for i := range forecasts {
		f := &forecasts[i]
		if f.Action != "" {
			continue
		}
		id, err := findTombstone(ctx, backend, f.Item.Tombstone)
		if err != nil {
			if !ofItem(err) {
				return err
			}
			f.err = err
			continue
		}
		if byID[id] == nil {
			ids = append(ids, id)
		}
		byID[id] = append(byID[id], f)
	}
	for group := range slices.Chunk(ids, sdk.MaxItems) {
		for entry, err := range backend.List(ctx, sdk.Query{Tombstones: group}) {
			if err != nil {
				return err
			}
			for _, f := range byID[entry.Record.Tombstone] {
				f.record, f.known = entry.Record, true
				if !entry.Present && entry.Record.PurgedAt.IsZero() {
					f.err = sdk.Errorf(sdk.ContentAbsent, "the archive has lost its content")
				}
			}
		}
	}
	return nil
}

// ofItem reports whether an error is about one tombstone and not the archive.
func ofItem(err error) bool {
	var f *failure
	return errors.As(err, &f) || sdk.KindOf(err) == sdk.NotFound
}

// judge says what would become of an item.
func (p *batchPlan) judge(f *forecast) {
	if f.Action != "" {
		return
	}
	switch {
	case f.err != nil:
	case !f.known:
		f.err = tombstoneNotFound(f.Item.Tombstone)
	case !f.record.PurgedAt.IsZero():
		f.err = sdk.Errorf(sdk.Purged, "its content was purged at %s", stamp(f.record.PurgedAt))
	case f.Item.SHA256 != "" && f.Item.SHA256 != f.record.Content.SHA256.String():
		f.err = otherContent(f.Item.SHA256, f.record.Content.SHA256)
	default:
		f.Size = f.record.Content.Size
		f.Path, _ = pathText(f.record.Path)
		f.Action, f.err = p.judgeOutput(f)
	}
	if f.err != nil {
		text := f.err.Error()
		f.Action, f.Error = "fail", &text
	}
}

func (p *batchPlan) judgeOutput(f *forecast) (action string, err error) {
	force := p.flags.Bool("force")
	if p.base == nil && p.flags.IsSet("base-dir") {
		return "write", nil // the base does not exist yet
	}
	to := restorer.Destination{Path: f.Item.Output, Base: p.base, Force: force}
	if err := to.Check(); err != nil {
		return "", err
	}
	open, lstat := os.Open, os.Lstat
	if p.base != nil {
		open, lstat = p.base.Open, p.base.Lstat
	}
	info, err := lstat(f.Item.Output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "write", nil
	case err != nil:
		return "", err
	case info.Mode().IsRegular() && info.Size() == f.Size && sameContent(open, f):
		return "unchanged", nil
	case force:
		return "replace", nil
	}
	return "", sdk.Errorf(sdk.Refused, "output %s exists with other content; --force replaces it", f.Item.Output)
}

func sameContent(open func(string) (*os.File, error), f *forecast) bool {
	file, err := open(f.Item.Output)
	if err != nil {
		return false
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return err == nil && sdk.Digest(sum.Sum(nil)) == f.record.Content.SHA256
}

// showForecasts prints them. The exit code is the one that the batch would end
// with, as far as can be known.
func (p *batchPlan) showForecasts(forecasts []forecast, codes map[int]bool) error {
	counts := map[string]int{}
	for _, f := range forecasts {
		counts[f.Action]++
	}
	var end error
	if len(codes) > 0 {
		var list []int
		for code := range codes {
			list = append(list, code)
		}
		end = &failure{code: worst(list), kind: "batch", err: fmt.Errorf("%d of %d items would fail", counts["fail"], len(forecasts)), hint: "nothing was written"}
	}
	if p.json {
		err := writeJSON(p.stdout, struct {
			DryRun  bool           `json:"dry_run"`
			Items   []forecast     `json:"items"`
			Summary map[string]int `json:"summary"`
		}{true, forecasts, counts})
		if end != nil {
			end = resultShown{end}
		}
		return errors.Join(end, err)
	}
	var b strings.Builder
	for i, f := range forecasts {
		fmt.Fprintf(&b, "Item %d: %s\n", i+1, f.sentence())
	}
	fmt.Fprintf(&b, "Dry run: of %d items %d would be written, %d replaced, %d are there already, %d would fail, %d would be skipped; nothing was done\n",
		len(forecasts), counts["write"], counts["replace"], counts["unchanged"], counts["fail"], counts["skip"])
	if _, err := io.WriteString(p.stdout, b.String()); err != nil {
		return err
	}
	return end
}

func (f *forecast) sentence() string {
	output := printable(f.Item.Output)
	switch f.Action {
	case "fail":
		return "would fail: " + printable(*f.Error)
	case "skip":
		return "would be skipped"
	case "unchanged":
		return output + " is there already"
	}
	return fmt.Sprintf("would %s %s (%d bytes, %s)", f.Action, output, f.Size, printable(f.Path))
}
