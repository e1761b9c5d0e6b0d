package sqlbackend

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
)

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
