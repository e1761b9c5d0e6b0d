package batch

import (
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// twins finds places that are one file to the file system that they are on.
type twins struct {
	list  []string
	first map[string]int // index of the first place, by the place in one case
	next  []int          // by index: the next place that is the same in one case; 0: none
}

func newTwins(list []string) *twins {
	t := &twins{list: list, first: make(map[string]int, len(list)), next: make([]int, len(list))}
	for i := len(list) - 1; i >= 0; i-- {
		key := oneCase(list[i])
		t.next[i] = t.first[key]
		t.first[key] = i
	}
	return t
}

// oneCase returns a text that all texts have in common which differ in case
// alone, and perhaps others.
func oneCase(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf {
			return strings.ToLower(strings.ToUpper(s))
		}
	}
	return s
}

// of returns the index of the first place before end that is the same file as
// place, or -1.
func (t *twins) of(end int, place string) int {
	i, ok := t.first[oneCase(place)]
	for ; ok && i < end; i, ok = t.next[i], t.next[i] > 0 {
		if t.list[i] == place || samePlace(t.list[i], place) {
			return i
		}
	}
	return -1
}

// samePlace reports whether the file system takes two places for one, whose
// names differ in case.
func samePlace(a, b string) bool {
	as, bs := split(a), split(b)
	if len(as) != len(bs) {
		return false
	}
	for i := range as {
		if as[i] != bs[i] && !sameName(filepath.Join(as[:i]...), as[i], bs[i]) {
			return false
		}
	}
	return true
}

// split returns the elements of a cleaned path; the first is its root.
func split(path string) []string {
	volume := filepath.VolumeName(path)
	root := volume + string(filepath.Separator)
	rest := strings.TrimPrefix(path, root)
	return append([]string{root}, strings.Split(rest, string(filepath.Separator))...)
}

// sameName is [durable.SameName] for a directory that may not exist yet: it will
// be like the one that it is made in. Where nothing can be said they are two, and
// the restore itself refuses the second file.
func sameName(dir, a, b string) bool {
	for {
		root, err := os.OpenRoot(dir)
		if err == nil {
			same, err := durable.SameName(root, a, b)
			root.Close()
			return err == nil && same
		}
		up := filepath.Dir(dir)
		if !os.IsNotExist(err) || up == dir {
			return false
		}
		dir = up
	}
}
