package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"
)

// lockWait is how long Append waits for other processes. The lock is held for
// a write and nothing else, well below a millisecond, so whoever waits this
// long waits for a process that was stopped.
const lockWait = 30 * time.Second

// openFile opens a regular file for reading and writing, and creates it with
// mode 0600 where create says so. Whatever else stands under path is an error,
// and is not opened where that could be felt (a device, a pipe).
func openFile(path string, create int) (*os.File, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path, info.Mode())
	}
	f, err := os.OpenFile(path, os.O_RDWR|create|openFlags, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = notRegular(path, info.Mode())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func notRegular(path string, mode fs.FileMode) error {
	what := "not a regular file"
	switch {
	case mode&fs.ModeSymlink != 0:
		what = "a symbolic link"
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "a pipe"
	}
	return &fs.PathError{Op: "open", Path: path, Err: errors.New("is " + what)}
}

// lockFile opens path, creating it, and locks it, waiting at most wait. The
// lock ends when the file is closed, by us or by the end of the process.
func lockFile(path string, wait time.Duration) (*os.File, error) {
	deadline := time.Now().Add(wait)
	for pause := 200 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		f, err := openFile(path, os.O_CREATE)
		if err != nil {
			return nil, err
		}
		ok, err := lockOpened(f, path)
		if ok {
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

// lockOpened tries to lock f and reports whether that worked and f still is
// what path names: somebody may have removed it between open and lock.
func lockOpened(f *os.File, path string) (bool, error) {
	ok, err := tryLock(f)
	if !ok || err != nil {
		return false, err
	}
	return stillNamed(f, path), nil
}

func stillNamed(f *os.File, path string) bool {
	opened, err1 := f.Stat()
	named, err2 := os.Lstat(path)
	return err1 == nil && err2 == nil && os.SameFile(opened, named)
}
