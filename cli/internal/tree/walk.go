package tree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// Selection says what to list.
type Selection struct {
	Paths   []string // files and directories
	List    *List    // more of them; nil: none
	Exclude Patterns // relative to a directory that is walked, else to the path as it was named
	// Tracked says whether git tracks an entry; nil: all entries are taken.
	Tracked   func(context.Context, *Entry) (bool, error)
	Protected []Protected // what is never listed
	// Gone passes over paths that are not there, which [Walk.Gone] returns.
	Gone bool
}

// PathError says why a path cannot be taken, before anything was.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

func (e *PathError) Unwrap() error { return e.Err }

// errProtected is the reason for a path that names a file of the program itself.
var errProtected = errors.New("belongs to the archive itself")

// Walk lists a selection, as often as it is asked to. It may be used from
// several goroutines.
type Walk struct {
	selection Selection
	roots     []root
	repeats   bool // a path may be met twice

	mu        sync.Mutex
	listed    map[string]root // directories that the list named
	gone      []string        // paths that are not there
	protected func() []fs.FileInfo
}

// root is a path that was named. dir is nil for a file.
type root struct {
	path string
	dir  *Dir
}

// Open checks each path of s. An error is of type [*PathError].
func Open(s Selection) (*Walk, error) {
	w := &Walk{selection: s, repeats: s.List != nil, listed: map[string]root{}}
	w.protected = sync.OnceValue(w.findProtected)
	for _, p := range s.Paths {
		r, err := w.root(p)
		if w.passOver(p, err) {
			continue
		}
		if err != nil {
			_ = w.Close() // only directories are open
			return nil, &PathError{p, err}
		}
		w.roots = append(w.roots, r)
	}
	w.repeats = w.repeats || overlap(s.Paths)
	return w, nil
}

// root opens a path that was named.
func (w *Walk) root(p string) (root, error) {
	info, err := os.Lstat(p)
	switch {
	case err != nil:
		return root{}, durable.Cause(err)
	case info.IsDir():
		dir, err := openDir(filepath.Clean(p))
		return root{filepath.Clean(p), dir}, durable.Cause(err)
	case !info.Mode().IsRegular():
		return root{}, fmt.Errorf("is %s; only regular files and directories can be named", durable.FileType(info.Mode()))
	}
	dir, err := os.Stat(filepath.Dir(p))
	if err != nil {
		return root{}, durable.Cause(err)
	}
	if w.Protects(info) || w.hidden(filepath.Dir(p), dir)(filepath.Base(p)) {
		return root{}, errProtected
	}
	return root{filepath.Clean(p), nil}, nil
}

// passOver notes a path that is not there, and reports whether that is no error.
func (w *Walk) passOver(p string, err error) bool {
	if !w.selection.Gone || !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if p = filepath.Clean(p); !slices.Contains(w.gone, p) {
		w.gone = append(w.gone, p)
	}
	return true
}

// Gone returns the paths, cleaned, that were named and are not there. Those of the
// list are among them after a walk.
func (w *Walk) Gone() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.gone)
}

// Lost returns the entry of a path that is not there: it was named, or is below a
// directory that was.
func (w *Walk) Lost(p string) (e Entry, ok bool) {
	p = filepath.Clean(p)
	if slices.Contains(w.Gone(), p) {
		return Entry{Path: p, Base: filepath.Dir(p), Name: filepath.Base(p)}, true
	}
	for _, r := range w.roots {
		below, err := filepath.Rel(r.path, p)
		if r.dir == nil || err != nil || below == "." || !filepath.IsLocal(below) {
			continue
		}
		e := Entry{Path: p, Base: r.path, Name: filepath.ToSlash(below), dir: r.dir}
		_, err = e.Lstat()
		return e, errors.Is(err, fs.ErrNotExist)
	}
	return Entry{}, false
}

// overlap reports whether one path may be another, or below it.
func overlap(paths []string) bool {
	absolute := make([]string, 0, len(paths))
	for _, p := range paths {
		a, err := filepath.Abs(p)
		if err != nil {
			return true
		}
		absolute = append(absolute, strings.TrimSuffix(filepath.ToSlash(a), "/")+"/")
	}
	slices.Sort(absolute)
	for i := range len(absolute) - 1 {
		if strings.HasPrefix(absolute[i+1], absolute[i]) {
			return true
		}
	}
	return false
}

// Close closes the directories. Entries are dead afterwards.
func (w *Walk) Close() error {
	var errs []error
	for _, r := range w.roots {
		if r.dir != nil {
			errs = append(errs, r.dir.close())
		}
	}
	for _, r := range w.listed {
		errs = append(errs, r.dir.close())
	}
	return errors.Join(errs...)
}

// Named returns the paths that were named, directories as well.
func (w *Walk) Named() []Entry {
	named := make([]Entry, len(w.roots))
	for i, r := range w.roots {
		if r.dir != nil {
			named[i] = Entry{Path: r.path, Type: fs.ModeDir, Base: r.path, Name: "."}
		} else {
			named[i] = Entry{Path: r.path, Base: filepath.Dir(r.path), Name: filepath.Base(r.path)}
		}
	}
	return named
}

// Entries lists what is selected, with what cannot be stored. An error beside an
// entry is about that entry, a directory that cannot be read; one beside an
// entry without a path ends the sequence.
func (w *Walk) Entries(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		run := &run{walk: w, ctx: ctx, yield: yield}
		if w.repeats {
			run.met = map[[16]byte]struct{}{}
		}
		for _, r := range w.roots {
			if !run.root(r) {
				return
			}
		}
		run.list()
	}
}

// run is one pass over a selection. Its methods report whether to go on.
type run struct {
	walk  *Walk
	ctx   context.Context
	yield func(Entry, error) bool
	met   map[[16]byte]struct{} // hashes of the paths that were listed; nil where none can come twice
}

func (r *run) root(named root) bool {
	if named.dir != nil {
		return r.directory(directory{root: named, name: "."})
	}
	return r.named(Entry{Path: named.path})
}

// named lists a file that was named, and not met in a directory.
func (r *run) named(e Entry) bool {
	if r.walk.selection.Exclude.matchBelow(filepath.ToSlash(e.Path)) {
		return true
	}
	e.Base, e.Name = filepath.Dir(e.Path), filepath.Base(e.Path)
	return r.entry(e)
}

// list takes the lines of the list.
func (r *run) list() {
	if r.walk.selection.List == nil {
		return
	}
	for line, err := range r.walk.selection.List.lines() {
		if err != nil {
			r.yield(Entry{}, err)
			return
		}
		if !r.line(line) {
			return
		}
	}
}

// line takes a path of the list as one that was named, but that a link is stored
// and that what is special is listed.
func (r *run) line(line string) bool {
	if info, err := os.Lstat(line); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return r.named(Entry{Path: filepath.Clean(line), Type: info.Mode().Type()})
	}
	named, passed, err := r.walk.listedRoot(line)
	if passed {
		return true
	}
	if err != nil {
		return r.yield(Entry{}, &PathError{line, err})
	}
	return r.root(named)
}

// listedRoot is root for a line of the list, which may be passed over. Its
// directories stay open.
func (w *Walk) listedRoot(line string) (named root, passed bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if named, ok := w.listed[line]; ok {
		return named, false, nil
	}
	named, err = w.root(line)
	if err == nil && named.dir != nil {
		w.listed[line] = named
	}
	return named, w.passOver(line, err), err
}

// directory is one that is being walked.
type directory struct {
	root     root
	name     string // below root, "." for root itself
	workTree string
}

// directory lists a directory.
func (r *run) directory(d directory) bool {
	entries, info, err := d.read()
	if err != nil && !r.yield(Entry{Path: d.path(), Type: fs.ModeDir, Base: d.root.path}, durable.Cause(err)) {
		return false
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(sortKey(a), sortKey(b)) })
	if d.name != "." && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".git" }) {
		d.workTree = d.path()
	}
	hidden := r.walk.hidden(d.path(), info)
	for _, e := range entries {
		if r.ctx.Err() != nil {
			return r.yield(Entry{}, r.ctx.Err())
		}
		if e.Name() == ".git" || e.Name() == ".codex" && e.IsDir() || hidden(e.Name()) || durable.IsTempName(e.Name()) {
			continue
		}
		if !r.child(d, e) {
			return false
		}
	}
	return true
}

// read returns the entries of a directory, and what it is.
func (d *directory) read() ([]fs.DirEntry, fs.FileInfo, error) {
	f, err := d.root.dir.open(d.name)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	entries, err := f.ReadDir(-1)
	return entries, info, err
}

func (d *directory) path() string { return filepath.Join(d.root.path, filepath.FromSlash(d.name)) }

// child lists an entry of a directory.
func (r *run) child(d directory, e fs.DirEntry) bool {
	below := path.Join(d.name, e.Name())
	if r.walk.selection.Exclude.Match(below, e.IsDir()) {
		return true
	}
	if e.IsDir() {
		d.name = below
		return r.directory(d)
	}
	return r.entry(Entry{
		Path: filepath.Join(d.path(), e.Name()), Type: e.Type(), WorkTree: d.workTree, Base: d.root.path,
		Name: below, dir: d.root.dir,
	})
}

// entry lists e, unless that was done before, or git does not track it.
func (r *run) entry(e Entry) bool {
	if r.met != nil {
		absolute, err := filepath.Abs(e.Path)
		if err != nil {
			return r.yield(Entry{}, err)
		}
		sum := sha256.Sum256([]byte(absolute))
		key := [16]byte(sum[:])
		if _, again := r.met[key]; again {
			return true
		}
		r.met[key] = struct{}{}
	}
	if r.walk.selection.Tracked != nil {
		tracked, err := r.walk.selection.Tracked(r.ctx, &e)
		if err != nil {
			return r.yield(Entry{}, err)
		}
		if !tracked {
			return true
		}
	}
	return r.yield(e, nil)
}

// sortKey puts a directory where the paths of its files belong.
func sortKey(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// hidden returns which names of the directory at path are those of protected files.
func (w *Walk) hidden(path string, dir fs.FileInfo) func(string) bool {
	return Names(w.selection.Protected, path, dir)
}

// Protects reports whether info is of a protected file, under whatever name.
func (w *Walk) Protects(info fs.FileInfo) bool {
	return slices.ContainsFunc(w.protected(), func(p fs.FileInfo) bool { return os.SameFile(p, info) })
}

// findProtected returns the protected files that are there.
func (w *Walk) findProtected() []fs.FileInfo {
	var found []fs.FileInfo
	for _, p := range w.selection.Protected {
		entries, _ := os.ReadDir(p.Dir) // one that is not there holds none
		for _, e := range entries {
			if info, err := e.Info(); err == nil && p.Name(e.Name()) && info.Mode().IsRegular() {
				found = append(found, info)
			}
		}
	}
	return found
}
