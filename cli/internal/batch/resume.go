package batch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Names returns the names of results files of a form in dir, newest first. Their
// names tell: times of files do not survive copying.
func Names(dir string, form Form) ([]string, error) {
	type candidate struct {
		name string
		time string
		n    int
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for results files: %w", err)
	}
	var found []candidate
	for _, e := range entries {
		if at, n, ok := form.parse(e.Name()); ok && e.Type().IsRegular() {
			found = append(found, candidate{e.Name(), at, n})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.time, a.time), b.n-a.n) })
	names := make([]string, len(found))
	for i, c := range found {
		names[i] = c.name
	}
	return names, nil
}

// parse takes a name of CreateFile apart: "batch_restore_20251017_132236_2.json".
func (form Form) parse(name string) (at string, n int, ok bool) {
	if len(name) < len(form) {
		return "", 0, false
	}
	at, rest := name[:len(form)], name[len(form):]
	if _, err := time.Parse(string(form), at); err != nil {
		return "", 0, false
	}
	if rest == ".json" {
		return at, 1, true
	}
	_, err := fmt.Sscanf(rest, "_%d.json", &n)
	return at, n, err == nil && rest == fmt.Sprintf("_%d.json", n)
}

// MaxResults is the size of the largest results file that is read, in bytes: some
// millions of items.
const MaxResults = 1 << 30

// Parse returns the results that text holds, nil where it is something else or about
// another manifest than the one at path. dir is what relative paths are relative to.
func Parse(text []byte, dir, path string) *Results {
	var doc documentWire
	if json.Unmarshal(text, &doc) != nil || doc.Manifest.Path == "" || !samePath(dir, doc.Manifest.Path, path) {
		return nil
	}
	r := &Results{Manifest: doc.Manifest, Items: make([]Result, len(doc.Items))}
	for i, item := range doc.Items {
		r.Items[i] = Result{Item: item.Item, Status: item.Status, Duration: time.Duration(item.Duration)}
	}
	return r
}

// samePath reports whether two paths of manifests, as given in dir, are the
// same.
func samePath(dir, a, b string) bool {
	if a == "-" || b == "-" {
		return a == b
	}
	return inDir(dir, a) == inDir(dir, b)
}

func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
