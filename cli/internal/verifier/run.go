package verifier

import (
	"context"
	"io"
	"iter"
	"sync"

	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/sdk"
)

// Status says what a record's content is.
type Status string

// The statuses.
const (
	Intact     Status = "intact"
	Damaged    Status = "damaged"    // the stored bytes are not those that were stored
	Missing    Status = "missing"    // there are none
	Unreadable Status = "unreadable" // the record was changed, or its row cannot be read
	Purged     Status = "purged"     // on purpose: there is nothing to verify
	Failed     Status = "failed"     // it could not be found out
)

// Target is a record to verify. Its entry has an error where there is no such
// record or where it cannot be read.
type Target struct {
	Name  string // the tombstone as the user gave it
	Entry sdk.Entry
	Again bool // an earlier run could not verify it
}

// Result is what became of a target.
type Result struct {
	Target
	Status Status
	Err    error // nil where it is intact or purged
	Read   bool  // its content was read for this target, and not for another one before
}

// Run says how records are verified.
type Run struct {
	Targets iter.Seq2[Target, error]
	Jobs    int // groups that are read at a time, from 1
	// Read calls do with the opened archive, and again after temporary errors.
	// about is the first record that is read.
	Read func(ctx context.Context, about sdk.Tombstone, do func(context.Context, sdk.Backend) error) error
	// Check reads a body and says whether it is the content of its record.
	Check func(ctx context.Context, r *sdk.Record, body io.Reader) error
	// Unreachable reports whether the archive cannot be reached, after an error.
	Unreachable func(ctx context.Context, err error) bool
	// Done is told about each target, by one goroutine at a time, in no order.
	Done func(Result)
	// Came is told about each target, in order, once all before it are done too.
	Came func(Target)
}

// Sizes of a group that is read by one call.
const (
	groupItems = 256
	groupBytes = 4 << 20 // stored
	aloneBytes = 1 << 20 // a body above that is read by itself
)

// window is how many targets there may be between the first that is not done and
// the last that is begun.
const window = 8 << 10

// work is a run under way.
type work struct {
	Run
	groups chan []*item
	stop   context.CancelCauseFunc
	room   chan struct{} // window

	mu       sync.Mutex
	contents contents
	order    order
}

// item is a target whose content is read.
type item struct {
	Target
	seq int64
}

// Start verifies the targets until all are done, ctx ends, or the archive cannot
// be reached. Its error says why not all are done.
func (r Run) Start(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w := &work{Run: r, groups: make(chan []*item), stop: stop, room: make(chan struct{}, window), contents: newContents(), order: newOrder()}
	var workers sync.WaitGroup
	for range max(r.Jobs, 1) {
		workers.Go(func() { // ends when groups is closed
			for group := range w.groups {
				w.read(ctx, group)
			}
		})
	}
	err := w.feed(ctx)
	close(w.groups)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// feed forms groups of the targets.
func (w *work) feed(ctx context.Context) error {
	var group []*item
	var bytes int64
	flush := func() {
		if len(group) > 0 {
			w.groups <- group
		}
		group, bytes = nil, 0
	}
	defer flush()
	for target, err := range w.Targets {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case w.room <- struct{}{}:
		default:
			flush() // what is gathered may be what the others wait for
			select {
			case w.room <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		it := w.begin(target)
		if it == nil {
			continue
		}
		size := target.Entry.Record.Content.StoredSize
		if size > aloneBytes {
			w.groups <- []*item{it}
			continue
		}
		if group, bytes = append(group, it), bytes+size; len(group) == groupItems || bytes >= groupBytes {
			flush()
		}
	}
	return nil
}

// begin returns the item to read for a target, nil if that is not needed: it is
// done then, or waits for the content that another item reads.
func (w *work) begin(target Target) *item {
	w.mu.Lock()
	defer w.mu.Unlock()
	target.Entry.Record = slim(&target.Entry.Record)
	it := &item{target, w.order.begin(target)}
	record := &target.Entry.Record
	if err := target.Entry.Err; err != nil {
		w.done(it, Result{Status: statusOf(err, Unreadable), Err: err})
		return nil
	}
	if !record.PurgedAt.IsZero() {
		w.done(it, Result{Status: Purged})
		return nil
	}
	known, verdict := w.contents.begin(it)
	if known {
		w.done(it, verdict.about(record))
		return nil
	}
	if verdict.waits {
		return nil
	}
	return it
}

// slim is what is kept of a record: its texts may be long.
func slim(r *sdk.Record) sdk.Record {
	return sdk.Record{
		Tombstone: r.Tombstone, Path: r.Path, Content: r.Content, ArchivedAt: r.ArchivedAt, PurgedAt: r.PurgedAt, Digest: r.Digest,
	}
}

// done reports a target. w.mu is held.
func (w *work) done(it *item, r Result) {
	r.Target = it.Target
	w.Done(r)
	w.order.done(it.seq, func(t Target) {
		<-w.room
		w.Came(t)
	})
}

// conclude reports an item, and those that waited for its content. If that was
// not read after all, one of them is returned, which has to read it.
func (w *work) conclude(it *item, status Status, err error) (next *item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	read := status == Intact || status == Damaged || status == Missing
	w.done(it, Result{Status: status, Err: err, Read: read})
	if !read {
		return w.contents.pass(it)
	}
	waiting, verdict := w.contents.end(it, status, err)
	for _, other := range waiting {
		w.done(other, verdict.about(&other.Entry.Record))
	}
	return nil
}

// read reads the contents of a group. After an error that ends a call each item
// is read alone, so that one does not keep the others from being verified.
func (w *work) read(ctx context.Context, group []*item) {
	for size := len(group); len(group) > 0 && ctx.Err() == nil; {
		n, more, err := w.readSome(ctx, group[:min(size, len(group))])
		group = append(group[n:], more...)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if w.Unreachable(ctx, err) {
			w.stop(err)
			return
		}
		if size == 1 && n == 0 {
			it := group[0]
			group = group[1:]
			if next := w.conclude(it, Failed, err); next != nil {
				group = append(group, next)
			}
		}
		size = 1
	}
}

// readSome reads the contents of items with one call. It returns how many are
// concluded, and which items are to be read in the place of some of those.
func (w *work) readSome(ctx context.Context, group []*item) (n int, more []*item, err error) {
	err = w.Read(ctx, group[0].Entry.Record.Tombstone, func(ctx context.Context, backend sdk.Backend) error {
		ids := make([]sdk.Tombstone, 0, len(group)-n)
		for _, it := range group[n:] {
			ids = append(ids, it.Entry.Record.Tombstone)
		}
		return find.Answers(ctx, backend, ids, func(_ int, found *sdk.GetResult) error {
			status, err := w.examine(ctx, group[n], found)
			if e := sdk.AsError(err); e != nil && (e.Retry || ctx.Err() != nil) {
				return err
			}
			if next := w.conclude(group[n], status, err); next != nil {
				more = append(more, next)
			}
			n++
			return nil
		})
	})
	return n, more, err
}

// examine checks a record and reads its content.
func (w *work) examine(ctx context.Context, it *item, found *sdk.GetResult) (Status, error) {
	if err := found.Err; err != nil {
		return statusOf(err, Unreadable), err
	}
	if err := found.Record.CheckDigest(); err != nil {
		return Unreadable, err
	}
	if found.Record.Digest != it.Entry.Record.Digest {
		return Unreadable, sdk.Errorf(sdk.Corrupt, "the record was changed while it was verified")
	}
	body := &counted{r: found.Body}
	if err := w.Check(ctx, &found.Record, body); err != nil {
		if body.n == 0 && found.Record.Content.StoredSize > 0 {
			return statusOf(err, Missing), err
		}
		return statusOf(err, Damaged), err
	}
	return Intact, nil
}

// counted counts the bytes of a body.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// statusOf is the status that an error means; corrupt is that of data that does
// not match.
func statusOf(err error, corrupt Status) Status {
	switch sdk.KindOf(err) {
	case sdk.Corrupt:
		return corrupt
	case sdk.ContentAbsent:
		return Missing
	case sdk.Purged:
		return Purged
	}
	return Failed
}
