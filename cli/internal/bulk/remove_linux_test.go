package bulk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/filetest"
)

// storedFile stores one file and returns its item, and its path.
func storedFile(t *testing.T) (*Item, string) {
	t.Helper()
	b := newBench(t, map[string]string{"d/f": "content"})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b.results[0].Item, filepath.Join(b.dir, "d", "f")
}

func holdsText(t *testing.T, path, want string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("%s holds %q, %v", path, text, err)
	}
	filetest.OnlyNames(t, filepath.Dir(path), "f")
}

// What a process has open for writing is not removed: what it writes next would be
// lost.
func TestRemoveOpenFile(t *testing.T) {
	it, path := storedFile(t)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Remove(&it.Entry, &it.Record); !errors.Is(err, archiver.ErrWriter) {
		t.Errorf("open for writing: %v", err)
	}
	holdsText(t, path, "content")
	f.Close()
	if err := Remove(&it.Entry, &it.Record); err != nil {
		t.Error(err)
	}
}

// reading is a removal that has read the file and not yet removed it.
func reading(t *testing.T, it *Item) (remove func() error) {
	t.Helper()
	f, err := it.Entry.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	guard, err := archiver.NewGuard(f)
	if err != nil {
		t.Fatal(err)
	}
	read, err := holds(f, it.Record.Content.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		defer f.Close()
		return removeRead(&it.Entry, f, guard, read)
	}
}

// A file that took the place of the one that was read stays, with its name.
func TestRemoveReplacedFile(t *testing.T) {
	it, path := storedFile(t)
	remove := reading(t, it)
	other := filetest.Write(t, filepath.Join(t.TempDir(), "other"), []byte("another"))
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if err := remove(); !errors.Is(err, errReplaced) {
		t.Error(err)
	}
	holdsText(t, path, "another")
}

// A process that opens the file for writing after it was read waits, and is noticed:
// the file stays, and has what is written then.
func TestRemoveWaitingWriter(t *testing.T) {
	it, path := storedFile(t)
	remove := reading(t, it)
	written := make(chan error)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			_, err = f.WriteString(", and more")
			err = errors.Join(err, f.Close())
		}
		written <- err
	}()
	f, err := os.Open(path) // its lease is refused once the writer waits
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		guard, err := archiver.NewGuard(f)
		if err != nil {
			break
		}
		if guard.Check() != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := remove(); !errors.Is(err, archiver.ErrWriter) {
		t.Error(err)
	}
	f.Close()
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	holdsText(t, path, "content, and more")
}
