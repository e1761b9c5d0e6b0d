package restorer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// Destination says where a file goes.
type Destination struct {
	// Path of the file, or of a directory that it goes into under the last part
	// of its recorded path: one that exists, or is named with a separator at
	// the end.
	Path string
	// Base, if not nil, is what Path is relative to and cannot leave. No
	// symbolic link below it is followed.
	Base *os.Root
	// Force replaces what is there. It never writes through a symbolic link.
	Force bool
	// Own, if not nil, returns which names of a directory, at path, are those of the
	// program itself: nothing goes there, whatever Force says.
	Own func(path string, dir fs.FileInfo) func(name string) bool
}

// Check reports what can be said against d before the archive is asked: an
// output that is a special file. A symbolic link may be what the record is. nil
// is no promise.
func (d Destination) Check() error {
	if err := checkNames(d.Path); err != nil {
		return err
	}
	t := d.tree()
	if info, err := t.Stat(d.Path); err == nil && info.IsDir() || endsInSeparator(d.Path) {
		return nil
	}
	if dir, err := t.Stat(filepath.Dir(d.Path)); err == nil && d.Own != nil && d.Own(d.inBase(filepath.Dir(d.Path)), dir)(filepath.Base(d.Path)) {
		return ownFile(d.Path)
	}
	info, err := t.Lstat(d.Path)
	if err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	return (&place{shown: d.Path}).checkType(info, d.Force)
}

// inBase is the path of a directory that is named as Path is.
func (d Destination) inBase(dir string) string {
	if d.Base == nil {
		return dir
	}
	return filepath.Join(d.Base.Name(), dir)
}

// place is where one file goes. Everything is done relative to its opened
// directory, so it stays one directory even if that is moved meanwhile.
type place struct {
	tree  tree
	dir   string                                       // as given, not cleaned: "link/.." is not "."
	name  string                                       // in dir
	shown string                                       // for people
	root  *os.Root                                     // dir, nil while it does not exist
	free  bool                                         // nothing had the name when it was looked up
	kept  *openDir                                     // what root is of, where directories stay open; else nil
	own   func(dir fs.FileInfo) func(name string) bool // nil: no name is the program's
}

// place finds out where the file of r goes.
func (d Destination) place(r *sdk.Record) (*place, error) { return d.placeIn(d.tree(), r) }

func (d Destination) placeIn(t tree, r *sdk.Record) (*place, error) {
	p := &place{tree: t, shown: d.Path}
	if err := checkNames(d.Path); err != nil {
		return nil, err
	}
	p.dir, p.name = filepath.Split(d.Path)
	info, err := p.tree.Lstat(d.Path)
	p.free = errors.Is(err, fs.ErrNotExist)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && r.Type != sdk.Symlink { // else it may be the one that is restored
		info, err = p.tree.Stat(d.Path)
	}
	if err == nil && info.IsDir() || endsInSeparator(d.Path) {
		p.free = false // that was about the directory
		p.dir, p.name = d.Path, path.Base(r.Path)
		p.shown = d.Path + p.name
		if !endsInSeparator(d.Path) {
			p.shown = d.Path + string(filepath.Separator) + p.name
		}
	}
	if p.dir == "" {
		p.dir = "."
	}
	if d.Own != nil {
		p.own = func(dir fs.FileInfo) func(string) bool { return d.Own(d.inBase(p.dir), dir) }
	}
	if err := checkNames(p.name); err != nil {
		return nil, err
	}
	if !filepath.IsLocal(p.name) || p.name == "." || filepath.Base(p.name) != p.name || durable.IsTempName(p.name) {
		return nil, sdk.Errorf(sdk.Invalid, "output %s: %q cannot be the name of a file", p.shown, p.name)
	}
	err = p.open(nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, nil
	case err == nil:
		err = p.refuseOwn()
	}
	if err != nil {
		p.close()
		return nil, p.failed(err)
	}
	return p, nil
}

// refuseOwn refuses a name of the program itself in the directory, which is open: the
// archive that is read, or its journal, which its database would take for true.
func (p *place) refuseOwn() error {
	if p.own == nil {
		return nil
	}
	own, err := p.ownNames()
	if err == nil && own(p.name) {
		err = ownFile(p.shown)
	}
	return err
}

// ownNames returns which names in the directory are the program's. A directory that
// stays open is asked once.
func (p *place) ownNames() (own func(name string) bool, err error) {
	look := func() (func(string) bool, error) {
		dir, err := p.root.Stat(".")
		if err != nil {
			return nil, err
		}
		return p.own(dir), nil
	}
	if p.kept == nil {
		return look()
	}
	p.kept.looked.Do(func() { p.kept.own, p.kept.ownErr = look() })
	return p.kept.own, p.kept.ownErr
}

func ownFile(shown string) error {
	return output.Errorf(output.KindOf(sdk.Refused), "output %s belongs to the archive itself", shown).
		WithHint("choose an output that is no file of the archive, its evidence or its log, in another directory for instance")
}

// open opens the directory.
func (p *place) open(made func(parent string) error) (err error) {
	if open, ok := p.tree.(*openDirs); ok {
		if p.kept, err = open.take(p.dir, made != nil); err == nil {
			p.root = p.kept.root
		}
		return err
	}
	p.root, err = p.tree.OpenDir(p.dir, made)
	return err
}

func (p *place) close() {
	switch {
	case p.kept != nil:
		p.kept.release()
	case p.root != nil:
		p.root.Close()
	}
}

// existing is what is there already, nil where the name is free.
func (p *place) existing() (fs.FileInfo, error) {
	if p.root == nil || p.free {
		return nil, nil
	}
	info, err := p.root.Lstat(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// examine looks at what is there already, unless the name was free. It reports
// true if that is a regular file with the bytes of r, whose mode it then sets, and
// a failure of kind OutputExists if it must not be replaced.
func (p *place) examine(ctx context.Context, r *sdk.Record, force bool) (same bool, err error) {
	info, err := p.existing()
	if err != nil || info == nil {
		return false, err
	}
	if err := p.checkType(info, force); err != nil {
		return false, err
	}
	if info.Mode().IsRegular() && info.Size() == r.Content.Size {
		same, err := p.sameBytes(ctx, info, r)
		switch {
		case same:
			return true, nil
		case ctx.Err() != nil:
			return false, sdk.AsError(ctx.Err())
		case err != nil && !force:
			return false, p.refuse(fmt.Sprintf("exists, and whether it is the same cannot be seen (%v)", durable.Cause(err)), forceHint)
		}
	}
	if force {
		return false, nil
	}
	return false, p.refuse("exists with other content", forceHint)
}

const forceHint = "--force replaces it"

// checkType refuses what is never replaced, or not without force.
func (p *place) checkType(info fs.FileInfo, force bool) error {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode&fs.ModeSymlink == 0:
		return p.refuse("is "+durable.FileType(mode), "")
	case force:
		return nil
	}
	return p.refuse("is a symbolic link", forceHint)
}

func (p *place) refuse(why, hint string) error {
	if hint != "" {
		hint = "; " + hint
	}
	return output.Errorf(output.OutputExists, "output %s %s%s", p.shown, why, hint)
}

// failed says that the file could not be written, and names it instead of
// whatever the failed call worked on.
func (p *place) failed(err error) error {
	if e, f := (*sdk.Error)(nil), (*output.Failure)(nil); errors.As(err, &e) || errors.As(err, &f) {
		return err
	}
	return fmt.Errorf("write %s: %w", p.shown, durable.Cause(err))
}

// sameBytes compares a regular file with the content of r, and sets the
// mode of r if it is the same.
func (p *place) sameBytes(ctx context.Context, info fs.FileInfo, r *sdk.Record) (bool, error) {
	f, err := durable.OpenRegularIn(p.root, p.name, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // it was only read
	opened, err := f.Stat()
	if err != nil || !os.SameFile(info, opened) {
		return false, err
	}
	sum := sha256.New()
	if _, err := spool.Copy(ctx, sum, f); err != nil {
		return false, err
	}
	if sdk.Digest(sum.Sum(nil)) != r.Content.SHA256 {
		return false, nil
	}
	if mode := fs.FileMode(r.Mode).Perm(); opened.Mode().Perm() != mode {
		if err := f.Chmod(mode); err != nil {
			return false, err
		}
	}
	return true, nil
}

// makeDirs makes the directory and those above it, and makes their names
// durable.
func (p *place) makeDirs() error {
	if p.root != nil {
		return nil
	}
	err := p.open(p.tree.Sync)
	if err == nil {
		err = p.refuseOwn()
	}
	if err != nil {
		return p.failed(err)
	}
	return nil
}

// sync makes the file's name durable.
func (p *place) sync() error {
	if err := durable.SyncRoot(p.root); err != nil {
		return p.unsynced(err)
	}
	return nil
}

func (p *place) unsynced(err error) error {
	return fmt.Errorf("%s is there, but perhaps not after a crash: %w", p.shown, err)
}
