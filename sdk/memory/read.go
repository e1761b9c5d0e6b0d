package memory

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// Missing implements [sdk.Backend].
func (b *Backend) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	if len(contents) > sdk.MaxItems {
		return nil, tooMany("contents")
	}
	if err := b.lock(ctx); err != nil {
		return nil, err
	}
	defer b.archive.mu.Unlock()
	var missing []sdk.Digest
	for _, d := range contents {
		if b.archive.bodies[d] == nil {
			missing = append(missing, d)
		}
	}
	return missing, nil
}

// Get implements [sdk.Backend].
func (b *Backend) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		if len(ids) > sdk.MaxItems {
			yield(sdk.GetResult{}, tooMany("tombstones"))
			return
		}
		if len(ids) == 0 { // nothing to do is no reason to be silent about an ended ctx
			if err := b.lock(ctx); err != nil {
				yield(sdk.GetResult{}, err)
				return
			}
			b.archive.mu.Unlock()
		}
		for _, id := range ids {
			found, err := b.find(ctx, id)
			if !yield(found, err) || err != nil {
				return
			}
		}
	}
}

func (b *Backend) find(ctx context.Context, id sdk.Tombstone) (sdk.GetResult, error) {
	if err := b.lock(ctx); err != nil {
		return sdk.GetResult{}, err
	}
	defer b.archive.mu.Unlock()
	r := b.archive.records[id]
	if r == nil {
		return sdk.GetResult{Record: sdk.Record{Tombstone: id}, Err: at(id, sdk.NotFound, "no such tombstone")}, nil
	}
	if err := r.Validate(); err != nil {
		return sdk.GetResult{Record: sdk.Record{Tombstone: id}, Err: unreadable(id, err)}, nil
	}
	found := sdk.GetResult{Record: b.archive.copyOf(r)}
	kept := b.archive.bodies[r.Content.SHA256]
	switch {
	case !r.PurgedAt.IsZero():
		found.Err = at(id, sdk.Purged, "the content was purged on "+r.PurgedAt.Format("2006-01-02"))
	case kept == nil:
		found.Err = at(id, sdk.ContentAbsent, "the content is gone")
	default:
		found.Body = kept.reader(id)
	}
	return found, nil
}

// unreadable is the error about a record that cannot be what was stored.
func unreadable(id sdk.Tombstone, err error) error {
	return at(id, sdk.Corrupt, "the record cannot be read: "+sdk.AsError(err).Msg)
}

// copyOf returns r as callers see it: sharing nothing, and with the content as
// it is kept.
func (a *archive) copyOf(r *record) sdk.Record {
	c := r.Record
	c.Tags, c.Metadata = slices.Clone(c.Tags), maps.Clone(c.Metadata)
	if kept := a.bodies[c.Content.SHA256]; kept != nil {
		c.Content = kept.content
	}
	return c
}

// List implements [sdk.Backend]. It yields a copy made at its beginning.
func (b *Backend) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		entries, err := b.entries(ctx, q)
		if err != nil {
			yield(sdk.Entry{}, err)
			return
		}
		for _, e := range entries {
			err := b.alive(ctx)
			if err != nil {
				e = sdk.Entry{}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// alive reports why a sequence under way must end, if it must.
func (b *Backend) alive(ctx context.Context) error {
	if err := b.lock(ctx); err != nil {
		return err
	}
	b.archive.mu.Unlock()
	return nil
}

func (b *Backend) entries(ctx context.Context, q sdk.Query) ([]sdk.Entry, error) {
	s, err := newSelection(q)
	if err != nil {
		return nil, err
	}
	if err := b.lock(ctx); err != nil {
		return nil, err
	}
	defer b.archive.mu.Unlock()
	if q.OfArchive {
		return b.archive.ownEvents(s), nil
	}
	var rows []*record
	for _, r := range b.archive.records {
		if s.has(r) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(x, y *record) int {
		return cmp.Or(y.ArchivedAt.Compare(x.ArchivedAt), bytes.Compare(y.Tombstone[:], x.Tombstone[:]))
	})
	if q.Limit > 0 && len(rows) > q.Limit {
		rows = rows[:q.Limit]
	}
	entries := make([]sdk.Entry, len(rows))
	for i, r := range rows {
		entries[i] = b.archive.entry(r, q)
	}
	return entries, nil
}

// ownEvents are the events of the archive, newest first.
func (a *archive) ownEvents(s selection) (entries []sdk.Entry) {
	for id, e := range a.events {
		if e.Action.OfArchive() && (len(s.events) == 0 || s.events[id]) {
			e.Detail = maps.Clone(e.Detail)
			entries = append(entries, sdk.Entry{Events: []sdk.Event{e}})
		}
	}
	slices.SortFunc(entries, func(x, y sdk.Entry) int {
		return cmp.Or(y.Events[0].At.Compare(x.Events[0].At), bytes.Compare(y.Events[0].ID[:], x.Events[0].ID[:]))
	})
	if s.Limit > 0 && len(entries) > s.Limit {
		entries = entries[:s.Limit]
	}
	return entries
}

func (a *archive) entry(r *record, q sdk.Query) sdk.Entry {
	if err := r.Validate(); err != nil {
		return sdk.Entry{Record: sdk.Record{Tombstone: r.Tombstone}, Err: unreadable(r.Tombstone, err)}
	}
	e := sdk.Entry{Record: a.copyOf(r), Present: a.retrievable(r)}
	if q.WithEvents {
		e.Events = slices.SortedFunc(slices.Values(r.events), func(x, y sdk.Event) int {
			return cmp.Or(x.At.Compare(y.At), bytes.Compare(x.ID[:], y.ID[:]))
		})
		for i := range e.Events {
			e.Events[i].Detail = maps.Clone(e.Events[i].Detail)
		}
	}
	if q.WithHolds {
		e.Holds = slices.SortedFunc(slices.Values(r.holds), func(x, y sdk.Hold) int {
			return cmp.Or(x.Placed.Compare(y.Placed), cmp.Compare(x.Case, y.Case))
		})
	}
	return e
}

// selection is a Query made ready to be asked of each record.
type selection struct {
	sdk.Query
	tombstones, events map[sdk.ID]bool
}

func newSelection(q sdk.Query) (selection, error) {
	s := selection{Query: q, tombstones: set(q.Tombstones), events: set(q.Events)}
	s.Tombstones = nil // those are in the map
	return s, q.Validate()
}

func set(ids []sdk.ID) map[sdk.ID]bool {
	m := make(map[sdk.ID]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}

func (s *selection) has(r *record) bool {
	return (len(s.tombstones) == 0 || s.tombstones[r.Tombstone]) &&
		(len(s.events) == 0 || slices.ContainsFunc(r.events, func(e sdk.Event) bool { return s.events[e.ID] })) &&
		s.Matches(&r.Record)
}
