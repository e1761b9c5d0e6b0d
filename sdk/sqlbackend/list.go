package sqlbackend

import (
	"context"
	"iter"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/codex-archive/codex/sdk"
)

// Sizes of the pages of List.
const (
	pageRows    = 1000    // records read by one statement
	pageBytes   = 1 << 20 // of their texts: records can have 200 KiB of them
	historyRows = 100     // records whose events and holds are read by one statement
)

// scans reports whether rows may be read that q does not select: no index is for
// all that it asks.
func scans(q *sdk.Query) bool {
	selectors := 0
	for _, given := range []bool{!q.Set.IsZero(), !q.SHA256.IsZero(), q.Repo != "", q.Path != "", q.Actor != "", q.Reason != "", q.Tag != ""} {
		if given {
			selectors++
		}
	}
	return selectors > 1 || q.Match != "" || q.Name != "" || q.Commit != ""
}

// List reads pages, each continuing below the last record of the one before.
func (b *Backend) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	if q.OfArchive {
		return b.listOwn(ctx, q)
	}
	return func(yield func(sdk.Entry, error) bool) {
		l := lister{b: b, q: q, from: beginning, limit: pageRows, left: q.Limit}
		if q.Limit > 0 {
			l.limit = min(q.Limit, pageRows)
		}
		if scans(&q) {
			defer func() { slog.Debug("list", "rows_read", l.read) }()
		}
		if err := l.prepare(ctx); err != nil {
			yield(sdk.Entry{}, b.wrap(ctx, "list", err))
			return
		}
		for page, err := range l.pages(ctx) {
			if err != nil {
				yield(sdk.Entry{}, err)
				return
			}
			for len(page) > 0 {
				some := page[:min(len(page), historyRows)]
				page = page[len(some):]
				if !l.yieldSome(ctx, some, yield) {
					return
				}
			}
		}
	}
}

// pages yields the pages. While one is used the next one is read.
func (l *lister) pages(ctx context.Context) iter.Seq2[[]*item, error] {
	type read struct {
		page []*item
		err  error
	}
	return func(yield func([]*item, error) bool) {
		if l.done {
			return
		}
		ctx, stop := context.WithCancel(ctx)
		var reading sync.WaitGroup
		defer reading.Wait() // until then the lister is in use
		defer stop()
		next := make(chan read, 1)
		page, err := l.page(ctx)
		for {
			last := err != nil || l.done
			if !last {
				reading.Go(func() {
					page, err := l.page(ctx)
					next <- read{page, err}
				})
			}
			if !yield(page, err) || last {
				return
			}
			r := <-next
			page, err = r.page, r.err
		}
	}
}

// yieldSome reports whether the loop goes on.
func (l *lister) yieldSome(ctx context.Context, some []*item, yield func(sdk.Entry, error) bool) bool {
	entries, err := l.entries(ctx, some)
	if err != nil {
		yield(sdk.Entry{}, err)
		return false
	}
	for i := range entries {
		if i > 0 {
			if err := l.b.alive(ctx, "list"); err != nil {
				yield(sdk.Entry{}, err)
				return false
			}
		}
		if !yield(entries[i], nil) {
			return false
		}
	}
	return true
}

// lister is a List under way.
type lister struct {
	b     *Backend
	q     sdk.Query
	where []string
	args  []any
	by    []*keyed // tables that lead to the records; none: they are looked for in order of time
	dense bool     // the records in order of time may hold enough that are selected
	from  position // of the next page
	limit int      // rows of the next page
	left  int      // of Query.Limit; meaningless where that is 0
	read  int      // rows so far
	done  bool
}

// page reads the next records, fewer than there could be when they are large.
func (l *lister) page(ctx context.Context) (page []*item, err error) {
	limit := l.limit
	if l.q.Limit > 0 && !l.scans() {
		limit = min(limit, l.left)
	}
	w := everything
	room := pageBytes
	cut, read := false, 0
	row := newItemScan()
	err = l.b.read(ctx, "list", func(ctx context.Context, db *conn) error {
		if w, err = l.window(ctx, db, limit); err != nil || l.done {
			return err
		}
		query, args := l.statement(w, limit)
		return db.queryOnce(ctx, query, append(row.begin(), args...), func(scan scan) error {
			it, err := row.next(scan)
			if err != nil {
				return err
			}
			read++
			l.from = it.position()
			if it.recordErr == nil && !l.q.Matches(&it.Record) {
				return nil
			}
			page = append(page, it)
			room -= len(it.Note) + len(it.Path) + len(it.WorkTreePath) + 64*len(it.Tags) + 64*len(it.Metadata)
			for _, v := range it.Metadata {
				room -= len(v)
			}
			if cut = room < 0; cut {
				return errEnough
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	l.read += read
	l.dense = l.dense && 8*len(page) >= read
	if !cut && read < limit {
		l.leave(w)
	}
	return l.advance(page, cut), nil
}

// window finds where the next page comes from.
func (l *lister) window(ctx context.Context, db *conn, limit int) (window, error) {
	if l.by == nil || l.dense {
		return everything, nil
	}
	keys, ok, err := newest(ctx, db, l.by, l.from)
	if !ok {
		l.by = nil // more have come meanwhile
		return everything, err
	}
	l.done = len(keys) == 0
	return windowOf(ctx, db, keys, l.from, limit)
}

// leave goes on below a window that has no more records.
func (l *lister) leave(w window) {
	if w.lowest == math.MinInt64 {
		l.done = true
	} else {
		l.from = position{at: w.lowest - 1}
	}
}

// position is where a page begins that comes after the record.
func (i *item) position() position {
	id := i.id // of a row that cannot be read
	if id == nil {
		id = i.Tombstone[:]
	}
	return position{i.archived.Int64, id}
}

// scans reports whether the query has conditions that no index knows.
func (l *lister) scans() bool {
	q := &l.q
	if q.Name != "" || q.Commit != "" || q.Match != "" || q.Reason != "" {
		return true
	}
	indexed := l.by != nil && !l.dense
	return q.Path != "" && (!indexed || !q.Set.IsZero()) || !q.Set.IsZero() && !indexed
}

// advance says how long the next page may be.
func (l *lister) advance(page []*item, cut bool) []*item {
	l.limit = min(4*l.limit, pageRows)
	if cut {
		l.limit = len(page) // the next ones are likely to be as large
	}
	if l.q.Limit > 0 {
		page = page[:min(len(page), l.left)]
		l.left -= len(page)
		l.done = l.done || l.left == 0
	}
	return page
}

func (l *lister) statement(w window, limit int) (string, []any) {
	where, args := slices.Clone(l.where), slices.Clone(l.args)
	if len(w.keys) > 0 {
		condition, more := w.condition(l.b.d)
		where, args = append(where, condition), append(args, more...)
	}
	if l.from.at != beginning.at {
		where, args = append(where, "i.archived_at <= ?"), append(args, l.from.at)
	}
	if l.from.id != nil {
		// The condition before is what every planner finds an index for.
		where, args = append(where, "(i.archived_at < ? OR i.tombstone < ?)"), append(args, l.from.at, l.from.id)
	}
	text := selectItems + fromItems
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	return text + " ORDER BY i.archived_at DESC, i.tombstone DESC LIMIT ?", append(args, limit)
}

// entries adds to records what the query asks for.
func (l *lister) entries(ctx context.Context, some []*item) ([]sdk.Entry, error) {
	entries := make([]sdk.Entry, len(some))
	byKey := make(map[int64]*sdk.Entry, len(some))
	var keys, artifacts []any
	for i, it := range some {
		if err := it.listErr(); err != nil {
			entries[i] = sdk.Entry{Record: sdk.Record{Tombstone: it.Tombstone}, Err: l.b.wrap(ctx, "list", err)}
			continue
		}
		entries[i] = sdk.Entry{Record: it.Record}
		byKey[it.key] = &entries[i]
		keys = append(keys, it.key)
		if it.present && it.PurgedAt.IsZero() {
			artifacts = append(artifacts, it.artifact)
		}
	}
	if len(keys) == 0 {
		return entries, nil
	}
	err := l.b.read(ctx, "list", func(ctx context.Context, db *conn) error {
		if err := db.addPresent(ctx, some, artifacts, byKey); err != nil {
			return err
		}
		if l.q.WithEvents {
			if err := db.addEvents(ctx, keys, byKey); err != nil {
				return err
			}
		}
		if l.q.WithHolds {
			return db.addHolds(ctx, keys, byKey)
		}
		return nil
	})
	return entries, err
}

// addPresent fills Entry.Present.
func (db *conn) addPresent(ctx context.Context, some []*item, artifacts []any, entries map[int64]*sdk.Entry) error {
	if len(artifacts) == 0 {
		return nil
	}
	present, err := db.findPresent(ctx, artifacts)
	if err != nil {
		return err
	}
	for _, it := range some {
		if entry := entries[it.key]; entry != nil {
			entry.Present = it.PurgedAt.IsZero() && present[it.artifact]
		}
	}
	return nil
}
