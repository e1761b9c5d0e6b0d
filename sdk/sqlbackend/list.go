package sqlbackend

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Sizes of the pages of List.
const (
	pageRows    = 1000    // records read by one statement
	pageBytes   = 1 << 20 // of their texts: records can have 200 KiB of them
	historyRows = 100     // records whose events and holds are read by one statement
)

// List reads pages, each continuing below the last record of the one before.
func (b *Backend) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	if q.OfArchive {
		return b.listOwn(ctx, q)
	}
	return func(yield func(sdk.Entry, error) bool) {
		l := lister{b: b, q: q, limit: pageRows, left: q.Limit}
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
	last  *item // of the page before
	limit int   // rows of the next page
	left  int   // of Query.Limit; meaningless where that is 0
	done  bool
}

// prepare checks the query and makes its conditions.
func (l *lister) prepare(ctx context.Context) error {
	q := &l.q
	if err := q.Validate(); err != nil {
		return err
	}
	if q.Prefix != "" {
		low, high, _ := sdk.PrefixRange(q.Prefix)
		l.and("i.tombstone >= ? AND i.tombstone <= ?", low[:], high[:])
	}
	if len(q.Tombstones) > 0 {
		l.in("i.tombstone", q.Tombstones)
	}
	l.texts()
	l.times()
	if err := l.events(ctx); err != nil {
		return err
	}
	return l.tag(ctx)
}

// events looks for the records of events first. As an OR of two conditions it
// would make databases read every record.
func (l *lister) events(ctx context.Context) error {
	if len(l.q.Events) == 0 {
		return nil
	}
	var keys []any
	err := l.b.read(ctx, "list", func(ctx context.Context, db *conn) error {
		for _, look := range []struct{ query, column string }{
			{"SELECT id FROM codex_item WHERE ", "event"},
			{"SELECT item FROM codex_event WHERE item IS NOT NULL AND ", "id"},
		} {
			in, args := l.b.d.in(look.column, Bytes, ids(l.q.Events))
			err := db.query(ctx, look.query+in, args, func(scan scan) error {
				var key int64
				err := scan(&key)
				keys = append(keys, key)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		l.onlyKeys(keys)
	}
	return err
}

const named = " = (SELECT id FROM codex_name WHERE name = ?)"

// tag looks for the records of a rare tag first. Those of a common one are
// found on the way: sorting all of them for each page would be slow.
func (l *lister) tag(ctx context.Context) error {
	if l.q.Tag == "" {
		return nil
	}
	var keys []any
	err := l.b.read(ctx, "list", func(ctx context.Context, db *conn) error {
		return db.query(ctx, "SELECT item FROM codex_item_tag WHERE tag"+named+" LIMIT ?", []any{l.q.Tag, pageRows + 1}, func(scan scan) error {
			var key int64
			err := scan(&key)
			keys = append(keys, key)
			return err
		})
	})
	switch {
	case err != nil:
		return err
	case len(keys) <= pageRows:
		l.onlyKeys(keys)
	default:
		l.and("EXISTS (SELECT 1 FROM codex_item_tag t WHERE t.item = i.id AND t.tag"+named+")", l.q.Tag)
	}
	return nil
}

// onlyKeys selects the records with these keys.
func (l *lister) onlyKeys(keys []any) {
	if len(keys) == 0 {
		l.done = true
		return
	}
	in, args := l.b.d.in("i.id", Int, keys)
	l.and(in, args...)
}

func (l *lister) texts() {
	q := &l.q
	if q.Repo != "" {
		l.and("i.repo"+named, q.Repo)
	}
	if q.Actor != "" {
		l.and("i.actor"+named, q.Actor)
	}
	if q.Reason != "" {
		l.and("i.reason"+named, q.Reason)
	}
	if !q.Set.IsZero() {
		l.and("i.set_id = ?", q.Set[:])
	}
	if !q.SHA256.IsZero() {
		l.and("i.artifact = (SELECT id FROM codex_artifact WHERE sha256 = ?)", q.SHA256[:])
	}
}

func (l *lister) times() {
	if !l.q.Since.IsZero() {
		l.and("i.archived_at >= ?", ceilMicros(l.q.Since))
	}
	if !l.q.Until.IsZero() {
		l.and("i.archived_at < ?", ceilMicros(l.q.Until))
	}
}

// ceilMicros rounds up: no record lies between two microseconds.
func ceilMicros(t time.Time) int64 {
	us := t.UnixMicro()
	if t.After(time.UnixMicro(us)) {
		us++
	}
	return us
}

func (l *lister) and(condition string, args ...any) {
	l.where = append(l.where, condition)
	l.args = append(l.args, args...)
}

func (l *lister) in(column string, list []sdk.ID) {
	in, args := l.b.d.in(column, Bytes, ids(list))
	l.and(in, args...)
}

// page reads the next records, fewer than there could be when they are large.
func (l *lister) page(ctx context.Context) (page []*item, err error) {
	limit := l.limit
	if l.q.Limit > 0 && !l.filtered() {
		limit = min(limit, l.left)
	}
	query, args := l.statement(limit)
	room := pageBytes
	cut, read := false, 0
	row := newItemScan()
	err = l.b.read(ctx, "list", func(ctx context.Context, db *conn) error {
		return db.queryOnce(ctx, query, args, func(scan scan) error {
			it, err := row.next(scan)
			if err != nil {
				return err
			}
			read++
			l.last = it
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
	return l.advance(page, read, limit, cut), nil
}

// filtered reports whether the query has conditions that the statement has not.
func (l *lister) filtered() bool {
	return l.q.Path != "" || l.q.Name != "" || l.q.Commit != "" || l.q.Match != ""
}

// advance says where the next page begins, and how long it may be.
func (l *lister) advance(page []*item, read, limit int, cut bool) []*item {
	l.done = !cut && read < limit
	l.limit = pageRows
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

func (l *lister) statement(limit int) (string, []any) {
	where, args := slices.Clone(l.where), slices.Clone(l.args)
	if l.last != nil {
		// The first half is what every planner finds an index for.
		where = append(where, "i.archived_at <= ? AND (i.archived_at < ? OR i.tombstone < ?)")
		id := l.last.id // of a row that cannot be read
		if id == nil {
			id = l.last.Tombstone[:]
		}
		at := l.last.archived.Int64
		args = append(args, at, at, id)
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
		if err := it.err(); err != nil {
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
