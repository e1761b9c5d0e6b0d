package find

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/kvbackend/kvtest"
	"github.com/codex-archive/codex/sdk/memory"
)

// archive returns an archive of one record for each path, oldest first, with the
// tombstones 00000000-0000-4000-8000-000000000001 and so on.
func archive(t *testing.T, driver sdk.Driver, paths ...string) sdk.Backend {
	t.Helper()
	b, err := driver.Open(t.Context(), sdk.Options{URL: "memory://find", Mode: sdk.Create, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), items(paths)); err != nil {
		t.Fatal(err)
	}
	return b
}

func tombstone(n int) sdk.Tombstone {
	id, err := sdk.ParseID(fmt.Sprintf("%08d-0000-4000-8000-%012d", n/10, n))
	if err != nil {
		panic(err)
	}
	return id
}

func items(paths []string) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for i, path := range paths {
			body := []byte(path)
			r := sdk.Record{
				Tombstone: tombstone(i + 1), Event: sdk.NewID(), Set: sdk.ID{1}, Repo: "r", Path: path, Reason: "dead",
				ContentKind: "code", Type: sdk.RegularFile, ArchivedBy: "me", ArchivedAt: time.Unix(int64(i+1), 0).UTC(),
				Content: sdk.Content{SHA256: sha256.Sum256(body), Size: int64(len(body)), Codec: sdk.None}.WithBody(body),
			}
			r.Digest = r.ComputeDigest()
			if !yield(sdk.Item{Record: r, Body: bytes.NewReader(body)}, nil) {
				return
			}
		}
	}
}

func TestTombstone(t *testing.T) {
	b := archive(t, memory.Driver(), slices.Repeat([]string{"a"}, 31)...)
	for text, want := range map[string]struct {
		id   sdk.Tombstone
		kind output.Kind
	}{
		tombstone(7).String():      {tombstone(7), ""},
		sdk.ID{9}.String():         {sdk.ID{9}, ""}, // a whole one is not looked up
		"00000003":                 {kind: output.Ambiguous},
		"00000009":                 {kind: output.KindOf(sdk.NotFound)},
		"0000":                     {kind: output.KindOf(sdk.NotFound)},
		"no tombstone":             {kind: output.KindOf(sdk.NotFound)},
		tombstone(9).String()[:35]: {kind: output.Ambiguous}, // of 1 to 9
	} {
		id, err := Tombstone(t.Context(), b, text)
		if want.kind == "" && (err != nil || id != want.id) {
			t.Errorf("%q: %v, %v", text, id, err)
		}
		if want.kind != "" && (err == nil || output.FailureOf(err).Kind != want.kind) {
			t.Errorf("%q: %v, %v; want %s", text, id, err, want.kind)
		}
	}
}

func TestRecords(t *testing.T) {
	b := archive(t, memory.Driver(), "a", "b")
	id := tombstone(1).String()
	found, err := Records(t.Context(), b, []string{id, "00000000", id, sdk.ID{9}.String(), tombstone(2).String()})
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range []string{"a", "", "a", "", "b"} {
		if r := found[i]; (path == "") != (r.Err != nil) || r.Err == nil && r.Entry.Record.Path != path {
			t.Errorf("%d: %+v", i, r)
		}
	}
	failing := backendtest.Faults{backendtest.FaultFail: 1}
	driver := memory.Driver()
	archive(t, driver, "a")
	down, err := failing.Driver(driver).Open(t.Context(), sdk.Options{URL: "memory://find", Mode: sdk.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{id, id[:8]} {
		if _, err := Records(t.Context(), down, []string{text}); sdk.KindOf(err) != sdk.Unavailable {
			t.Errorf("%s in an archive that is down: %v", text, err)
		}
	}
}

// paths returns what List yields.
func paths(ctx context.Context, t *testing.T, b sdk.Backend, q sdk.Query, of []string) (found []string) {
	t.Helper()
	for entry, err := range List(ctx, b, q, of) {
		if err != nil {
			t.Fatal(err)
		}
		if entry.Err != nil {
			found = append(found, "unreadable "+entry.Record.Tombstone.String())
			continue
		}
		found = append(found, entry.Record.Path)
	}
	return found
}

func TestListMergesPaths(t *testing.T) {
	b := archive(t, memory.Driver(), "x/1", "y/2", "x/3", "z", "/top/x/4")
	for _, c := range []struct {
		paths []string
		limit int
		want  []string
	}{
		{nil, 0, []string{"/top/x/4", "z", "x/3", "y/2", "x/1"}},
		{[]string{"x"}, 0, []string{"x/3", "x/1"}},
		{[]string{"x", "/top/x"}, 0, []string{"/top/x/4", "x/3", "x/1"}},
		{[]string{"x", "x/3", "y"}, 0, []string{"x/3", "y/2", "x/1"}},
		{[]string{"x", "/top/x"}, 2, []string{"/top/x/4", "x/3"}},
		{[]string{"nothing", "else"}, 0, nil},
	} {
		if got := paths(t.Context(), t, b, sdk.Query{Limit: c.limit}, c.paths); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.paths, got, c.want)
		}
	}
}

// A record that is not what was stored is an entry with an error, once, and hides
// no other.
func TestListChecksDigests(t *testing.T) {
	archives := new(memory.Archives)
	b := archive(t, archives.Driver(), "x/1", "x/2", "x/3")
	if err := kvtest.SwapContent(t.Context(), archives.Store("memory://find"), tombstone(2), tombstone(1)); err != nil {
		t.Fatal(err)
	}
	bad := "unreadable " + tombstone(2).String()
	if got := paths(t.Context(), t, b, sdk.Query{}, nil); !slices.Equal(got, []string{"x/3", bad, "x/1"}) {
		t.Errorf("%q", got)
	}
	if got := paths(t.Context(), t, b, sdk.Query{}, []string{"x", "x/2"}); !slices.Equal(got, []string{"x/3", bad, "x/1"}) {
		t.Errorf("merged: %q", got)
	}
}

func TestPathSpellings(t *testing.T) {
	root := t.TempDir() // in no work tree
	dir := filepath.Join(root, "sub")
	for path, want := range map[string][]string{
		"./a.txt":                      {"a.txt", "sub/a.txt", filepath.ToSlash(filepath.Join(dir, "a.txt"))},
		"../b":                         {"../b", "b", filepath.ToSlash(filepath.Join(root, "b"))},
		filepath.Join(root, "c"):       {filepath.ToSlash(filepath.Join(root, "c")), "c"},
		filepath.Join(root, "..", "d"): {filepath.ToSlash(filepath.Join(root, "..", "d"))},
		"..":                           nil,
	} {
		if got := PathSpellings(path, dir, root); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
