package kvbackend

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// Sizes of the pages of List.
const (
	pageRows   = 1000    // keys that one transaction looks at
	pageBytes  = 1 << 20 // of the texts of what it returns: records can have 200 KiB of them
	candidates = 4096    // records that are found by something else than an index, and sorted in memory
)

// List reads pages, each continuing below the last record of the one before.
func (b *backend) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		l := lister{b: b, q: q, left: q.Limit}
		if err := l.prepare(ctx); err != nil {
			yield(sdk.Entry{}, b.wrap(ctx, "list", err))
			return
		}
		for !l.done {
			page, err := l.page(ctx)
			if err != nil {
				yield(sdk.Entry{}, err)
				return
			}
			for _, e := range page {
				if err := b.alive(ctx, "list"); err != nil {
					yield(sdk.Entry{}, err)
					return
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// lister is a List under way.
type lister struct {
	b      *backend
	q      sdk.Query
	chosen []layout.Order // what the query names, sorted; nil: the index has it
	index  []byte         // beginning of its keys
	from   []byte         // the next key of the index
	left   int            // of Query.Limit; meaningless where that is 0
	done   bool
}

// prepare checks the query and decides how to find its records.
func (l *lister) prepare(ctx context.Context) error {
	q := &l.q
	if err := q.Validate(); err != nil {
		return err
	}
	if q.OfArchive {
		*q = sdk.Query{OfArchive: true, Events: q.Events, Limit: q.Limit} // nothing else selects
	}
	l.index = index(q)
	l.from = l.index
	if !q.Until.IsZero() { // the first microsecond that is before it
		first := layout.OrderOf(q.Until.Add(-1), sdk.Tombstone(bytes.Repeat([]byte{0xff}, 16)))
		l.from = append(bytes.Clone(l.index), first[:]...)
	}
	if len(q.Tombstones) == 0 && len(q.Events) == 0 && q.Prefix == "" {
		return l.b.alive(ctx, "list")
	}
	return l.b.view(ctx, "list", l.choose)
}

// index is the beginning of the keys that have the records of q, and as few others
// as may be.
func index(q *sdk.Query) []byte {
	switch {
	case q.OfArchive:
		return layout.IndexOf(layout.Own, "")
	case !q.SHA256.IsZero():
		return layout.IndexOf(layout.SHA256, string(q.SHA256[:]))
	case !q.Set.IsZero():
		return layout.IndexOf(layout.Set, string(q.Set[:]))
	case q.Tag != "":
		return layout.IndexOf(layout.Tag, q.Tag)
	case q.Reason != "":
		return layout.IndexOf(layout.Reason, q.Reason)
	case q.Actor != "":
		return layout.IndexOf(layout.Actor, q.Actor)
	case q.Repo != "":
		return layout.IndexOf(layout.Repo, q.Repo)
	}
	return layout.IndexOf(layout.All, "")
}

// choose finds what a query names by event, tombstone or prefix. A prefix that
// very many have is left to the index.
func (l *lister) choose(t tx) (err error) {
	l.chosen = []layout.Order{}
	switch q := &l.q; {
	case len(q.Events) > 0:
		err = l.chooseEvents(t)
	case len(q.Tombstones) > 0:
		var ids []sdk.Tombstone
		ids, q.Tombstones = q.Tombstones, nil
		err = l.chooseRecords(t, ids)
	default:
		err = l.choosePrefix(t)
	}
	slices.SortFunc(l.chosen, func(x, y layout.Order) int { return bytes.Compare(x[:], y[:]) })
	l.chosen = slices.Compact(l.chosen)
	return err
}

// chooseEvents finds the records of events, or events of the archive themselves.
func (l *lister) chooseEvents(t tx) error {
	var ids []sdk.Tombstone
	for _, id := range l.q.Events {
		e, there, err := t.event(id)
		switch {
		case err != nil && sdk.KindOf(err) != sdk.Corrupt:
			return err
		case !there || e.Action.OfArchive() != l.q.OfArchive:
		case l.q.OfArchive:
			l.chosen = append(l.chosen, layout.OrderOf(e.At, e.ID))
		default:
			ids = append(ids, e.Tombstone)
		}
	}
	return l.chooseRecords(t, ids)
}

func (l *lister) choosePrefix(t tx) error {
	var ids []sdk.Tombstone
	low, high, _ := sdk.PrefixRange(l.q.Prefix) // Validate has looked
	err := t.scan(layout.RecordPrefix(), layout.RecordKey(low), func(k, _ []byte) (bool, error) {
		if bytes.Compare(k, layout.RecordKey(high)) > 0 {
			return false, nil
		}
		ids = append(ids, sdk.Tombstone(k[1:]))
		return len(ids) <= candidates, nil
	})
	if len(ids) > candidates {
		l.chosen = nil
		return err
	}
	return errors.Join(err, l.chooseRecords(t, ids))
}

// chooseRecords finds the places of records. One that cannot be read comes last.
func (l *lister) chooseRecords(t tx, ids []sdk.Tombstone) error {
	for _, id := range ids {
		r, err := t.row(id)
		switch {
		case sdk.KindOf(err) == sdk.Corrupt:
			l.chosen = append(l.chosen, layout.OrderOf(time.Time{}, id))
		case err != nil:
			return err
		case r != nil:
			l.chosen = append(l.chosen, layout.OrderOf(r.record.ArchivedAt, id))
		}
	}
	return nil
}

// page reads the next entries, in one transaction.
func (l *lister) page(ctx context.Context) (page []sdk.Entry, err error) {
	p := pager{l: l, rows: pageRows, bytes: pageBytes}
	err = l.b.view(ctx, "list", func(t tx) error {
		p.tx = t
		if l.chosen != nil {
			return p.fromChosen()
		}
		return p.fromIndex()
	})
	if l.left -= len(p.page); l.left == 0 && l.q.Limit > 0 {
		l.done = true
	}
	return p.page, err
}

// pager makes one page.
type pager struct {
	l     *lister
	tx    tx
	page  []sdk.Entry
	rows  int // left
	bytes int // left
}

// full reports whether the page must end, and another one follow.
func (p *pager) full() bool {
	return p.rows <= 0 || p.bytes <= 0 || p.l.q.Limit > 0 && len(p.page) == p.l.left
}

func (p *pager) fromChosen() error {
	l := p.l
	for !p.full() && len(l.chosen) > 0 {
		if _, err := p.add(l.chosen[0].Tombstone()); err != nil {
			return err
		}
		l.chosen = l.chosen[1:]
	}
	l.done = len(l.chosen) == 0
	return nil
}

func (p *pager) fromIndex() error {
	l := p.l
	l.done = true
	return p.tx.scan(l.index, l.from, func(k, _ []byte) (bool, error) {
		older, err := p.add(layout.Order(k[len(l.index):]).Tombstone())
		if err != nil || older {
			return false, err
		}
		l.from = append(bytes.Clone(k), 0)
		l.done = !p.full()
		return l.done, nil
	})
}

// add adds a record to the page, if the query selects it. It reports whether
// the record is older than all that the query selects.
func (p *pager) add(id sdk.Tombstone) (older bool, err error) {
	q := &p.l.q
	p.rows--
	if q.OfArchive {
		return false, p.addOwnEvent(id)
	}
	r, err := p.tx.row(id)
	switch {
	case sdk.KindOf(err) == sdk.Corrupt:
		p.page = append(p.page, p.unreadable(id, err))
		return false, nil
	case err != nil || r == nil:
		return false, err
	case !q.Matches(&r.record):
		return r.record.ArchivedAt.Before(q.Since), nil
	}
	e := sdk.Entry{Record: r.record}
	if r.record.PurgedAt.IsZero() {
		if e.Present, err = p.tx.present(&r.content); err != nil {
			return false, err
		}
	}
	if q.WithHolds {
		e.Holds = r.custody.Holds
		slices.SortStableFunc(e.Holds, sdk.Hold.Compare)
	}
	if q.WithEvents {
		e.Events, err = p.tx.events(id)
		e.Events = append(e.Events, r.record.ArchiveEvent())
		slices.SortFunc(e.Events, sdk.Event.Compare)
	}
	if sdk.KindOf(err) == sdk.Corrupt {
		e, err = p.unreadable(id, err), nil
	}
	p.bytes -= size(&e)
	p.page = append(p.page, e)
	return false, err
}

// addOwnEvent adds an event of the archive to the page.
func (p *pager) addOwnEvent(id sdk.ID) error {
	e, _, err := p.tx.event(id)
	entry := sdk.Entry{Events: []sdk.Event{e}}
	if sdk.KindOf(err) == sdk.Corrupt {
		entry, err = p.unreadable(sdk.Tombstone{}, err), nil
	}
	p.bytes -= size(&entry)
	p.page = append(p.page, entry)
	return err
}

func (p *pager) unreadable(id sdk.Tombstone, err error) sdk.Entry {
	return sdk.Entry{Record: sdk.Record{Tombstone: id}, Err: p.l.b.wrap(p.tx.ctx, "list", err)}
}

// size is about how much memory an entry needs for its texts.
func size(e *sdk.Entry) int {
	r := &e.Record
	n := len(r.Note) + len(r.Path) + len(r.WorkTreePath) + 64*len(r.Tags) + 64*len(r.Metadata)
	for _, v := range r.Metadata {
		n += len(v)
	}
	for _, event := range e.Events {
		for _, v := range event.Detail {
			n += len(v)
		}
	}
	return n + 512*(1+len(e.Events)+len(e.Holds))
}
