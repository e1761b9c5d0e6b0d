package durable

import (
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
)

// tempPrefix begins the names of temporary files; 16 hex digits follow.
const tempPrefix = ".codex-temp-"

const tempDigits = 16

// IsTempName reports whether name is one that [Sweep] may remove.
func IsTempName(name string) bool {
	digits, ok := strings.CutPrefix(name, tempPrefix)
	return ok && len(digits) == tempDigits && strings.Trim(digits, "0123456789abcdef") == ""
}

// newTempName returns a name that [IsTempName] knows.
func newTempName() string {
	var b [tempDigits / 2]byte
	rand.Read(b[:]) // never fails: it ends the process instead
	return tempPrefix + hex.EncodeToString(b[:])
}

// Temp is a file that is being made in the directory where it will stay.
type Temp struct {
	File *os.File

	root *os.Root // the directory; the caller closes it
	dir  *os.File // root, opened, where the caller keeps it open; else nil
	name string   // in root; "" while it has none
}

// NewTemp makes a file, with perm before the umask, without a name where the system can do that, so
// that a kill leaves nothing, and one with a temporary name elsewhere. The
// caller ends it with Discard, also after Publish.
func NewTemp(root *os.Root, perm fs.FileMode) (*Temp, error) { return NewTempIn(root, nil, perm) }

// NewTempIn is [NewTemp] for a caller that makes many files in root, and keeps
// it open as dir too, which saves opening it for each.
func NewTempIn(root *os.Root, dir *os.File, perm fs.FileMode) (*Temp, error) {
	t := &Temp{root: root, dir: dir}
	if t.File = t.openNameless(perm); t.File != nil {
		return t, nil
	}
	return NewNamedTemp(root, perm)
}

// NewNamedTemp makes a file with a temporary name, locked. A sweep may meet it
// before it is locked and remove it; then another one is made.
func NewNamedTemp(root *os.Root, perm fs.FileMode) (*Temp, error) {
	for {
		t := &Temp{root: root, name: newTempName()}
		var err error
		if t.File, err = root.OpenFile(t.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm); err != nil {
			return nil, err
		}
		// A file system without locks is never swept.
		if locked, err := TryLock(t.File); (locked || err != nil) && stillNamedIn(t.File, root, t.name) {
			return t, nil
		}
		t.Discard()
	}
}

// Publish names the file. Without replace a name that is taken is
// [fs.ErrExist].
func (t *Temp) Publish(name string, replace bool) error {
	switch {
	case t.name == "" && !replace:
		return t.link(name)
	case t.name == "":
		if err := t.linkTemp(); err != nil {
			return err
		}
	}
	if err := moveTo(t.root, t.name, name, replace); err != nil {
		return err
	}
	t.name = ""
	return nil
}

// linkTemp links a nameless file under a temporary name, which it only has until the
// rename that follows. It is locked before it has the name.
func (t *Temp) linkTemp() error {
	_, _ = TryLock(t.File) // where there are no locks there is no sweep
	name := newTempName()
	if err := t.link(name); err != nil {
		return err
	}
	t.name = name
	return nil
}

// moveTo renames a temporary name.
func moveTo(root *os.Root, temp, name string, replace bool) error {
	if replace {
		return root.Rename(temp, name)
	}
	return moveNew(root, temp, name)
}

// moveNew renames unless the new name is taken: in one step where the system
// can, else by a second name, else, on file systems that have neither, after a
// look.
func moveNew(root *os.Root, temp, name string) error {
	err := renameNew(root, temp, name)
	if !Unsupported(err) {
		return err
	}
	err = root.Link(temp, name)
	if err == nil {
		return Remove(root, temp)
	}
	if !Unsupported(err) {
		return err
	}
	if _, err := root.Lstat(name); err == nil {
		return fs.ErrExist
	}
	return root.Rename(temp, name)
}

// Discard closes the file and removes its temporary name, if it has one.
func (t *Temp) Discard() {
	if t.name != "" {
		_ = Remove(t.root, t.name) // what cannot be removed is swept later; it is locked meanwhile
	}
	_ = t.File.Close() // the file is discarded
}

// Sweep removes the temporary files that killed processes left in root. Those
// that a process holds, and what cannot be removed, stay.
func Sweep(root *os.Root) {
	d, err := root.Open(".")
	if err != nil {
		return
	}
	defer func() { _ = d.Close() }() // it was only read
	for {
		names, err := d.Readdirnames(1024)
		for _, name := range names {
			if IsTempName(name) {
				sweepOne(root, name)
			}
		}
		if err != nil {
			return
		}
	}
}

// SweepPath is [Sweep] for the directory at a path.
func SweepPath(dir string) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return // what is written there will say so
	}
	defer root.Close()
	Sweep(root)
}

func sweepOne(root *os.Root, name string) {
	f, err := OpenRegularIn(root, name, os.O_RDONLY, 0)
	if err != nil {
		sweepLink(root, name)
		return
	}
	t := &Temp{root: root, File: f, name: name}
	if locked, err := TryLock(f); !locked || err != nil || !stillNamedIn(f, root, name) {
		t.name = ""
	}
	t.Discard()
}
