package batch

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
	"unique"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/sdk"
)

// outsideDir takes the files whose recorded paths lead out of their tree.
const outsideDir = "_outside"

// Query builds a manifest from records: the newest live record of each path, and
// that path below a directory as its output. It keeps little of a record, because
// there may be a million of them.
type Query struct {
	dir    string
	newest map[queryKey]queryItem
}

// queryKey is one file of one repository.
type queryKey struct {
	repo unique.Handle[string]
	path string
}

// queryItem is the newest record of a path so far.
type queryItem struct {
	id     sdk.Tombstone
	sha256 sdk.Digest
	micros int64 // when it was archived
}

func (i queryItem) after(other queryItem) bool {
	return i.micros > other.micros || i.micros == other.micros && slices.Compare(i.id[:], other.id[:]) > 0
}

// NewQuery returns a query whose outputs are below dir, or, with an empty dir,
// relative to a base directory that is yet to be named.
func NewQuery(dir string) *Query { return &Query{dir: dir, newest: map[queryKey]queryItem{}} }

// Empty reports whether no live record was added.
func (q *Query) Empty() bool { return len(q.newest) == 0 }

// Add takes a record in, in any order. One that was purged does not count.
func (q *Query) Add(r *sdk.Record) {
	if !r.PurgedAt.IsZero() {
		return
	}
	key := queryKey{unique.Make(r.Repo), recordedPath(r)}
	item := queryItem{r.Tombstone, r.Content.SHA256, r.ArchivedAt.UnixMicro()}
	if other, ok := q.newest[key]; !ok || item.after(other) {
		q.newest[key] = item
	}
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
// drive letter, leads upward, or leads into a directory that git or this program
// believes, is below [outsideDir]: another user of the archive may have recorded it.
func place(p string) string {
	drive := len(p) >= 2 && p[1] == ':' && (p[0]|0x20 >= 'a' && p[0]|0x20 <= 'z')
	if drive {
		p = p[:1] + "/" + p[2:]
	}
	outside := drive || path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") || !filepath.IsLocal(filepath.FromSlash(p)) || isBelieved(p)
	if !outside {
		return p
	}
	p = strings.TrimLeft(path.Clean(p), "/")
	for p == ".." || strings.HasPrefix(p, "../") {
		p = strings.TrimPrefix(strings.TrimPrefix(p, ".."), "/")
	}
	return path.Join(outsideDir, p)
}

// isBelieved reports whether a path has a part .git or .codex: hooks, or a
// configuration that counts as the user's own.
func isBelieved(p string) bool {
	for part := range strings.SplitSeq(filepath.ToSlash(p), "/") {
		if part = strings.TrimRight(part, ". "); strings.EqualFold(part, ".git") || strings.EqualFold(part, ".codex") {
			return true
		}
	}
	return false
}

// Items returns the items in the order of their outputs, and ends the query. Two
// with one output, or one whose output is a directory of another's, are an error.
func (q *Query) Items() ([]Item, error) {
	if len(q.newest) > MaxItems {
		return nil, fmt.Errorf("more than %d files are selected: narrow the search", MaxItems)
	}
	items := make([]Item, 0, len(q.newest))
	for key, i := range q.newest {
		items = append(items, Item{i.id.String(), q.output(place(key.path)), i.sha256.String()})
	}
	q.newest = nil // the items take its place in memory
	slices.SortFunc(items, func(a, b Item) int {
		if c := strings.Compare(a.Output, b.Output); c != 0 {
			return c
		}
		return strings.Compare(a.Tombstone, b.Tombstone)
	})
	return items, checkCollisions(items)
}

// checkCollisions reports the first item, in the order of their outputs, that
// another one is in the way of.
func checkCollisions(items []Item) error {
	for n := 1; n < len(items); n++ {
		if first, second := items[n-1], items[n]; first.Output == second.Output {
			return collision("%s and %s would both be restored to %s", first.Tombstone, second.Tombstone, escape.Text(second.Output))
		}
	}
	checked := "" // the directory of the item before
	for _, i := range items {
		dir := filepath.Dir(i.Output)
		if dir == checked {
			continue
		}
		for up := dir; up != "." && up != filepath.Dir(up); up = filepath.Dir(up) {
			if n, found := slices.BinarySearchFunc(items, up, func(i Item, output string) int { return strings.Compare(i.Output, output) }); found {
				return collision("%s would be restored to %s, which is a directory of %s", items[n].Tombstone, escape.Text(up), i.Tombstone)
			}
		}
		checked = dir
	}
	return nil
}

func collision(format string, args ...any) error {
	return fmt.Errorf(format+": select one repository with --repo, or edit a manifest", args...)
}

// Writable reports whether a manifest can hold the item: its paths are UTF-8.
func (i Item) Writable() bool { return utf8.ValidString(i.Output) }

// WriteManifest writes items as a manifest in JSON, one item a line.
func WriteManifest(w io.Writer, items []Item) error {
	b := bufio.NewWriterSize(w, 64<<10)
	b.WriteString("{\n  \"items\": [")
	var line []byte
	for n, i := range items {
		if n > 0 {
			b.WriteByte(',')
		}
		line = i.append(append(line[:0], "\n    "...))
		_, _ = b.Write(line) // Flush returns the first error
	}
	if len(items) > 0 {
		b.WriteString("\n  ")
	}
	b.WriteString("]\n}\n")
	return b.Flush() // the first error of all writes
}
