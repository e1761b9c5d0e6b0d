package plugin

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/gofrs/flock"
)

// Lengths of socket paths, in bytes.
const (
	maxSocketPath = 103 // macOS has 104 with the NUL, Linux 108
	socketTail    = 38  // what go-plugin appends at most: /plugin-dir4294967295/plugin4294967295
	ownTail       = 12  // what newSocketDir appends at most: /s4294967295
)

// socketDir is a private directory for the socket of one process. It is in
// a directory of the user's own, base/codex-UID, beside those of other hosts,
// and holds a lock for as long as this host lives, which is how a later host
// knows whether it may be swept.
type socketDir struct {
	path string
	lock *flock.Flock
}

// lockName of the file in each socketDir that its host has locked.
const lockName = "lock"

// newSocketDir makes one. base is where; empty chooses a short place.
func newSocketDir(base string) (*socketDir, error) {
	parent, err := socketParent(base)
	if err != nil {
		return nil, err
	}
	sweep(parent)
	for range 100 {
		path, err := os.MkdirTemp(parent, "s")
		if err != nil {
			return nil, err
		}
		d := &socketDir{path: path, lock: flock.New(filepath.Join(path, lockName))}
		if d.hold() {
			return d, nil
		}
		d.remove() // a sweep came between making and locking it
	}
	return nil, fmt.Errorf("make a socket directory in %s: others keep removing it", parent)
}

// hold locks d and makes sure that it was not swept meanwhile.
func (d *socketDir) hold() bool {
	locked, err := d.lock.TryLock()
	if err != nil || !locked {
		return false
	}
	ours, err := d.lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(d.lock.Path())
	return err == nil && os.SameFile(ours, there)
}

// remove may be called several times.
func (d *socketDir) remove() {
	_ = d.lock.Close()       // its lock ends with it in any case
	_ = os.RemoveAll(d.path) // the next program that starts sweeps it
}

// socketParent returns the user's directory under base, made if need be.
func socketParent(base string) (string, error) {
	if base != "" {
		return ownParent(base)
	}
	var last error
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		if !filepath.IsAbs(base) {
			continue
		}
		parent, err := ownParent(base)
		if err == nil {
			return parent, nil
		}
		last = err
	}
	return "", last
}

// ownParent makes base/codex-UID, or refuses one that others could change.
func ownParent(base string) (string, error) {
	parent := filepath.Join(base, "codex-"+strconv.Itoa(os.Getuid()))
	if runtime.GOOS != "windows" && len(parent)+ownTail+socketTail > maxSocketPath {
		return "", fmt.Errorf("%s is too long for a socket's path (%d bytes at most): set TMPDIR or XDG_RUNTIME_DIR to a shorter one", base, maxSocketPath-(len(parent)-len(base))-ownTail-socketTail)
	}
	if err := os.Mkdir(parent, 0o700); err != nil && !os.IsExist(err) {
		return "", err
	}
	info, err := os.Lstat(parent)
	switch {
	case err != nil:
		return "", err
	case !info.IsDir() || !ownedByUs(info) || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s is not a private directory of this user: remove it", parent)
	}
	return parent, nil
}

// CleanSockets removes what hosts that were killed left behind under base
// (empty: where [Launch] puts it by default). Launch does so by itself; what a
// living host uses is never touched.
func CleanSockets(base string) error {
	parent, err := socketParent(base)
	if err != nil {
		return err
	}
	sweep(parent)
	return nil
}

// sweep removes the directories in parent whose host is gone: those whose lock
// can be had, and those that are older than a minute and have no lock.
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return // the directory itself will be complained about by who needs it
	}
	for _, entry := range entries {
		path := filepath.Join(parent, entry.Name())
		lock := filepath.Join(path, lockName)
		if _, err := os.Lstat(lock); err != nil {
			if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > time.Minute {
				_ = os.RemoveAll(path) // the next program that starts tries again
			}
			continue
		}
		d := &socketDir{path: path, lock: flock.New(lock, flock.SetFlag(os.O_RDWR))}
		if locked, err := d.lock.TryLock(); err != nil || !locked {
			continue
		}
		_ = os.RemoveAll(path)         // the next program that starts tries again
		_ = d.lock.Close()             // its lock ends with it in any case
		if runtime.GOOS == "windows" { // where the opened lock was kept
			_ = os.RemoveAll(path) // the next program that starts tries again
		}
	}
}
