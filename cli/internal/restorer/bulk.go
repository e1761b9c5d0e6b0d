package restorer

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// Bulk restores many files and syncs them in groups. A file of it goes through
// [Bulk.Prepare], [Bulk.Sync], [File.Publish], [Bulk.SyncNames] and [File.Close];
// it has no name before its bytes are verified and on disk. Several goroutines may
// call them, for files of their own.
type Bulk struct {
	files *Restorer
	dirs  *openDirs
	plain *decoder

	mu      sync.Mutex
	systems map[device]*fileSystem

	// syncing is held while a group is synced: an error of a file system is told to
	// one call, and a directory that one group syncs is needed by the next.
	syncing sync.Mutex
}

// fileSystem is one that files are written to.
type fileSystem struct {
	all *durable.FileSystem // nil: each file is synced by itself
}

// NewBulk returns a Bulk whose files are below base, or anywhere if that is nil.
func NewBulk(files *Restorer, base *os.Root) (*Bulk, error) {
	plain, err := newDecoder(files.opener)
	if err != nil {
		return nil, err
	}
	return &Bulk{files: files, dirs: newOpenDirs(Destination{Base: base}.tree()), plain: plain, systems: map[device]*fileSystem{}}, nil
}

// Close closes what is open. No file of it may be under way.
func (b *Bulk) Close() {
	b.plain.close()
	b.dirs.closeAll()
	for _, s := range b.systems {
		if s.all != nil {
			_ = s.all.Close() // what was written is synced
		}
	}
}

// File is one file or symbolic link on its way.
type File struct {
	Done Restored
	Err  error // of its sync

	record    *sdk.Record
	place     *place
	to        Destination
	files     *Restorer
	temp      *durable.Temp // nil for a link, and where the file is there already
	system    *fileSystem   // of temp
	target    string        // of a link
	published bool
}

// Prepare verifies the content and writes it to a file without a name. Where the
// output already has the bytes there is nothing else to do. The caller closes the
// file if there is one, also after an error.
func (b *Bulk) Prepare(ctx context.Context, r *sdk.Record, body Body, d Destination) (*File, error) {
	p, err := d.placeIn(b.dirs, r)
	if err != nil {
		return nil, err
	}
	f := &File{Done: Restored{Path: p.shown}, record: r, place: p, to: d, files: b.files}
	return f, b.prepare(ctx, f, body)
}

func (b *Bulk) prepare(ctx context.Context, f *File, body Body) error {
	if err := b.files.checkTwin(f.place); err != nil {
		return err
	}
	if f.record.Type == sdk.Symlink {
		return b.prepareLink(ctx, f, body)
	}
	same, err := f.place.examine(ctx, f.record, f.to.Force)
	if f.Done.Unchanged = same; same || err != nil {
		return err
	}
	start := time.Now()
	content, err := b.plain.verified(ctx, f.record, body)
	f.Done.Decompression = time.Since(start)
	if err != nil {
		return err
	}
	start = time.Now()
	defer func() { f.Done.Write = time.Since(start) }()
	if err := b.makeDirs(f.place); err != nil {
		return err
	}
	return f.place.failedOr(b.write(f, content))
}

func (b *Bulk) prepareLink(ctx context.Context, f *File, body Body) error {
	l := linkRestore{f.record, f.place, f.to, b.files.opener}
	same, err := l.examine()
	if f.Done.Unchanged = same; same || err != nil {
		return err
	}
	if f.target, err = l.target(ctx, body.reader(), &f.Done); err != nil {
		return err
	}
	return b.makeDirs(f.place)
}

// makeDirs makes the directory. One that was there is swept.
func (b *Bulk) makeDirs(p *place) error {
	if err := p.makeDirs(); err != nil {
		return err
	}
	if !p.kept.new {
		b.files.sweep(p)
	}
	return nil
}

// write fills the file without a name.
func (b *Bulk) write(f *File, content []byte) (err error) {
	f.system = b.systemOf(f.place.kept) // before the first write, or its errors are not seen
	if f.temp, err = durable.NewTempIn(f.place.root, f.place.kept.file, 0o600); err != nil {
		return err
	}
	if _, err = f.temp.File.Write(content); err != nil {
		return err
	}
	return keep(f.temp, f.record)
}

// systemOf returns the file system of a directory.
func (b *Bulk) systemOf(dir *openDir) *fileSystem {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.systems[dir.on]
	if s == nil {
		s = &fileSystem{}
		if dir.on.known {
			s.all = durable.OpenFileSystem(dir.file)
		}
		b.systems[dir.on] = s
	}
	return s
}

// Publish names the file, or makes the link.
func (f *File) Publish(ctx context.Context) error {
	if f.Done.Unchanged {
		return nil
	}
	start := time.Now()
	defer func() { f.Done.Write += time.Since(start) }()
	if f.temp == nil {
		same, err := linkRestore{f.record, f.place, f.to, f.files.opener}.make(f.target)
		f.Done.Unchanged, f.published = same, err == nil && !same
		return err
	}
	err := f.files.named(ctx, restoring{place: f.place, force: f.to.Force, done: &f.Done}, f.temp, f.record)
	f.published = err == nil && !f.Done.Unchanged
	return err
}

// Close ends the file. One that was not published is gone.
func (f *File) Close() {
	if f.temp != nil {
		f.temp.Discard()
	}
	f.place.close()
}

// wholeSync is from how many files on a file system is synced as a whole: what
// other programs write is synced with it.
const wholeSync = 16

// Sync makes the bytes of files durable. Err of a file says why it is not.
func (b *Bulk) Sync(files []*File) {
	b.syncing.Lock()
	defer b.syncing.Unlock()
	on := map[*fileSystem][]*File{}
	for _, f := range files {
		if f.temp != nil {
			on[f.system] = append(on[f.system], f)
		}
	}
	for system, files := range on {
		if len(files) >= wholeSync && system.sync() == nil {
			continue
		}
		each(files, func(f *File) { f.Err = f.place.failedOr(f.temp.File.Sync()) })
	}
}

// sync syncs the file system as a whole. After an error it does so never again:
// the error may be about a file of the next group, and is told once. Each file
// knows its own.
func (s *fileSystem) sync() error {
	if s.all == nil {
		return errors.ErrUnsupported
	}
	err := s.all.Sync()
	if err != nil {
		_ = s.all.Close() // err says more
		s.all = nil
	}
	return err
}

// SyncNames makes the names of published files durable, and those of the
// directories that were made for them. Err of a file says why its name is not.
func (b *Bulk) SyncNames(files []*File) {
	b.syncing.Lock()
	defer b.syncing.Unlock()
	dirs := map[*openDir][]*File{}
	for _, f := range files {
		if f.published {
			dirs[f.place.kept] = append(dirs[f.place.kept], f)
		}
	}
	parents := b.dirs.takeUnsynced()
	if len(dirs)+len(parents) >= wholeSync && b.syncWhole(dirs, parents) {
		return
	}
	var failed error
	for parent, on := range parents {
		if err := b.dirs.Sync(parent); err != nil {
			failed = errors.Join(failed, err)
			b.dirs.keepUnsynced(parent, on) // files of the next group may need it too
		}
	}
	for dir, files := range dirs {
		if err := errors.Join(failed, durable.SyncDir(dir.file)); err != nil {
			for _, f := range files {
				f.Err = f.place.unsynced(err)
			}
		}
	}
}

// syncWhole syncs the file system of all these directories, if it is one.
func (b *Bulk) syncWhole(dirs map[*openDir][]*File, parents map[string]device) bool {
	on := map[device]bool{}
	var system *fileSystem
	for dir := range dirs {
		on[dir.on], system = true, b.systemOf(dir)
	}
	for _, parent := range parents {
		on[parent] = true
	}
	return len(on) == 1 && system != nil && system.sync() == nil
}

// parallelSyncs is how many files are synced at a time: each waits for the disk.
const parallelSyncs = 16

// each calls do for all files, several at a time.
func each(files []*File, do func(*File)) {
	next := make(chan *File)
	var syncing sync.WaitGroup
	for range min(parallelSyncs, len(files)) {
		syncing.Go(func() {
			for f := range next {
				do(f)
			}
		})
	}
	for _, f := range files {
		next <- f
	}
	close(next)
	syncing.Wait()
}

// failedOr is failed for an error that may be nil.
func (p *place) failedOr(err error) error {
	if err == nil {
		return nil
	}
	return p.failed(err)
}
