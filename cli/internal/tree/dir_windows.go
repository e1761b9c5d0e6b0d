package tree

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// Dir is an opened directory below which names are looked up. No link leads out
// of it.
type Dir struct {
	path string
	root *os.Root
}

// noFollow: no flag is needed; what is opened is looked at afterwards.
const noFollow = os.O_RDONLY

// openDir opens the directory that path itself names.
func openDir(path string) (*Dir, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	if opened, err := root.Stat("."); err != nil || !os.SameFile(before, opened) {
		root.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return &Dir{path, root}, nil
}

func (d *Dir) close() error { return d.root.Close() }

func (d *Dir) open(name string) (*os.File, error) { return d.root.Open(name) }

func (d *Dir) readlink(name string) (string, error) { return d.root.Readlink(name) }

func (d *Dir) lstat(name string) (fs.FileInfo, error) { return d.root.Lstat(name) }

// removeDir removes a directory that is empty.
func (d *Dir) removeDir(name string) error { return durable.Remove(d.root, name) }

// openParent opens the directory of a path, which may be named by a link.
func openParent(path string) (*Dir, error) {
	dir := filepath.Dir(path)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Dir{dir, root}, nil
}

// parent opens the directory that holds name.
func (d *Dir) parent(name string) (*Dir, error) {
	dir := path.Dir(name)
	root, err := d.root.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Dir{d.join(dir), root}, nil
}

// join returns the path of a name below d.
func (d *Dir) join(name string) string { return filepath.Join(d.path, name) }

// move gives a file of the directory another name.
func (d *Dir) move(name, to string) error { return d.root.Rename(name, to) }

// unlink removes a file of the directory.
func (d *Dir) unlink(name string) error { return durable.Remove(d.root, name) }

// moveNew is move to a name that nothing has.
func (d *Dir) moveNew(name, to string) error {
	if _, err := d.root.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return d.root.Rename(name, to)
}
