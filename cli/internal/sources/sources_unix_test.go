//go:build unix

package sources

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
)

func want(text string) Wanted {
	return Wanted{SHA256: sha256.Sum256([]byte(text)), Size: int64(len(text))}
}

// finds runs a search and returns where each content was found.
func finds(t *testing.T, look func(*Search) error, wanted ...Wanted) map[sdk.Digest]Content {
	t.Helper()
	found := map[sdk.Digest]Content{}
	s := NewSearch(wanted, func(_ context.Context, d sdk.Digest, c Content) (bool, error) {
		if c.Spool != nil {
			text, err := io.ReadAll(c.Spool.Reader())
			if err != nil || sdk.Digest(sha256.Sum256(text)) != d {
				t.Errorf("%s has other bytes: %v", c.From, err)
			}
			c.Spool.Close()
		}
		found[d] = c
		return true, nil
	})
	if err := look(s); err != nil {
		t.Error(err)
	}
	if len(s.Left())+len(found) != len(wanted) {
		t.Errorf("%d found and %d left of %d", len(found), len(s.Left()), len(wanted))
	}
	return found
}

// TestHostileDirectory: pipes, sockets and links to devices and to other
// directories end no search, and nothing behind a link is read.
func TestHostileDirectory(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	filetest.Write(t, filepath.Join(outside, "secret"), []byte("outside"))
	if err := os.MkdirAll(filepath.Join(dir, "a", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	filetest.Write(t, filepath.Join(dir, "a", "deep", "file"), []byte("inside"))
	filetest.Special(t, dir)
	for name, target := range map[string]string{
		"zero": "/dev/zero", "up": outside, "file-link": filepath.Join(outside, "secret"), "loop": ".", "dangling": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	sparse := filetest.Write(t, filepath.Join(dir, "sparse"), nil)
	if err := os.Truncate(sparse, 1<<40); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := func(s *Search) error { return s.Directory(ctx, dir) }
	found := finds(t, look, want("inside"), want("outside"), want("nowhere"), want("absent"))
	if len(found) != 2 || found[want("inside").SHA256].Path != filepath.Join(dir, "a", "deep", "file") || found[want("nowhere").SHA256].Spool == nil {
		t.Errorf("found %v", found)
	}
}

// TestRepositoryBlobs: content is found by its object id, and by its size where
// that is not known, in commits and in none.
func TestRepositoryBlobs(t *testing.T) {
	dir := t.TempDir()
	run := func(in string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=me", "-c", "user.email=me@example.com"}, args...)...)
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(args, err)
		}
		return strings.TrimSpace(string(out))
	}
	run("", "init", "-q", ".")
	loose := run("never committed", "hash-object", "-w", "--stdin")
	filetest.Write(t, filepath.Join(dir, "f"), []byte("committed"))
	run("", "add", "f")
	run("", "commit", "-qm", "one")
	large := bytes.Repeat([]byte("large "), 2<<20)
	run(string(large), "hash-object", "-w", "--stdin")
	run("", "gc", "-q")

	known, wrong := want("never committed"), want("absent")
	known.GitBlob, wrong.GitBlob = loose, loose
	tree, err := git.Repository(dir)
	if err != nil || tree == nil {
		t.Fatal(tree, err)
	}
	look := func(s *Search) error { return s.Repository(t.Context(), tree) }
	if found := finds(t, look, known, wrong, want("committed"), want(string(large)), want("nothing")); len(found) != 3 {
		t.Errorf("found %v", found)
	}
	bare := t.TempDir()
	run("", "clone", "-q", "--bare", dir, bare)
	if tree, err = git.Repository(bare); err != nil || tree == nil {
		t.Fatal(tree, err)
	}
	if found := finds(t, look, want("committed")); len(found) != 1 {
		t.Errorf("found %v in a bare repository", found)
	}
	if tree, err = git.Repository(t.TempDir()); tree != nil || err != nil {
		t.Errorf("a directory is the repository %v, %v", tree, err)
	}
}

// liar is an archive that lists content which it does not return.
type liar struct {
	sdk.Backend
	said Wanted
}

func (l *liar) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		for entry, err := range l.Backend.List(ctx, sdk.Query{}) {
			entry.Record.Content.SHA256, entry.Record.Content.Size = l.said.SHA256, l.said.Size
			if !yield(entry, err) {
				return
			}
		}
	}
}

// TestLyingArchive: what another archive says it has counts for nothing.
func TestLyingArchive(t *testing.T) {
	b, err := memory.Driver().Open(t.Context(), sdk.Options{URL: "memory://other", Mode: sdk.Create, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("its content")
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Type: sdk.RegularFile, Repo: "r", Path: "p", Reason: "dead",
		ContentKind: "code", ArchivedBy: "me", ArchivedAt: sdk.Time(time.Now()),
		Content: sdk.Content{SHA256: sha256.Sum256(text), Size: int64(len(text)), Codec: sdk.None}.WithBody(text),
	}
	r.Digest = r.ComputeDigest()
	if _, err := b.Put(t.Context(), func(yield func(sdk.Item, error) bool) { yield(sdk.Item{Record: r, Body: bytes.NewReader(text)}, nil) }); err != nil {
		t.Fatal(err)
	}
	extract := func(_ context.Context, r *sdk.Record, body io.Reader, w io.Writer) error {
		_, err := io.Copy(w, body)
		return err
	}
	archive := func(b sdk.Backend) func(*Search) error {
		return func(s *Search) error { return s.Archive(t.Context(), b, extract) }
	}
	if found := finds(t, archive(b), want("its content"), want("another")); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	if found := finds(t, archive(&liar{b, want("a different")}), want("a different")); len(found) != 0 {
		t.Errorf("it was believed: %v", found)
	}
}
