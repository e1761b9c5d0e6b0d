package batch

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func TestPlace(t *testing.T) {
	for in, want := range map[string]string{
		"a.txt": "a.txt", "src/a.txt": "src/a.txt", "./src//a.txt": "src/a.txt", "..a": "..a", "a/..b": "a/..b",
		"../a": "_outside/a", "../../a/b": "_outside/a/b", "..": "_outside", "a/../../b": "_outside/b",
		"/etc/passwd": "_outside/etc/passwd", "//host/share": "_outside/host/share", "/": "_outside", "/../a": "_outside/a",
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
