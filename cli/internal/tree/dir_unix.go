//go:build unix

package tree

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// Dir is an opened directory below which names are looked up without following
// a symbolic link.
type Dir struct {
	path string
	fd   int
}

// noFollow opens what a path itself names, and does not wait for the other end
// of a pipe.
const noFollow = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC

// openDir opens the directory that path itself names.
func openDir(path string) (*Dir, error) {
	fd, err := openat(unix.AT_FDCWD, path, noFollow|unix.O_DIRECTORY)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &Dir{path, fd}, nil
}

func (d *Dir) close() error { return unix.Close(d.fd) }

// open opens what name itself names, which may be anything.
func (d *Dir) open(name string) (*os.File, error) {
	fd, err := openBeneath(d.fd, name, noFollow)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: d.join(name), Err: err}
	}
	return os.NewFile(uintptr(fd), d.join(name)), nil
}

// readlink returns the text of a symbolic link.
func (d *Dir) readlink(name string) (text string, err error) {
	err = d.in(name, func(parent int, base string) error {
		for size := 256; ; size *= 2 {
			buf := make([]byte, size)
			n, err := unix.Readlinkat(parent, base, buf)
			if err != nil || n < size {
				text = string(buf[:max(n, 0)])
				return err
			}
		}
	})
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: d.join(name), Err: err}
	}
	return text, nil
}

// lstat describes what name itself names.
func (d *Dir) lstat(name string) (fs.FileInfo, error) {
	fd, err := openBeneath(d.fd, name, lookOnly)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: d.join(name), Err: err}
	}
	f := os.NewFile(uintptr(fd), d.join(name))
	defer func() { _ = f.Close() }() // it was only read
	return f.Stat()
}

// join returns the path of a name below d.
func (d *Dir) join(name string) string { return filepath.Join(d.path, name) }

// removeDir removes a directory that is empty.
func (d *Dir) removeDir(name string) error {
	err := d.in(name, func(parent int, base string) error { return unix.Unlinkat(parent, base, unix.AT_REMOVEDIR) })
	if err != nil {
		return &fs.PathError{Op: "remove", Path: d.join(name), Err: err}
	}
	return nil
}

// openParent opens the directory of a path, which may be named by a link.
func openParent(path string) (*Dir, error) { return openDir(filepath.Dir(path) + "/.") }

// parent opens the directory that holds name.
func (d *Dir) parent(name string) (*Dir, error) {
	dir := path.Dir(name)
	fd, err := openBeneath(d.fd, dir, noFollow|unix.O_DIRECTORY)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: d.join(dir), Err: err}
	}
	return &Dir{d.join(dir), fd}, nil
}

// move gives a file of the directory another name.
func (d *Dir) move(name, to string) error {
	if err := unix.Renameat(d.fd, name, d.fd, to); err != nil {
		return &fs.PathError{Op: "rename", Path: d.join(name), Err: err}
	}
	return nil
}

// unlink removes a file of the directory.
func (d *Dir) unlink(name string) error {
	if err := unix.Unlinkat(d.fd, name, 0); err != nil {
		return &fs.PathError{Op: "remove", Path: d.join(name), Err: err}
	}
	return nil
}

// moveNew is move to a name that nothing has.
func (d *Dir) moveNew(name, to string) error {
	err := unix.Linkat(d.fd, name, d.fd, to, 0)
	if err == nil {
		return d.unlink(name)
	}
	if !durable.Unsupported(err) {
		return err
	}
	var there unix.Stat_t
	if unix.Fstatat(d.fd, to, &there, unix.AT_SYMLINK_NOFOLLOW) == nil {
		return fs.ErrExist
	}
	return unix.Renameat(d.fd, name, d.fd, to)
}

// in calls do with the directory that holds name, and name's last element.
func (d *Dir) in(name string, do func(parent int, base string) error) error {
	parent, err := openBeneath(d.fd, path.Dir(name), noFollow|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(parent) }() // a directory: nothing is written through it
	return do(parent, path.Base(name))
}

// openStepwise opens name below dir one element at a time.
func openStepwise(dir int, name string, flags int) (int, error) {
	at := dir
	for {
		element, rest, more := strings.Cut(name, "/")
		step := flags
		if more {
			step = noFollow | unix.O_DIRECTORY
		}
		fd, err := openat(at, element, step)
		if at != dir {
			_ = unix.Close(at) // a directory: nothing is written through it
		}
		if err != nil || !more {
			return fd, err
		}
		at, name = fd, rest
	}
}

func openat(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}
