//go:build unix

package config

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// openFlags keeps open from waiting for the other end of a named pipe.
const openFlags = syscall.O_NONBLOCK

func ownerOf(info fs.FileInfo) (uid uint32, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return stat.Uid, true
}

// foreignOwner names the owner of info's file if that is another user than the
// one this process acts for.
func foreignOwner(info fs.FileInfo) string {
	uid, ok := ownerOf(info)
	if !ok || int(uid) == os.Geteuid() {
		return ""
	}
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}

// checkPrivate returns a check that fails if others could have written the file
// of a secret, or can read it. A secret that is mounted read-only (0440, 0444), or
// that root owns, may be readable, if its directory is not writable by all.
func checkPrivate(secret string) fileCheck {
	return func(path string, info fs.FileInfo) error { return private(secret, path, info) }
}

func private(secret, path string, info fs.FileInfo) error {
	mode := info.Mode().Perm()
	if mode&0o022 != 0 {
		return fmt.Errorf("found mode %04o, allowed 0600 or less: others can change %s", mode, secret)
	}
	if mode&0o077 == 0 {
		return nil
	}
	uid, ok := ownerOf(info)
	mounted := mode == 0o440 || mode == 0o444
	if !mounted && !(ok && uid == 0 && os.Geteuid() != 0) {
		return fmt.Errorf("found mode %04o, allowed 0600 or less, or 0440 or 0444 for a mounted secret: others can read %s", mode, secret)
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return durable.Cause(err)
	}
	if dir.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("found mode %04o in a directory that all users can write, allowed 0600 or less there", mode)
	}
	return nil
}

// checkUnwritable fails if all users can write a file.
func checkUnwritable(_ string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o002 != 0 {
		return fmt.Errorf("found mode %04o, allowed one that not all users can write", mode)
	}
	return nil
}

// readableBy reports whether the user who owns the directory root can read the
// file at path, without the rights of a group: that user's file, or one that
// all can read, in directories that all, or that user, can search.
func readableBy(root, path string) bool {
	info, err := os.Stat(root)
	if err != nil {
		return false
	}
	uid, ok := ownerOf(info)
	if !ok {
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil || !hasRight(real, uid, 0o4) {
		return false
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		if !hasRight(dir, uid, 0o1) {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

func hasRight(path string, uid uint32, right fs.FileMode) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	owner, ok := ownerOf(info)
	if ok && owner == uid {
		return info.Mode().Perm()&(right<<6) != 0
	}
	return info.Mode().Perm()&right != 0
}
