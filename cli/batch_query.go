package main

import (
	"context"
	"crypto/sha256"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

// isQuery reports whether the batch takes its items from the archive.
func isQuery(c *app.Command) bool { return c.Flags.NArg() == 0 && c.Flags.IsSet("output-dir") }

// runQuery restores what the selectors select, without a manifest.
func (p *batchPlan) runQuery(ctx context.Context) (err error) {
	c := p.command
	selected, err := p.readQuery()
	if err != nil {
		return err
	}
	if p.archive, p.journal, err = openActingOnMany(ctx, c, actingMode(c)); err != nil {
		return err
	}
	query, unreadable := batch.NewQuery(""), 0
	p.large = map[sdk.Tombstone]sdk.Content{}
	for entry, err := range selected.list(ctx, p.archive.Read, nil) {
		switch {
		case err != nil:
			return err
		case entry.Err != nil:
			unreadable++
			c.Log.Error("Left out: " + output.Words(entry.Err))
		default:
			query.Add(&entry.Record)
			p.noteLarge(&entry.Record)
		}
	}
	if query.Empty() && unreadable > 0 {
		return sdk.Errorf(sdk.Corrupt, "%s selected, and none can be read", output.Count(unreadable, "record"))
	}
	if err := p.useItems(query, selectionWords(c, &targets{selected: selected}, "output-dir")); err != nil {
		return err
	}
	return p.leftOut(p.carryOut(ctx), unreadable)
}

// noteLarge keeps the content of a record that is not restored in a group, or takes
// much memory. Of others, which may be very many, the tombstone is enough.
func (p *batchPlan) noteLarge(r *sdk.Record) {
	if c := r.Content; !journal.Groupable(c) || restorer.Memory(c) > smallMemory {
		p.large[r.Tombstone] = sdk.Content{Size: c.Size, StoredSize: c.StoredSize, Codec: c.Codec}
	}
}

// learnFound takes in what the query said of the items, which need not be asked
// again.
func (r *batchRun) learnFound() {
	for i, item := range r.plan.manifest.Items {
		id, err := sdk.ParseID(item.Tombstone)
		if err != nil {
			continue // it is restored alone, which says what is wrong
		}
		content := r.plan.large[id]
		r.know(i, content)
		r.small.learn(i, find.Record{Entry: sdk.Entry{Record: sdk.Record{Tombstone: id, Content: content}}})
	}
	r.plan.large = nil
}

// readQuery reads the command line.
func (p *batchPlan) readQuery() (s selection, err error) {
	c := p.command
	switch {
	case c.Flags.IsSet("base-dir") || c.Flags.IsSet("format"):
		return s, output.Usagef("--base-dir and --format are about a MANIFEST, not about --output-dir")
	case c.Flags.String("output-dir") == "":
		return s, output.Usagef("--output-dir is empty")
	}
	if _, err = c.Actor(); err != nil {
		return s, err
	}
	if err := checkResultsFlag(c); err != nil {
		return s, err
	}
	s, err = readSelectors(c, c.Started)
	s.query.Actor = "" // --by says who restores
	return s, err
}

// useItems makes a manifest of what was found. The words that say what was asked
// for take the place of its name in results, and find these again for --resume.
func (p *batchPlan) useItems(query *batch.Query, words string) error {
	items, err := query.Items()
	if err != nil {
		return output.Usagef("%w", err)
	}
	if len(items) == 0 {
		return sdk.Errorf(sdk.NotFound, "no live record is selected")
	}
	sum := sha256.New()
	if err := batch.WriteManifest(sum, items); err != nil {
		return err
	}
	p.manifest = &batch.Manifest{Path: words, SHA256: sdk.Digest(sum.Sum(nil)), Items: items}
	return nil
}

// open returns the archive and the journal of the batch. A query has opened them
// already.
func (p *batchPlan) open(ctx context.Context) (*app.Archive, *journal.Journal, error) {
	if p.journal != nil {
		return p.archive, p.journal, nil
	}
	return openActingOnMany(ctx, p.command, sdk.ReadWrite)
}
