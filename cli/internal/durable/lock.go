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
		if ok && stillNamed(f, path) {
			return f, nil
		}
		f.Close()
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

// stillNamed reports whether path names f: another process may have removed the
// file between open and lock.
func stillNamed(f *os.File, path string) bool {
	opened, err1 := f.Stat()
	named, err2 := os.Lstat(path)
	return err1 == nil && err2 == nil && os.SameFile(opened, named)
}

// StillNamed reports whether name in root is f.
func StillNamed(f *os.File, root *os.Root, name string) bool {
	opened, err1 := f.Stat()
	named, err2 := root.Lstat(name)
	return err1 == nil && err2 == nil && os.SameFile(opened, named)
}
