package archive

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// tempPrefix begins the names of temporary files; 16 hex digits follow.
const tempPrefix = ".codex-restore-"

const tempDigits = 16

// isTempName reports whether name is one that a sweep may remove.
func isTempName(name string) bool {
	digits, ok := strings.CutPrefix(name, tempPrefix)
	return ok && len(digits) == tempDigits && strings.Trim(digits, "0123456789abcdef") == ""
}

func newTempName() string {
	var b [tempDigits / 2]byte
	rand.Read(b[:]) // never fails: it ends the process instead
	return tempPrefix + hex.EncodeToString(b[:])
}

// temp is a file that is being made in the directory where it will stand.
type temp struct {
	root *os.Root // the directory; not ours to close
	f    *os.File
	name string // in root; "" while it has none
}

// newTemp makes a file without a name where the system can do that, so that a
// kill leaves nothing, and one with a temporary name elsewhere.
func newTemp(root *os.Root) (*temp, error) {
	if f := openNameless(root); f != nil {
		return &temp{root: root, f: f}, nil
	}
	return newNamed(root)
}

// newNamed makes a file with a temporary name, locked. A sweep may meet it
// before it is locked and take it away; then another one is made.
func newNamed(root *os.Root) (*temp, error) {
	for {
		t := &temp{root: root, name: newTempName()}
		var err error
		if t.f, err = root.OpenFile(t.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return nil, err
		}
		if lockTemp(t.f) && t.named(t.name) {
			return t, nil
		}
		t.discard()
	}
}

// named reports whether name still is t.
func (t *temp) named(name string) bool {
	mine, err1 := t.f.Stat()
	there, err2 := t.root.Lstat(name)
	return err1 == nil && err2 == nil && os.SameFile(mine, there)
}

// finish gives the file the mode and time of r and syncs it. What a file
// system without modes or times cannot keep becomes a warning.
func (t *temp) finish(r *sdk.Record, done *Restored) error {
	mode := fs.FileMode(r.Mode).Perm()
	if err := t.f.Chmod(mode); err != nil {
		if !unsupported(err) {
			return err
		}
		done.Warnings = append(done.Warnings, fmt.Sprintf("%s: mode %04o could not be kept: %v", done.Path, mode, err))
	}
	if !r.ModTime.IsZero() {
		if err := t.setTime(r.ModTime); err != nil {
			if !unsupported(err) {
				return err
			}
			done.Warnings = append(done.Warnings, fmt.Sprintf("%s: time could not be kept: %v", done.Path, err))
		}
	}
	return t.f.Sync()
}

// publish gives the file its name. Without replace a name that is taken is
// [fs.ErrExist].
func (t *temp) publish(name string, replace bool) error {
	switch {
	case t.name == "" && !replace:
		return t.link(name)
	case t.name == "":
		if err := t.linkTemp(); err != nil {
			return err
		}
	}
	if closeToRename {
		if err := t.f.Close(); err != nil {
			return err
		}
	}
	if replace {
		if err := t.root.Rename(t.name, name); err != nil {
			return err
		}
		t.name = ""
		return nil
	}
	if err := t.moveNew(name); err != nil {
		return err
	}
	t.name = ""
	return nil
}

// linkTemp gives a nameless file a temporary name, which only lives until the
// rename that follows. The lock is there before the name is.
func (t *temp) linkTemp() error {
	lockTemp(t.f)
	name := newTempName()
	if err := t.link(name); err != nil {
		return err
	}
	t.name = name
	return nil
}

// moveNew renames t to name unless that is taken: in one step where the system
// can, else by a second name, else, on file systems that have neither, after a
// look.
func (t *temp) moveNew(name string) error {
	err := renameNew(t.root, t.name, name)
	if !unsupported(err) {
		return err
	}
	err = t.root.Link(t.name, name)
	if err == nil {
		return t.root.Remove(t.name)
	}
	if !unsupported(err) {
		return err
	}
	if _, err := t.root.Lstat(name); err == nil {
		return fs.ErrExist
	}
	return t.root.Rename(t.name, name)
}

// discard closes the file and removes its temporary name, if it has one.
func (t *temp) discard() {
	if t.name != "" && !closeToRename {
		t.root.Remove(t.name) // while it is locked
	}
	t.f.Close()
	if t.name != "" && closeToRename {
		t.root.Remove(t.name)
	}
}

// sweep removes what killed restores left in the directory of p, once for each
// Restorer. What cannot be removed is no reason to fail.
func (rs *Restorer) sweep(p *place) {
	if !rs.first(p.dir) {
		return
	}
	d, err := p.root.Open(".")
	if err != nil {
		return
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(1024)
		for _, name := range names {
			if isTempName(name) {
				sweepOne(p.root, name)
			}
		}
		if err != nil {
			return
		}
	}
}

// first reports whether dir was not swept yet.
func (rs *Restorer) first(dir string) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.swept[dir] {
		return false
	}
	if rs.swept == nil || len(rs.swept) == maxSwept {
		rs.swept = map[string]bool{}
	}
	rs.swept[dir] = true
	return true
}

// sweepOne removes a temporary file that nobody has in use.
func sweepOne(root *os.Root, name string) {
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	f, err := root.OpenFile(name, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return
	}
	t := &temp{root: root, f: f, name: name}
	if !orphaned(f) || !t.named(name) {
		t.name = ""
	}
	t.discard()
}
