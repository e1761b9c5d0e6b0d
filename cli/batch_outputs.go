package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// outputs is where the files of a batch go.
type outputs struct {
	base    *os.Root // nil: anywhere
	dir     string   // of base; "" without one
	missing bool     // the base directory does not exist yet

	writable map[string]error // by directory, as far as it was tried
}

// canWrite tries whether a file can be made in the directory of path. It leaves
// nothing behind.
func (o *outputs) canWrite(path string) error {
	dir := filepath.Join(o.dir, filepath.Dir(path))
	if _, tried := o.writable[dir]; !tried {
		if o.writable == nil {
			o.writable = map[string]error{}
		}
		o.writable[dir] = durable.Cause(durable.CanMake(dir))
	}
	if err := o.writable[dir]; err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (o outputs) lstat(path string) (fs.FileInfo, error) {
	switch {
	case o.missing:
		return nil, fs.ErrNotExist
	case o.base != nil:
		return o.base.Lstat(path)
	}
	return os.Lstat(path)
}

func (o outputs) open(path string) (*os.File, error) {
	if o.base != nil {
		return o.base.Open(path)
	}
	return os.Open(path)
}

// hold reports whether path is a regular file with this content.
func (o outputs) hold(path string, content sdk.Content) bool {
	info, err := o.lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != content.Size {
		return false
	}
	file, err := o.open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return err == nil && sdk.Digest(sum.Sum(nil)) == content.SHA256
}
