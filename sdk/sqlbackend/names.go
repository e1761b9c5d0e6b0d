package sqlbackend

import (
	"context"
	"slices"
	"sync"

	"github.com/codex-archive/codex/sdk"
)

// keyCache remembers the keys of rows that never change.
type keyCache[K comparable] struct {
	mu   sync.Mutex
	keys map[K]int64
}

// maxCached bounds a cache; commits make up most of the names. At
// [sdk.MaxName] bytes each those could hold 4 MiB, and directories 8 MiB.
const maxCached = 4096

func (c *keyCache[K]) lookup(rows []K) (known map[K]int64, unknown []K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known = make(map[K]int64, len(rows))
	for _, row := range rows {
		if key, ok := c.keys[row]; ok {
			known[row] = key
		} else {
			unknown = append(unknown, row)
		}
	}
	return known, unknown
}

// add remembers keys, which must be of rows that are committed.
func (c *keyCache[K]) add(keys map[K]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys)+len(keys) > maxCached {
		c.keys = make(map[K]int64, len(keys))
	}
	for row, key := range keys {
		c.keys[row] = key
	}
}

var insertName = insert{
	table:     "codex_name",
	columns:   []column{{"name", Text}},
	skipTaken: true,
	returning: "id, name",
}

// nameKeys returns the key of each name, making rows for new ones. The caller
// hands the result to the cache after the commit.
func (b *Backend) nameKeys(ctx context.Context, db *conn, names []string) (map[string]int64, error) {
	slices.Sort(names)
	names = slices.Compact(names)
	keys, missing := b.names.lookup(names)
	add := func(scan scan) error {
		var key int64
		var name string
		if err := scan(&key, &name); err != nil {
			return err
		}
		keys[name] = key
		return nil
	}
	if err := selectNames(ctx, db, missing, add); err != nil {
		return nil, err
	}
	if missing = without(missing, keys); len(missing) == 0 {
		return keys, nil
	}
	if err := insertName.rows(ctx, db, eachAlone(missing), add); err != nil {
		return nil, err
	}
	// What is missing now was inserted by another transaction meanwhile.
	if err := selectNames(ctx, db, without(missing, keys), add); err != nil {
		return nil, err
	}
	if len(keys) != len(names) {
		return nil, sdk.Errorf(sdk.Internal, "names that could not be found or made: %d of %d", len(names)-len(keys), len(names))
	}
	return keys, nil
}

// selectNames asks for some at a time: the tags of one Put may be a hundred
// thousand, and statements end at 32 or 64 thousand arguments.
func selectNames(ctx context.Context, db *conn, names []string, row func(scan) error) error {
	for some := range slices.Chunk(names, sdk.MaxItems) {
		keys := make([]any, len(some))
		for i, name := range some {
			keys[i] = name
		}
		in, args := db.b.d.in("name", Text, keys)
		if err := db.query(ctx, "SELECT id, name FROM codex_name WHERE "+in, args, row); err != nil {
			return err
		}
	}
	return nil
}

func without(names []string, known map[string]int64) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		_, ok := known[name]
		return ok
	})
}

// eachAlone makes rows of one column.
func eachAlone(values []string) [][]any {
	rows := make([][]any, len(values))
	for i, v := range values {
		rows[i] = []any{v}
	}
	return rows
}
