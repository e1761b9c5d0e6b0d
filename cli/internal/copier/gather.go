package copier

import (
	"context"
	"fmt"

	"github.com/codex-archive/codex/sdk"
)

// gatherer makes groups of what the destination lacks.
type gatherer struct {
	run    *run
	groups chan<- []*Item

	group   []*Item
	bytes   int64
	history int
}

// all reads the source to its end.
func (g *gatherer) all(ctx context.Context) error {
	page := make([]sdk.Entry, 0, sdk.MaxItems)
	for entry, err := range g.run.Records {
		if err != nil {
			return fmt.Errorf("the source: %w", err)
		}
		if page = append(page, entry); len(page) < sdk.MaxItems {
			continue
		}
		if err := g.page(ctx, page); err != nil {
			return err
		}
		page = page[:0]
	}
	if err := g.page(ctx, page); err != nil {
		return err
	}
	return g.flush(ctx)
}

// page compares some records with what the destination has.
func (g *gatherer) page(ctx context.Context, page []sdk.Entry) error {
	there, err := g.there(ctx, page)
	if err != nil {
		return fmt.Errorf("the destination: %w", err)
	}
	var results []Result
	for i := range page {
		from := &page[i]
		it, err := compare(from, there[from.Record.Tombstone])
		switch {
		case err != nil:
			results = append(results, Result{Record: from.Record, Outcome: Failed, Err: err})
		case it == nil:
			results = append(results, Result{Record: from.Record, Outcome: Present})
		default:
			if err := g.add(ctx, it); err != nil {
				return err
			}
		}
	}
	g.run.done(results...)
	return ctx.Err()
}

// there returns the records of a page that the destination has.
func (g *gatherer) there(ctx context.Context, page []sdk.Entry) (map[sdk.Tombstone]*sdk.Entry, error) {
	there := map[sdk.Tombstone]*sdk.Entry{}
	ids := make([]sdk.Tombstone, 0, len(page))
	for i := range page {
		if page[i].Err == nil {
			ids = append(ids, page[i].Record.Tombstone)
		}
	}
	if len(ids) == 0 || g.run.To == nil {
		return there, nil
	}
	return there, g.run.Again(ctx, func(ctx context.Context) error {
		to, err := g.run.To(ctx)
		if err != nil {
			return err
		}
		for entry, err := range to.List(ctx, sdk.Query{Tombstones: ids, WithEvents: true}) {
			if err != nil {
				return err
			}
			there[entry.Record.Tombstone] = &entry
		}
		return nil
	})
}

// add puts an item into the group, or into one of its own where it is large.
func (g *gatherer) add(ctx context.Context, it *Item) error {
	if it.large() || it.history.Len() > sdk.MaxHistory {
		return g.hand(ctx, []*Item{it})
	}
	full := len(g.group) == sdk.MaxItems || g.bytes+it.size() > groupBytes || g.history+it.history.Len() > sdk.MaxHistory
	if full && len(g.group) > 0 {
		if err := g.flush(ctx); err != nil {
			return err
		}
	}
	g.group = append(g.group, it)
	g.bytes += it.size()
	g.history += it.history.Len()
	return nil
}

func (g *gatherer) flush(ctx context.Context) error {
	if len(g.group) == 0 {
		return nil
	}
	group := g.group
	g.group, g.bytes, g.history = nil, 0, 0
	return g.hand(ctx, group)
}

func (g *gatherer) hand(ctx context.Context, items []*Item) error {
	select {
	case g.groups <- items:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
