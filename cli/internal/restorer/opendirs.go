package restorer

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// maxOpenDirs bounds the directories that stay open while no file needs them.
const maxOpenDirs = 128

// openDirs is a tree whose directories stay open: each is opened once for the
// files that go into it. Its methods may be called from several goroutines.
type openDirs struct {
	of tree

	mu       sync.Mutex
	dirs     map[string]*openDir
	unsynced map[string]device // directories that got a new directory, whose name is not durable yet
}

// device is the number of a file system, where it is known.
type device struct {
	number uint64
	known  bool
}

// openDir is a directory that is open.
type openDir struct {
	root *os.Root
	file *os.File // the same directory
	new  bool     // this run made it
	on   device

	looked sync.Once
	own    func(name string) bool // see [Destination.Own]; set by looked, as ownErr is
	ownErr error

	name  string
	in    *openDirs
	users int
}

func newOpenDirs(t tree) *openDirs {
	return &openDirs{of: t, dirs: map[string]*openDir{}, unsynced: map[string]device{}}
}

// take opens a directory, or finds it open. The caller releases it.
func (o *openDirs) take(name string, create bool) (*openDir, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, ok := o.dirs[name]
	if !ok {
		var err error
		if d, err = o.open(name, create); err != nil {
			return nil, err
		}
		o.closeUnused()
		o.dirs[name] = d
	}
	d.users++
	return d, nil
}

func (o *openDirs) open(name string, create bool) (*openDir, error) {
	d := &openDir{name: name, in: o}
	from, above, rest := o.nearest(name)
	var parents []string
	var made func(string) error
	if create {
		made = func(parent string) error {
			if above != "" {
				parent = above + "/" + parent
			}
			parents = append(parents, parent)
			return nil
		}
	}
	err := d.open(from, rest, made)
	d.new = len(parents) > 0
	for _, parent := range parents { // on the same file system, also after an error
		o.unsynced[parent] = d.on
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// nearest returns where the way to a directory begins: the tree, or below a base
// directory the lowest one above it that is open. What is above is the name of
// that, rest the way from there.
func (o *openDirs) nearest(name string) (from tree, above, rest string) {
	if _, ok := o.of.(below); !ok || !filepath.IsLocal(name) {
		return o.of, "", name
	}
	dir := trimSeparators(name)
	if path.Clean(filepath.ToSlash(dir)) != filepath.ToSlash(dir) {
		return o.of, "", name
	}
	for above = path.Dir(filepath.ToSlash(dir)); above != "."; above = path.Dir(above) {
		if open, ok := o.dirs[filepath.FromSlash(above)+string(filepath.Separator)]; ok {
			return below{open.root}, above, dir[len(above)+1:]
		}
	}
	return o.of, "", name
}

func (d *openDir) open(from tree, rest string, made func(string) error) (err error) {
	if d.root, err = from.OpenDir(rest, made); err != nil {
		return err
	}
	if d.file, err = d.root.Open("."); err != nil {
		d.root.Close()
		return err
	}
	d.on.number, d.on.known = durable.Device(d.file)
	return nil
}

// closeUnused makes room.
func (o *openDirs) closeUnused() {
	if len(o.dirs) < maxOpenDirs {
		return
	}
	for name, d := range o.dirs {
		if d.users == 0 {
			d.close()
			delete(o.dirs, name)
		}
	}
}

func (d *openDir) release() {
	d.in.mu.Lock()
	defer d.in.mu.Unlock()
	d.users--
}

func (d *openDir) close() {
	_ = d.file.Close() // a directory: nothing is written through it
	d.root.Close()
}

// closeAll closes the directories. None may be in use.
func (o *openDirs) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range o.dirs {
		d.close()
	}
	clear(o.dirs)
}

// takeUnsynced returns the directories with names of directories that are not
// durable yet. The caller syncs them, or returns them to [openDirs.keepUnsynced].
func (o *openDirs) takeUnsynced() map[string]device {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.unsynced
	o.unsynced = map[string]device{}
	return taken
}

func (o *openDirs) keepUnsynced(name string, on device) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unsynced[name] = on
}

// Lstat looks at a name. A path that ends in a separator, or in "." or "..", is a
// directory's and looked up as such.
func (o *openDirs) Lstat(name string) (fs.FileInfo, error) {
	dir, last := filepath.Split(name)
	if last == "" || last == "." || last == ".." {
		return o.of.Lstat(name)
	}
	if dir == "" {
		dir = "."
	}
	d, err := o.take(dir, false)
	if err != nil {
		return nil, err
	}
	defer d.release()
	return d.root.Lstat(last)
}

// Stat looks at what a name leads to.
func (o *openDirs) Stat(name string) (fs.FileInfo, error) {
	info, err := o.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return o.of.Stat(name)
	}
	return info, err
}

// OpenDir opens a directory that the caller closes.
func (o *openDirs) OpenDir(name string, made func(string) error) (*os.Root, error) {
	return o.of.OpenDir(name, made)
}

// Sync makes the names in a directory durable.
func (o *openDirs) Sync(name string) error { return o.of.Sync(name) }
