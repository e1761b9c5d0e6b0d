package bulk

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

// Why a file is not removed.
var (
	errChangedSince = errors.New("the file changed since it was stored, and was not removed")
	errReplaced     = errors.New("another file has taken its place, and was not removed")
)

// Remove removes the file of an entry if it still has the content of r.
func Remove(e *tree.Entry, r *sdk.Record) error {
	if e.Symlink() {
		return removeLink(e, r)
	}
	f, err := e.Open()
	if err != nil {
		return cause(err)
	}
	read, err := holds(f, r.Content.SHA256)
	_ = f.Close() // it was only read; some systems do not remove what is open
	if err == nil {
		err = sameFile(e, read)
	}
	if err == nil {
		err = e.Remove()
	}
	return cause(err)
}

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
	after, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case sdk.Digest(found.Sum(nil)) != sum, after.Size() != before.Size(), !after.ModTime().Equal(before.ModTime()):
		return nil, errChangedSince
	}
	return after, nil
}

// sameFile checks that the name of e still leads to the file that was read.
func sameFile(e *tree.Entry, read os.FileInfo) error {
	f, err := e.Open()
	if err != nil {
		return cause(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return cause(err)
	}
	if !os.SameFile(info, read) {
		return errReplaced
	}
	return nil
}

func removeLink(e *tree.Entry, r *sdk.Record) error {
	text, err := e.Readlink()
	if err != nil {
		return cause(err)
	}
	if sdk.Digest(sha256.Sum256([]byte(text))) != r.Content.SHA256 {
		return errChangedSince
	}
	return cause(e.Remove())
}
