package durable

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ScratchDir is a directory for temporary files that is its process's own. A lock in
// it says that the process lives: what a killed one left behind is removed by the
// next.
type ScratchDir struct {
	Path string // of the directory, empty at first, that only this user can read

	whole string // what is removed: Path and the lock
	lock  *os.File
}

const (
	scratchLock  = "lock"  // the file that the process has locked
	scratchFiles = "files" // the directory at Path
	// unlockedAge is when a directory without a lock was left behind for sure: a
	// process makes it, and then the lock in it.
	unlockedAge = time.Hour
)

// NewScratchDir makes a directory whose name begins with prefix, and removes those
// of that prefix that were left behind.
func NewScratchDir(prefix string) (*ScratchDir, error) {
	sweepScratch(os.TempDir(), prefix)
	for {
		d := &ScratchDir{}
		var err error
		held := false
		if d.whole, err = os.MkdirTemp("", prefix); err != nil {
			return nil, InTempDir(err)
		}
		d.Path = filepath.Join(d.whole, scratchFiles)
		lock := filepath.Join(d.whole, scratchLock)
		if d.lock, err = openFile(lock, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			locked, unable := TryLock(d.lock)
			held = locked || unable != nil // a file system without locks is never swept
			err = os.Mkdir(d.Path, 0o700)
		}
		if err == nil && held && StillNamed(d.lock, lock) {
			return d, nil
		}
		d.Remove()
		if err != nil && !os.IsNotExist(err) { // else a sweep came between making and locking it
			return nil, InTempDir(err)
		}
	}
}

// Remove removes the directory with all that is in it.
func (d *ScratchDir) Remove() {
	if d.lock != nil {
		_ = d.lock.Close() // only its lock counts
	}
	_ = os.RemoveAll(d.whole) // what stays is swept later
}

// sweepScratch removes the directories in dir that killed processes of this user have
// left behind.
func sweepScratch(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // what is made there will say so
	}
	for _, entry := range entries {
		if info, err := entry.Info(); strings.HasPrefix(entry.Name(), prefix) && err == nil && info.IsDir() && ownedByUs(info) {
			sweepOneScratch(filepath.Join(dir, entry.Name()), info)
		}
	}
}

func sweepOneScratch(path string, info fs.FileInfo) {
	lock, err := OpenRegular(filepath.Join(path, scratchLock), os.O_RDWR, 0)
	switch {
	case err == nil:
		locked, err := TryLock(lock)
		if err == nil && locked {
			_ = os.RemoveAll(filepath.Join(path, scratchFiles)) // what cannot be removed is swept later
		}
		_ = lock.Close() // only its lock counts; where an open file cannot be removed, it is open no more
		if err == nil && locked {
			_ = os.RemoveAll(path) // the same
		}
	case os.IsNotExist(err) && time.Since(info.ModTime()) > unlockedAge:
		_ = os.RemoveAll(path) // the same
	}
}
