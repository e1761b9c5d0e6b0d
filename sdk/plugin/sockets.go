package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

// newSocketDir makes one. base is where; empty takes the first short place that has
// room.
func newSocketDir(base string) (*socketDir, error) {
	var first error
	for _, base := range socketBases(base) {
		d, err := newSocketDirIn(base)
		if err == nil {
			return d, nil
		}
		if first == nil {
			first = fmt.Errorf("make a directory for its socket: %w; XDG_RUNTIME_DIR or TMPDIR names another place", err)
		}
	}
	return nil, first
}

func newSocketDirIn(base string) (*socketDir, error) {
	parent, err := ownParent(base)
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
		held, err := d.hold()
		if held {
			return d, nil
		}
		d.remove()
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // else a sweep came between making and locking it
			return nil, err
		}
	}
	return nil, fmt.Errorf("make a socket directory in %s: others keep removing it", parent)
}

// hold locks d and makes sure that it was not swept meanwhile.
func (d *socketDir) hold() (bool, error) {
	locked, err := d.lock.TryLock()
	if err != nil || !locked {
		return false, err
	}
	ours, err := d.lock.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(d.lock.Path())
	return err == nil && os.SameFile(ours, there), err
}

// remove may be called several times.
func (d *socketDir) remove() {
	_ = d.lock.Close()       // its lock ends with it in any case
	_ = os.RemoveAll(d.path) // the next program that starts sweeps it
}

// socketBases are the places for the user's directory, the best one first: base
// alone, if it is not empty.
func socketBases(base string) (bases []string) {
	if base != "" {
		return []string{base}
	}
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		if filepath.IsAbs(base) && !slices.Contains(bases, base) {
			bases = append(bases, base)
		}
	}
	return bases
}

// ownParent makes base/codex-UID, or refuses one that others could change.
func ownParent(base string) (string, error) {
	parent := filepath.Join(base, "codex-"+strconv.Itoa(os.Getuid()))
	if runtime.GOOS != "windows" && len(parent)+ownTail+socketTail > maxSocketPath {
		return "", fmt.Errorf("%s is too long for a socket's path (%d bytes at most)", base, maxSocketPath-(len(parent)-len(base))-ownTail-socketTail)
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
// (empty: wherever [Launch] puts it by default). Launch does so by itself; what a
// living host uses is never touched.
func CleanSockets(base string) error {
	var errs []error
	for _, base := range socketBases(base) {
		parent, err := ownParent(base)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		sweep(parent)
	}
	return errors.Join(errs...)
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
