package bulk

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
)

// bench is a run over a directory, into an archive in memory.
type bench struct {
	*testing.T
	Run
	dir     string
	archive sdk.Backend

	mu      sync.Mutex
	groups  []int // sizes of what was put
	results []Result
}

func newBench(t *testing.T, files map[string]string) *bench {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		filetest.Write(t, filepath.Join(dir, name), []byte(content))
	}
	walk, err := tree.Open(tree.Selection{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = walk.Close() })
	archive, err := memory.Driver().Open(t.Context(), sdk.Options{URL: "memory://m", Mode: sdk.Create})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = archive.Close() })
	compressor, err := archiver.NewCompressor("auto", "default", nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, dir: dir, archive: archive}
	b.Run = Run{
		Files: walk.Entries(t.Context()), Compressor: compressor, LeaveOut: func(fs.FileInfo) bool { return false },
		Describe: describe, Complete: func(*tree.Entry, *sdk.Record) error { return nil },
		Present: func(*Item) bool { return false }, Missing: archive.Missing, Put: b.put,
		After: func(_ context.Context, items []*Item) []error { return make([]error, len(items)) },
		Done: func(r Result) bool {
			b.results = append(b.results, r)
			return true
		},
	}
	return b
}

func describe(e *tree.Entry) (sdk.Record, archiver.ObjectFormat, error) {
	return sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.ID{1}, Repo: "r", Path: filepath.ToSlash(e.Path), Reason: "dead",
		ContentKind: "code", ArchivedBy: "me", ArchivedAt: time.Unix(1, 0).UTC(), ModTime: time.Unix(1, 0).UTC(),
	}, archiver.SHA1, nil
}

func (b *bench) put(ctx context.Context, items []*Item) ([]sdk.PutResult, error) {
	b.mu.Lock()
	b.groups = append(b.groups, len(items))
	b.mu.Unlock()
	return b.archive.Put(ctx, Sequence(items))
}

// recorded returns the hashes in the archive by name below the directory.
func (b *bench) recorded() map[string]sdk.Digest {
	b.Helper()
	found := map[string]sdk.Digest{}
	for entry, err := range b.archive.List(b.Context(), sdk.Query{}) {
		if err != nil {
			b.Fatal(err)
		}
		name, err := filepath.Rel(b.dir, filepath.FromSlash(entry.Record.Path))
		if err != nil {
			b.Fatal(err)
		}
		if _, twice := found[name]; twice || !entry.Present {
			b.Errorf("%s is there twice, or without content", name)
		}
		found[filepath.ToSlash(name)] = entry.Record.Content.SHA256
	}
	return found
}

// holds checks that the archive has these files and no other.
func (b *bench) holds(files map[string]string) {
	b.Helper()
	found := b.recorded()
	if len(found) != len(files) {
		b.Errorf("%d files of %d are stored", len(found), len(files))
	}
	for name, content := range files {
		if found[name] != sha256.Sum256([]byte(content)) {
			b.Errorf("%s is not stored as it was", name)
		}
	}
}

// failed returns the names of the files that failed, and why.
func (b *bench) failed() (names []string, why string) {
	for _, r := range b.results {
		if r.Err != nil {
			names, why = append(names, filepath.Base(r.Item.Entry.Path)), why+r.Err.Error()+"\n"
		}
	}
	slices.Sort(names)
	return names, why
}

func manyFiles(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("d%d/f%d", i%7, i)] = fmt.Sprintf("content %d", i-i%5/4)
	}
	return files
}

// TestGroups: files go in groups of limited size, a large one by itself, and each
// is stored once.
func TestGroups(t *testing.T) {
	files := manyFiles(2*sdk.MaxItems + 100)
	files["large"] = strings.Repeat("large ", sdk.StagedBody/5)
	b := newBench(t, files)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.holds(files)
	total := 0
	for _, n := range b.groups {
		if total += n; n > sdk.MaxItems {
			t.Errorf("a group of %d", n)
		}
	}
	if total != len(files) || len(b.results) != len(files) || len(b.groups) > 5 || !slices.Contains(b.groups, 1) {
		t.Errorf("groups %v, %d results", b.groups, len(b.results))
	}
}

// TestCulprits: items that the archive refuses, named or not, do not keep the
// others out.
func TestCulprits(t *testing.T) {
	for _, named := range []bool{true, false} {
		files := manyFiles(300)
		b := newBench(t, files)
		bad := map[string]bool{"f7": true, "f133": true, "f299": true}
		put := b.Put
		b.Put = func(ctx context.Context, items []*Item) ([]sdk.PutResult, error) {
			refused := &sdk.Error{Kind: sdk.Conflict, Msg: "no"}
			for _, it := range items {
				if bad[filepath.Base(it.Entry.Path)] {
					refused.Tombstones = append(refused.Tombstones, it.Record.Tombstone)
				}
			}
			if len(refused.Tombstones) == 0 {
				return put(ctx, items)
			}
			if !named {
				refused.Tombstones = nil
			}
			return nil, refused
		}
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		names, why := b.failed()
		if !slices.Equal(names, []string{"f133", "f299", "f7"}) {
			t.Errorf("named %v: %v failed: %s", named, names, why)
		}
		for name := range files {
			if bad[filepath.Base(name)] {
				delete(files, name)
			}
		}
		b.holds(files)
	}
}

// TestArchiveLostContent: the archive was believed to have contents, and has them
// no more: they are read again and sent. A file that changed meanwhile fails.
func TestArchiveLostContent(t *testing.T) {
	files := manyFiles(50)
	b := newBench(t, files)
	b.Missing = func(context.Context, []sdk.Digest) ([]sdk.Digest, error) { return nil, nil }
	put, first := b.Put, true
	b.Put = func(ctx context.Context, items []*Item) ([]sdk.PutResult, error) {
		if first {
			first = false
			if err := os.WriteFile(filepath.Join(b.dir, "d0/f0"), []byte("changed"), 0o644); err != nil {
				t.Error(err)
			}
		}
		return put(ctx, items)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names, why := b.failed(); !slices.Equal(names, []string{"f0"}) || !strings.Contains(why, "changed") {
		t.Errorf("%v failed: %s", names, why)
	}
	delete(files, "d0/f0")
	b.holds(files)
}

// TestRunEnds: an error of the archive ends the run, and so does a Done that wants
// no more; groups that were stored are kept.
func TestRunEnds(t *testing.T) {
	b := newBench(t, manyFiles(3*sdk.MaxItems))
	b.Put = func(context.Context, []*Item) ([]sdk.PutResult, error) {
		return nil, sdk.Errorf(sdk.Unavailable, "gone")
	}
	if err := b.Start(t.Context()); sdk.KindOf(err) != sdk.Unavailable {
		t.Errorf("the run ended with %v", err)
	}
	if len(b.recorded()) != 0 {
		t.Error("something is stored")
	}

	b = newBench(t, manyFiles(3*sdk.MaxItems))
	b.Done = func(r Result) bool {
		b.results = append(b.results, r)
		return false
	}
	if err := b.Start(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(b.recorded()); n == 0 || n == 3*sdk.MaxItems || n != len(b.results) {
		t.Errorf("%d are stored, %d have a result", n, len(b.results))
	}
}

// TestRecordIsChecked: a record that no archive takes is the failure of its file.
func TestRecordIsChecked(t *testing.T) {
	files := manyFiles(20)
	b := newBench(t, files)
	b.Complete = func(e *tree.Entry, r *sdk.Record) error {
		if filepath.Base(e.Path) == "f3" {
			r.Repo = strings.Repeat("x", sdk.MaxPath+1)
		}
		return nil
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names, why := b.failed(); !slices.Equal(names, []string{"f3"}) {
		t.Errorf("%v failed: %s", names, why)
	}
	delete(files, "d3/f3")
	b.holds(files)
}

// TestRemove: a file is removed only if it has the bytes that were stored.
func TestRemove(t *testing.T) {
	files := map[string]string{"same": "a", "changed": "b", "longer": "c", "replaced": "d"}
	b := newBench(t, files)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("changed", "x")
	write("longer", "cc")
	if err := os.Remove(filepath.Join(b.dir, "replaced")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(b.dir, "replaced"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.results {
		name := filepath.Base(r.Item.Entry.Path)
		err := Remove(&r.Item.Entry, &r.Item.Record)
		if (err == nil) != (name == "same") {
			t.Errorf("%s: %v", name, err)
		}
		if _, there := os.Lstat(filepath.Join(b.dir, name)); (there == nil) != (name != "same") {
			t.Errorf("%s: %v", name, there)
		}
	}
}
