package batch

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/sdk"
)

// outsideDir takes the files whose recorded paths lead out of their tree.
const outsideDir = "_outside"

// Query builds a manifest from records: the newest live record of each path, and
// that path below a directory as its output.
type Query struct {
	dir   string
	items map[queryKey]queryItem
}

// queryKey is one file of one repository.
type queryKey struct{ repo, path string }

type queryItem struct {
	item   Item
	record order
}

// order says which of two records of a path is newer.
type order struct {
	micros int64
	id     sdk.Tombstone
}

func (o order) after(p order) bool {
	return o.micros > p.micros || o.micros == p.micros && slices.Compare(o.id[:], p.id[:]) > 0
}

// NewQuery returns a query whose outputs are below dir, or, with an empty dir,
// relative to a base directory that is yet to be named.
func NewQuery(dir string) *Query { return &Query{dir: dir, items: map[queryKey]queryItem{}} }

// Add takes a record in, in any order. One that was purged does not count.
func (q *Query) Add(r *sdk.Record) {
	if !r.PurgedAt.IsZero() {
		return
	}
	key := queryKey{r.Repo, recordedPath(r)}
	o := order{r.ArchivedAt.UnixMicro(), r.Tombstone}
	if other, ok := q.items[key]; ok && other.record.after(o) {
		return
	}
	q.items[key] = queryItem{Item{r.Tombstone.String(), q.output(place(key.path)), r.Content.SHA256.String()}, o}
}

func (q *Query) output(place string) string {
	output := filepath.FromSlash(place)
	if q.dir == "" {
		return output
	}
	return filepath.Join(q.dir, output)
}

// recordedPath is the path in the git work tree, or else the path recorded.
func recordedPath(r *sdk.Record) string {
	if r.WorkTreePath != "" {
		return path.Clean(r.WorkTreePath)
	}
	return path.Clean(r.Path)
}

// place returns where in a tree a file belongs. A path that is absolute, has a
// drive letter or leads upward is below [outsideDir].
func place(p string) string {
	drive := len(p) >= 2 && p[1] == ':' && (p[0]|0x20 >= 'a' && p[0]|0x20 <= 'z')
	if drive {
		p = p[:1] + "/" + p[2:]
	}
	outside := drive || path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") || !filepath.IsLocal(filepath.FromSlash(p))
	if !outside {
		return p
	}
	p = strings.TrimLeft(path.Clean(p), "/")
	for p == ".." || strings.HasPrefix(p, "../") {
		p = strings.TrimPrefix(strings.TrimPrefix(p, ".."), "/")
	}
	return path.Join(outsideDir, p)
}

// Items returns the items in the order of their outputs. Two with one output, or
// one whose output is a directory of another's, are an error.
func (q *Query) Items() ([]Item, error) {
	if len(q.items) > MaxItems {
		return nil, fmt.Errorf("more than %d files are selected: narrow the search", MaxItems)
	}
	items := make([]Item, 0, len(q.items))
	for _, i := range q.items {
		items = append(items, i.item)
	}
	slices.SortFunc(items, func(a, b Item) int {
		if c := strings.Compare(a.Output, b.Output); c != 0 {
			return c
		}
		return strings.Compare(a.Tombstone, b.Tombstone)
	})
	owner := make(map[string]Item, len(items))
	for _, i := range items {
		if other, ok := owner[i.Output]; ok {
			return nil, collision("%s and %s would both be restored to %s", other.Tombstone, i.Tombstone, escape.Text(i.Output))
		}
		owner[i.Output] = i
	}
	for _, i := range items {
		for up := filepath.Dir(i.Output); up != "." && up != filepath.Dir(up); up = filepath.Dir(up) {
			if other, ok := owner[up]; ok {
				return nil, collision("%s would be restored to %s, which is a directory of %s", other.Tombstone, escape.Text(up), i.Tombstone)
			}
		}
	}
	return items, nil
}

func collision(format string, args ...any) error {
	return fmt.Errorf(format+": select one repository with --repo, or edit a manifest", args...)
}

// Writable reports whether a manifest can hold the item: its paths are UTF-8.
func (i Item) Writable() bool { return utf8.ValidString(i.Output) }

// WriteManifest writes items as a manifest in JSON, one item a line.
func WriteManifest(w io.Writer, items []Item) error {
	var b strings.Builder
	b.WriteString("{\n  \"items\": [")
	for n, i := range items {
		if n > 0 {
			b.WriteByte(',')
		}
		var line strings.Builder
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(false)
		if err := e.Encode(i); err != nil {
			return err
		}
		b.WriteString("\n    " + escape.JSON(strings.TrimSuffix(line.String(), "\n")))
	}
	if len(items) > 0 {
		b.WriteString("\n  ")
	}
	b.WriteString("]\n}\n")
	_, err := io.WriteString(w, b.String())
	return err
}
