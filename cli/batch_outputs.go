package main

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"os"

	"github.com/codex-archive/codex/sdk"
)

// outputs is where the files of a batch go.
type outputs struct {
	base    *os.Root // nil: anywhere
	missing bool     // the base directory does not exist yet
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
