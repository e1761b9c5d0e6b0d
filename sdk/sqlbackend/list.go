package sqlbackend

import (
	"context"
	"iter"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
	by    []*keyed // tables that lead to the records; none: they are looked for in order of time
	dense bool     // the records in order of time may hold enough that are selected
	from  position // of the next page
	limit int      // rows of the next page
	left  int      // of Query.Limit; meaningless where that is 0
	read  int      // rows so far
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
		in, args := l.b.d.in("i.tombstone", Bytes, ids(q.Tombstones))
		l.and(in, args...)
	}
	l.times()
	return l.lookUp(ctx)
}

// lookUp looks for the rows that the records must lean on. Where one is missing,
// no record is selected.
func (l *lister) lookUp(ctx context.Context) error {
	var steps []func(context.Context, *conn) error
	for _, s := range []struct {
		asked bool
		step  func(context.Context, *conn) error
	}{
		{l.q.Repo != "" || l.q.Actor != "" || l.q.Reason != "" || l.q.Tag != "", l.names},
		{l.q.Commit != "", l.commit},
		{!l.q.SHA256.IsZero(), l.content},
		{len(l.q.Events) > 0, l.events},
		{!l.q.Set.IsZero() || l.q.Path != "", l.keyed},
	} {
		if s.asked {
			steps = append(steps, s.step)
		}
	}
	if len(steps) == 0 {
		return nil
	}
	return l.b.read(ctx, "list", func(ctx context.Context, db *conn) error {
		for _, step := range steps {
			if err := step(ctx, db); err != nil || l.done {
				return err
			}
		}
		return nil
	})
}

// names looks for the names that the query has whole.
func (l *lister) names(ctx context.Context, db *conn) error {
	q := &l.q
	keys := map[string]int64{}
	var names []string
	for _, name := range []string{q.Repo, q.Actor, q.Reason, q.Tag} {
		if name != "" {
			names = append(names, name)
		}
	}
	err := selectNames(ctx, db, names, func(scan scan) error {
		var key int64
		var name string
		err := scan(&key, &name)
		keys[name] = key
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, known := keys[name]; !known {
			l.done = true
			return nil
		}
	}
	if q.Repo != "" {
		l.and("i.repo = ?", keys[q.Repo])
	}
	if q.Actor != "" {
		l.and("i.actor = ?", keys[q.Actor])
	}
	if q.Tag != "" {
		return l.tag(ctx, db, keys[q.Tag])
	}
	return nil
}

// commit only looks whether there is one that begins so.
func (l *lister) commit(ctx context.Context, db *conn) error {
	l.done = true
	return db.query(ctx, "SELECT id FROM codex_name WHERE name >= ? AND name <= ? LIMIT 1",
		[]any{l.q.Commit, l.q.Commit + string(utf8.MaxRune)}, func(scan scan) error {
			l.done = false
			return scan(new(int64))
		})
}

func (l *lister) content(ctx context.Context, db *conn) error {
	l.done = true
	return db.query(ctx, "SELECT id FROM codex_artifact WHERE sha256 = ?", []any{l.q.SHA256[:]}, func(scan scan) error {
		var key int64
		err := scan(&key)
		l.and("i.artifact = ?", key)
		l.done = false
		return err
	})
}

// keyed chooses the table that leads to the records.
func (l *lister) keyed(ctx context.Context, db *conn) error {
	by := pathTables(l.q.Path)
	if !l.q.Set.IsZero() {
		by = []*keyed{{column: "origin", table: "codex_origin", where: "d.set_id = ?", args: []any{l.q.Set[:]}}}
	}
	n, err := count(ctx, db, by)
	l.done = n == 0
	if n <= maxKeys {
		l.by, l.dense = by, n > manyKeys
	}
	return err
}

// events looks for the records of events first. As an OR of two conditions it
// would make databases read every record.
func (l *lister) events(ctx context.Context, db *conn) error {
	var keys []any
	err := db.archiveEvents(ctx, l.q.Events, func(key int64, _ sdk.ID, _ sdk.Tombstone) { keys = append(keys, key) })
	if err != nil {
		return err
	}
	in, args := l.b.d.in("id", Bytes, ids(l.q.Events))
	err = db.query(ctx, "SELECT item FROM codex_event WHERE item IS NOT NULL AND "+in, args, func(scan scan) error {
		var key int64
		err := scan(&key)
		keys = append(keys, key)
		return err
	})
	l.onlyKeys(keys)
	return err
}

// tag looks for the records of a rare tag first. Those of a common one are
// found on the way: sorting all of them for each page would be slow.
func (l *lister) tag(ctx context.Context, db *conn, tag int64) error {
	var keys []any
	err := db.query(ctx, "SELECT item FROM codex_item_tag WHERE tag = ? LIMIT ?", []any{tag, pageRows + 1}, func(scan scan) error {
		var key int64
		err := scan(&key)
		keys = append(keys, key)
		return err
	})
	if len(keys) <= pageRows {
		l.onlyKeys(keys)
	} else {
		l.and("EXISTS (SELECT 1 FROM codex_item_tag t WHERE t.item = i.id AND t.tag = ?)", tag)
	}
	return err
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
		return db.queryOnce(ctx, query, args, func(scan scan) error {
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
