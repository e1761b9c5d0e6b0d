package sqlbackend

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"
	"strings"
)

// How many directories, or origins, a List looks at by themselves. With more than
// maxKeys it does not: the records are read in order of time until enough are
// found, of which so many directories are likely to have a good part. With more
// than manyKeys it does once that has found too few.
const (
	maxKeys  = 10_000
	manyKeys = 200
)

// keyed selects records by rows of another table that their column leans on. The
// index of the column goes on with archived_at, so that the newest of each row
// are found at once, however many it has.
type keyed struct {
	column string // of codex_item
	table  string // d
	where  string // condition on d
	args   []any
	// items, where not empty, is a condition on the records i besides.
	items     string
	itemsArgs []any
}

// position is where the next page begins.
type position struct {
	at int64  // archived at most then
	id []byte // if at that very moment, below this tombstone; nil: any
}

var beginning = position{at: math.MaxInt64}

// key is a row of keyed.table that has records.
type key struct {
	of     *keyed
	id     int64
	newest int64 // when the newest of them was archived
}

// window is the part of the archive that a page comes from: records of these
// keys, archived at lowest or later. There are enough for the page, and not many
// more.
type window struct {
	keys   []key
	lowest int64 // MinInt64: all the rest
}

// everything is a window that ends nowhere.
var everything = window{lowest: math.MinInt64}

// and adds the conditions of k on records to a statement.
func (k *keyed) and(where string, args []any) (string, []any) {
	if k.items == "" {
		return where, args
	}
	return where + " AND " + k.items, append(args, k.itemsArgs...)
}

// count returns how many keys there are, of which some may have no records; more
// than maxKeys are not counted.
func count(ctx context.Context, db *conn, by []*keyed) (n int, err error) {
	for _, k := range by {
		var some int
		query := "SELECT count(*) FROM (SELECT d.id FROM " + k.table + " d WHERE " + k.where + " LIMIT ?) AS few"
		err := db.queryOnce(ctx, query, append(slices.Clone(k.args), maxKeys+1), func(scan scan) error { return scan(&some) })
		if n += some; err != nil {
			return 0, err
		}
	}
	return n, nil
}

// newest finds the keys that have records, those first that have the newest. It
// reports false where there are too many.
func newest(ctx context.Context, db *conn, by []*keyed, from position) (keys []key, ok bool, err error) {
	rows := 0
	for _, k := range by {
		where, args := k.and("i."+k.column+" = d.id AND i.archived_at <= ?", []any{from.at})
		query := "SELECT d.id, (SELECT max(i.archived_at) FROM codex_item i WHERE " + where + ") FROM " + k.table + " d WHERE " + k.where + " LIMIT ?"
		args = append(append(args, k.args...), maxKeys+1-rows)
		err := db.queryOnce(ctx, query, args, func(scan scan) error {
			one := key{of: k}
			var at sql.NullInt64
			if err := scan(&one.id, &at); err != nil {
				return err
			}
			rows++
			if one.newest = at.Int64; at.Valid {
				keys = append(keys, one)
			}
			return nil
		})
		if err != nil || rows > maxKeys {
			return nil, false, err
		}
	}
	slices.SortFunc(keys, func(x, y key) int { return cmp.Compare(y.newest, x.newest) })
	return keys, true, nil
}

// windowOf opens one key after the other until no other one can have any of the
// newest records.
func windowOf(ctx context.Context, db *conn, keys []key, from position, limit int) (w window, err error) {
	w = everything
	if len(keys) <= 1 {
		w.keys = keys // its index has the order
		return w, nil
	}
	var times []int64 // of the newest records of the keys so far, falling
	for _, one := range keys {
		if len(times) == limit && one.newest < times[limit-1] {
			break
		}
		w.keys = append(w.keys, one)
		if times, err = addTimes(ctx, db, times, one, from, limit); err != nil {
			return w, err
		}
	}
	if len(times) == limit {
		w.lowest = times[limit-1]
	}
	return w, nil
}

// addTimes adds the times of the newest records of a key, and keeps the newest of
// all.
func addTimes(ctx context.Context, db *conn, times []int64, k key, from position, limit int) ([]int64, error) {
	where, args := k.of.and("i."+k.of.column+" = ? AND i.archived_at <= ?", []any{k.id, from.at})
	query := "SELECT i.archived_at FROM codex_item i WHERE " + where + " ORDER BY i.archived_at DESC LIMIT ?"
	err := db.query(ctx, query, append(args, limit), func(scan scan) error {
		var at int64
		err := scan(&at)
		times = append(times, at)
		return err
	})
	slices.SortFunc(times, func(x, y int64) int { return cmp.Compare(y, x) })
	return times[:min(len(times), limit)], err
}

// condition is that of the window on records i.
func (w *window) condition(d *Dialect) (string, []any) {
	byTable := map[*keyed][]any{}
	var tables []*keyed // in order
	for _, one := range w.keys {
		if byTable[one.of] == nil {
			tables = append(tables, one.of)
		}
		byTable[one.of] = append(byTable[one.of], one.id)
	}
	var parts []string
	var args []any
	for _, k := range tables {
		in, keys := d.in("i."+k.column, Int, byTable[k])
		if len(byTable[k]) == 1 {
			in, keys = "i."+k.column+" = ?", byTable[k] // some planners see no order in an IN
		}
		part, keys := k.and(in, keys)
		parts, args = append(parts, part), append(args, keys...)
	}
	where := "(" + strings.Join(parts, " OR ") + ")"
	if len(parts) == 1 {
		where = parts[0]
	}
	if w.lowest == math.MinInt64 {
		return where, args
	}
	return where + " AND i.archived_at >= ?", append(args, w.lowest)
}
