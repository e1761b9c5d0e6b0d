package bulk

import (
	"context"
	"io/fs"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

// Run says how files are stored. Its functions are called from several
// goroutines, but for Done.
type Run struct {
	Files      iter.Seq2[tree.Entry, error]
	Compressor *archiver.Compressor

	// Describe returns the record of an entry: everything but what the content
	// and the file system say. git names the content in the format.
	Describe func(*tree.Entry) (sdk.Record, archiver.ObjectFormat, error)
	// Complete ends a record once the content is known.
	Complete func(*tree.Entry, *sdk.Record) error
	// Present says whether the archive has the record of a file that was read, and
	// then sets the tombstone: it is not stored again.
	Present func(*Item) bool
	// LeaveOut says whether a file must not be stored, whatever its name.
	LeaveOut func(fs.FileInfo) bool
	// Missing is [sdk.Backend.Missing]. It is a hint; after an error all bodies
	// are sent.
	Missing func(context.Context, []sdk.Digest) ([]sdk.Digest, error)
	// Put stores a group.
	Put func(context.Context, []*Item) ([]sdk.PutResult, error)
	// After is called with what is stored, and returns what went wrong since, for
	// each.
	After func(context.Context, []*Item) []error
	// Done is told what became of an entry, by one goroutine at a time, and
	// reports whether others may still begin.
	Done func(Result) (more bool)
}

// Result is what became of an entry.
type Result struct {
	Item    *Item
	Stored  sdk.PutResult // zero where it was not stored now
	Present bool          // the archive had the record before
	Err     error
}

const (
	queue      = 256     // entries that wait for a worker
	inFlight   = 2       // groups: the wire of one overlaps the transaction of the other, and a third gains nothing
	groupBytes = 7 << 20 // bodies of a group
)

// run is a Run under way.
type run struct {
	Run
	stop context.CancelFunc

	mu  sync.Mutex
	err error // what ended the run: about no entry in particular
}

// Start stores the files, until all are done, Done says that no more shall
// begin, or ctx ends. Groups that were begun are finished first, unless ctx
// ended. An error is about no file in particular, such as an archive that cannot
// be reached; what was not done then is told to no one.
func (r Run) Start(ctx context.Context) error {
	begin, stop := context.WithCancel(ctx)
	defer stop()
	u := &run{Run: r, stop: stop}
	entries, batches, groups := make(chan tree.Entry, queue), make(chan []*Item), make(chan []*Item)

	var workers, senders sync.WaitGroup
	for range min(inFlight, runtime.NumCPU()) {
		w, err := u.worker(begin)
		if err != nil {
			return err
		}
		w.out = batches
		workers.Go(func() { // ends when entries is closed
			for e := range entries {
				w.take(e)
			}
			w.flush()
		})
	}
	go func() { // ends when batches is closed
		gather(batches, groups)
		close(groups)
	}()
	for range inFlight {
		senders.Go(func() { // ends when groups is closed
			for items := range groups {
				if begin.Err() == nil {
					u.group(ctx, items)
				}
				closeAll(items)
			}
		})
	}
	u.feed(begin, entries)
	close(entries)
	workers.Wait()
	close(batches)
	senders.Wait()
	if u.err == nil {
		u.err = ctx.Err()
	}
	return u.err
}

func (u *run) worker(ctx context.Context) (*worker, error) {
	c, err := u.Compressor.Clone()
	return &worker{run: u, ctx: ctx, compressor: c}, err
}

// feed hands the entries out.
func (u *run) feed(ctx context.Context, entries chan<- tree.Entry) {
	for e, err := range u.Files {
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && e.Path == "":
			u.fail(err)
			return
		case err != nil:
			u.done(Result{Item: &Item{Entry: e, Begun: time.Now()}, Err: err})
			continue
		case e.Special():
			continue
		}
		select {
		case entries <- e:
		case <-ctx.Done():
			return
		}
	}
}

// gather makes groups of batches.
func gather(batches <-chan []*Item, groups chan<- []*Item) {
	var group []*Item
	size := 0
	for batch := range batches {
		for _, it := range batch {
			if it.large != nil {
				groups <- []*Item{it}
				continue
			}
			if len(group) == sdk.MaxItems || size+len(it.body) > groupBytes && len(group) > 0 {
				groups <- group
				group, size = nil, 0
			}
			group = append(group, it)
			size += len(it.body)
		}
	}
	if len(group) > 0 {
		groups <- group
	}
}

func closeAll(items []*Item) {
	for _, it := range items {
		it.close()
	}
}

// done tells what became of an entry, and ends the run if that is wanted.
func (u *run) done(results ...Result) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range results {
		if !u.Done(r) {
			u.stop()
		}
	}
}

// fail ends the run.
func (u *run) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil {
		u.err = err
	}
	u.stop()
}
