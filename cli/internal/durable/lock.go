package durable

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"
)

// Lock opens path with flag and perm, as [OpenRegular], and locks the file,
// waiting at most wait. The lock ends when the file is closed, by this process
// or by its end.
func Lock(path string, flag int, perm fs.FileMode, wait time.Duration) (*os.File, error) {
	deadline := time.Now().Add(wait)
	for pause := 200 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		f, err := OpenRegular(path, flag, perm)
		if err != nil {
			return nil, err
		}
		ok, err := TryLock(f)
		if ok && StillNamed(f, path) {
			return f, nil
		}
		_ = f.Close() // another process has the lock, or the file has lost its name
		switch {
		case err != nil:
			return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
		case time.Now().After(deadline):
			return nil, fmt.Errorf("lock %s: another process has held it for %v", path, wait)
		}
		// Half of the pause is random, so that processes which started together
		// do not ask together.
		time.Sleep(pause/2 + rand.N(pause/2))
	}
}

// StillNamed reports whether path names f: another process may have removed the
// file between open and lock.
func StillNamed(f *os.File, path string) bool {
	named, err := os.Lstat(path)
	return err == nil && isFile(f, named)
}

func stillNamedIn(f *os.File, root *os.Root, name string) bool {
	named, err := root.Lstat(name)
	return err == nil && isFile(f, named)
}

func isFile(f *os.File, named fs.FileInfo) bool {
	opened, err := f.Stat()
	return err == nil && os.SameFile(opened, named)
}
