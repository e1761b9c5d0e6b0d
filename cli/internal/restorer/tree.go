package restorer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// tree is where a destination is looked up: the file system, or what is below a
// base directory.
type tree interface {
	// Stat follows symbolic links where the tree does.
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	// OpenDir opens a directory. With made not nil it makes what is missing of it,
	// and tells made in which directory there is a new name.
	OpenDir(name string, made func(parent string) error) (*os.Root, error)
	// Sync makes the names in a directory durable.
	Sync(name string) error
}

func (d Destination) tree() tree {
	if d.Base != nil {
		return below{d.Base}
	}
	return everywhere{}
}

// everywhere is the file system. A path leads where its links lead.
type everywhere struct{}

func (everywhere) Stat(name string) (fs.FileInfo, error)  { return os.Stat(name) }
func (everywhere) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }

func (everywhere) Sync(name string) error { return durable.SyncPath(name) }

func (e everywhere) OpenDir(name string, made func(parent string) error) (*os.Root, error) {
	root, err := os.OpenRoot(name)
	if made == nil || !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	missing := e.missing(name)
	if err := os.MkdirAll(name, 0o777); err != nil {
		return nil, err
	}
	for _, dir := range missing {
		up, _ := filepath.Split(dir)
		if up == "" {
			up = "."
		}
		if err := made(up); err != nil {
			return nil, err
		}
	}
	return os.OpenRoot(name)
}

// missing returns the directories that do not exist yet, lowest first.
func (everywhere) missing(name string) (dirs []string) {
	for dir := trimSeparators(name); dir != ""; {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		dirs = append(dirs, dir)
		up, _ := filepath.Split(dir)
		dir = trimSeparators(up)
	}
	return dirs
}

// below is what is below a directory. No symbolic link is followed there, so
// that none which was restored leads a later file elsewhere.
type below struct{ base *os.Root }

func (b below) Stat(name string) (fs.FileInfo, error) { return b.Lstat(name) }

func (b below) Lstat(name string) (fs.FileInfo, error) {
	dir, last := filepath.Split(trimSeparators(name))
	root, err := b.OpenDir(dir, nil)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if last == "" {
		last = "."
	}
	return root.Lstat(last)
}

func (b below) Sync(name string) error {
	root, err := b.OpenDir(name, nil)
	if err != nil {
		return err
	}
	defer root.Close()
	return durable.SyncRoot(root)
}

func (b below) OpenDir(name string, made func(parent string) error) (*os.Root, error) {
	if !filepath.IsLocal(name) && name != "" {
		return nil, sdk.Errorf(sdk.Refused, "output directory %s leads out of the base directory", name)
	}
	root, err := b.base.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	at := "."
	for part := range strings.SplitSeq(filepath.ToSlash(name), "/") {
		if part == "" || part == "." {
			continue
		}
		next, isNew, err := step(root, part, made != nil)
		if err == nil && isNew {
			err = made(at)
		}
		at += "/" + part
		root.Close()
		if refused := (*durable.NotRegularError)(nil); errors.As(err, &refused) && refused.Mode&fs.ModeSymlink != 0 {
			return nil, sdk.Errorf(sdk.Refused, "output directory %s: %q is a symbolic link, and none is followed below the base directory", name, part)
		}
		if err != nil {
			if next != nil {
				next.Close()
			}
			return nil, err
		}
		root = next
	}
	return root, nil
}

// step opens the directory name in root, and not what a link of that name leads
// to. It reports whether it made the directory.
func step(root *os.Root, name string, create bool) (next *os.Root, made bool, err error) {
	if name == ".." {
		return nil, false, sdk.Errorf(sdk.Refused, "no .. is followed below the base directory")
	}
	info, err := root.Lstat(name)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err := root.Mkdir(name, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, false, err
		}
		made = true // or by another process just now
		info, err = root.Lstat(name)
	}
	if err != nil {
		return nil, false, err
	}
	if !info.IsDir() {
		return nil, false, wrongType(name, info.Mode())
	}
	next, err = root.OpenRoot(name)
	if err != nil {
		return nil, false, err
	}
	// OpenRoot follows links: what it opened must be what was looked at.
	if opened, err := next.Stat("."); err != nil || !os.SameFile(info, opened) {
		next.Close()
		return nil, false, errors.Join(err, wrongType(name, fs.ModeSymlink))
	}
	return next, made, nil
}

func wrongType(name string, mode fs.FileMode) error {
	if mode&fs.ModeSymlink != 0 {
		return &durable.NotRegularError{Path: name, Mode: mode}
	}
	return &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
}

func endsInSeparator(path string) bool {
	return path != "" && os.IsPathSeparator(path[len(path)-1])
}

func trimSeparators(dir string) string {
	for endsInSeparator(dir) {
		dir = dir[:len(dir)-1]
	}
	return dir
}
