package batch

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func TestPlace(t *testing.T) {
	for in, want := range map[string]string{
		"a.txt": "a.txt", "src/a.txt": "src/a.txt", "./src//a.txt": "src/a.txt", "..a": "..a", "a/..b": "a/..b",
		"../a": "_outside/a", "../../a/b": "_outside/a/b", "..": "_outside", "a/../../b": "_outside/b",
		"/etc/passwd": "_outside/etc/passwd", "//host/share": "_outside/host/share", "/": "_outside", "/../a": "_outside/a",
		".git/hooks/post-checkout": "_outside/.git/hooks/post-checkout", "a/.GIT/config": "_outside/a/.GIT/config", ".codex/archive.toml": "_outside/.codex/archive.toml",
		".git": "_outside/.git", ".github/x": ".github/x", ".gitignore": ".gitignore", ".git./x": "_outside/.git./x",
		"C:/x": "_outside/C/x", "c:x": "_outside/c/x", "_outside/a": "_outside/a",
	} {
		got := place(filepath.ToSlash(filepath.Clean(in)))
		if got != want {
			t.Errorf("place(%q) = %q, want %q", in, got, want)
		}
		if !filepath.IsLocal(filepath.FromSlash(got)) {
			t.Errorf("place(%q) = %q leads out", in, got)
		}
	}
}

func TestQueryNewestLive(t *testing.T) {
	q := NewQuery("d")
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	records := []sdk.Record{
		{Tombstone: sdk.ID{1}, Repo: "r", Path: "a", ArchivedAt: at},
		{Tombstone: sdk.ID{3}, Repo: "r", Path: "x/a", WorkTreePath: "a", ArchivedAt: at.Add(time.Second)},
		{Tombstone: sdk.ID{2}, Repo: "r", Path: "a", ArchivedAt: at.Add(time.Second)},
		{Tombstone: sdk.ID{4}, Repo: "r", Path: "a", ArchivedAt: at.Add(time.Hour), PurgedAt: at.Add(2 * time.Hour)},
		{Tombstone: sdk.ID{5}, Repo: "r", Path: "gone", ArchivedAt: at, PurgedAt: at},
	}
	for range 2 {
		for i := range records {
			q.Add(&records[i])
		}
		slices.Reverse(records)
	}
	items, err := q.Items()
	if err != nil || len(items) != 1 || items[0].Tombstone != (sdk.ID{3}).String() || items[0].Output != filepath.Join("d", "a") {
		t.Errorf("%v, %v", items, err)
	}
}

// A query may select very many records, and keeps little of each.
func TestQueryIsSmall(t *testing.T) {
	const records, most = 100_000, 240 // bytes of each, with its path
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	q := NewQuery("")
	before := heap()
	for i := range records {
		q.Add(&sdk.Record{Tombstone: sdk.NewID(), Repo: fmt.Sprint("r", i%2), Path: fmt.Sprintf("src/%06d.txt", i), ArchivedAt: time.Now()})
	}
	if each := (heap() - before) / records; each > most {
		t.Errorf("%d bytes a record, want at most %d", each, most)
	}
	runtime.KeepAlive(q)
}

func TestQueryCollisions(t *testing.T) {
	for _, test := range []struct {
		paths []string
		want  string
	}{
		{[]string{"a", "a.b", "a/b/c"}, "restored to a, which is a directory of"},
		{[]string{"a/b", "a/b.c", "a/b/c/d", "a/b/c/e"}, "restored to a/b, which is a directory of"},
		{[]string{"/etc/x", "../etc/x"}, "would both be restored to _outside/etc/x"},
		{[]string{"a/b", "a/c", "ab", "b/a"}, ""},
	} {
		q := NewQuery("")
		for _, p := range test.paths {
			q.Add(&sdk.Record{Tombstone: sdk.NewID(), Path: p})
		}
		_, err := q.Items()
		if got := fmt.Sprint(err); test.want == "" && err != nil || !strings.Contains(filepath.ToSlash(got), test.want) {
			t.Errorf("%q: %v", test.paths, err)
		}
	}
}
