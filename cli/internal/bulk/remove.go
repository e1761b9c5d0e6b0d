package bulk

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

// Why a file is not removed.
var (
	errChangedSince = errors.New("the file changed since it was stored, and was not removed")
	errReplaced     = errors.New("another file has taken its place, and was not removed")
)

// Remove removes the file of an entry if it still has the content of r, no process
// has it open for writing, and it still has its name.
func Remove(e *tree.Entry, r *sdk.Record) error {
	if e.Symlink() {
		return cause(removeLink(e, r))
	}
	f, err := e.Open()
	if err != nil {
		return cause(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	guard, err := archiver.NewGuard(f)
	if err != nil {
		return notRemoved(err)
	}
	read, err := holds(f, r.Content.SHA256)
	if err == nil {
		err = removeRead(e, f, guard, read)
	}
	return cause(err)
}

// removeRead removes the file f, which was read.
func removeRead(e *tree.Entry, f *os.File, guard archiver.Guard, read os.FileInfo) error {
	if runtime.GOOS == "windows" {
		_ = f.Close() // it was only read; what is open cannot be renamed
	}
	taken, err := e.Take()
	if err != nil {
		return err
	}
	info, err := taken.Lstat()
	switch {
	case err != nil:
		return taken.PutBack(err)
	case !os.SameFile(info, read):
		return taken.PutBack(errReplaced)
	case info.Size() != read.Size(), !info.ModTime().Equal(read.ModTime()):
		return taken.PutBack(errChangedSince)
	}
	if err := guard.Check(); err != nil {
		return taken.PutBack(notRemoved(err))
	}
	return taken.Remove()
}

func notRemoved(err error) error { return fmt.Errorf("%w, and was not removed", err) }

// holds describes f if it is a regular file with the content of sum.
func holds(f *os.File, sum sdk.Digest) (os.FileInfo, error) {
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	found := sha256.New()
	if before.Mode().IsRegular() {
		if _, err := io.Copy(found, f); err != nil {
			return nil, err
		}
	}
	if sdk.Digest(found.Sum(nil)) != sum {
		return nil, errChangedSince
	}
	return before, nil
}

func removeLink(e *tree.Entry, r *sdk.Record) error {
	text, err := e.Readlink()
	if err != nil {
		return err
	}
	if !isText(r, text) {
		return errChangedSince
	}
	taken, err := e.Take()
	if err != nil {
		return err
	}
	if text, err := taken.Readlink(); err != nil || !isText(r, text) {
		return taken.PutBack(errReplaced)
	}
	return taken.Remove()
}

func isText(r *sdk.Record, text string) bool {
	return sdk.Digest(sha256.Sum256([]byte(text))) == r.Content.SHA256
}
