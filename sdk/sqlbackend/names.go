package sqlbackend

import (
	"context"
	"slices"
	"sync"

	"github.com/codex-archive/codex/sdk"
)

// nameCache remembers keys of codex_name, whose rows never change.
type nameCache struct {
	mu   sync.Mutex
	keys map[string]int64
}

// maxNames bounds the cache; commits make up most of it. At [sdk.MaxName] bytes
// each it could hold 4 MiB.
const maxNames = 4096

func (c *nameCache) lookup(names []string) (known map[string]int64, unknown []any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known = make(map[string]int64, len(names))
	for _, name := range names {
		if key, ok := c.keys[name]; ok {
			known[name] = key
		} else {
			unknown = append(unknown, name)
		}
	}
	return known, unknown
}

// add remembers keys, which must be of rows that are committed.
func (c *nameCache) add(keys map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys)+len(keys) > maxNames {
		c.keys = make(map[string]int64, len(keys))
	}
	for name, key := range keys {
		c.keys[name] = key
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
		return nil, sdk.Errorf(sdk.Internal, "%d of %d names could not be found or made", len(names)-len(keys), len(names))
	}
	return keys, nil
}

// selectNames asks for some at a time: the tags of one Put may be a hundred
// thousand, and statements end at 32 or 64 thousand arguments.
func selectNames(ctx context.Context, db *conn, names []any, row func(scan) error) error {
	for some := range slices.Chunk(names, sdk.MaxItems) {
		in, args := db.b.d.in("name", Text, some)
		if err := db.query(ctx, "SELECT id, name FROM codex_name WHERE "+in, args, row); err != nil {
			return err
		}
	}
	return nil
}

func without(names []any, known map[string]int64) []any {
	return slices.DeleteFunc(names, func(name any) bool {
		_, ok := known[name.(string)]
		return ok
	})
}

// eachAlone makes rows of one column.
func eachAlone(values []any) [][]any {
	rows := make([][]any, len(values))
	for i := range values {
		rows[i] = values[i : i+1 : i+1]
	}
	return rows
}
