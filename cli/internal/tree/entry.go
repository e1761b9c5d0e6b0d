package tree

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Entry is something to store.
type Entry struct {
	Path     string      // as it was named, cleaned: of a walk, the directory's path and what is below
	Type     fs.FileMode // type bits: 0 for a regular file
	WorkTree string      // directory of the git work tree that the walk found it in; "": that of Base
	Base     string      // directory that was named, or that holds a file that was named
	Name     string      // below Base, with forward slashes

	dir *Dir // Base, where that was walked
}

// Regular reports whether the entry is a regular file.
func (e *Entry) Regular() bool { return e.Type == 0 }

// Symlink reports whether the entry is a symbolic link.
func (e *Entry) Symlink() bool { return e.Type == fs.ModeSymlink }

// Special reports whether the entry is neither a regular file nor a symbolic
// link, and cannot be stored.
func (e *Entry) Special() bool { return !e.Regular() && !e.Symlink() }

// Open opens what the entry itself names, which may have become anything since.
// It neither follows a symbolic link nor waits.
func (e *Entry) Open() (*os.File, error) {
	if e.dir == nil {
		return os.OpenFile(e.Path, noFollow, 0)
	}
	return e.dir.open(e.Name)
}

// Readlink returns the text of a symbolic link.
func (e *Entry) Readlink() (string, error) {
	if e.dir == nil {
		return os.Readlink(e.Path)
	}
	return e.dir.readlink(e.Name)
}

// Lstat describes what the entry itself names.
func (e *Entry) Lstat() (fs.FileInfo, error) {
	if e.dir == nil {
		return os.Lstat(e.Path)
	}
	return e.dir.lstat(e.Name)
}

// Existing is the entry below the lowest directory above it that is there.
func (e *Entry) Existing() Entry {
	base := filepath.Dir(e.Path)
	for base != filepath.Dir(base) {
		if _, err := os.Stat(base); err == nil {
			break
		}
		base = filepath.Dir(base)
	}
	name, _ := filepath.Rel(base, e.Path) // it begins with base
	return Entry{Path: e.Path, Type: e.Type, Base: base, Name: filepath.ToSlash(name)}
}

// RemoveEmptied removes those directories above the entry that are empty, from
// the lowest up and strictly below the directory that was walked.
func (e *Entry) RemoveEmptied() {
	if e.dir == nil {
		return
	}
	for dir := path.Dir(e.Name); dir != "."; dir = path.Dir(dir) {
		err := e.dir.removeDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // not empty, or not ours to remove
			return
		}
	}
}
