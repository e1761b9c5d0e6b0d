package copier

import (
	"context"
	"iter"
	"sync"

	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

const (
	inFlight   = 2       // groups: the wire of one overlaps the transaction of the other
	groupBytes = 7 << 20 // bodies of a group
)

// Run says what is copied. Its functions are called from several goroutines, but
// for Done.
type Run struct {
	// Records are those of the source, with events and holds.
	Records iter.Seq2[sdk.Entry, error]
	// From and To return the opened archives.
	From, To func(context.Context) (sdk.Backend, error)
	// Put has a group written: it calls send, and again as it may be repeated.
	// nil: nothing is written, and what would be is told to Done.
	Put func(ctx context.Context, items []*Item, send func(context.Context, sdk.Backend) error) error
	// Again repeats what only reads, as it may be repeated.
	Again func(ctx context.Context, read func(context.Context) error) error
	// Done is told what became of records, by one goroutine at a time. An error
	// ends the run.
	Done func(...Result) error
}

// Outcome says what became of a record.
type Outcome string

// The outcomes.
const (
	Copied  Outcome = "copied"  // the destination did not have it
	Updated Outcome = "updated" // the destination had it, with less history or without its body
	Present Outcome = "present" // the destination had all of it
	Failed  Outcome = "failed"
)

// Result is what became of a record.
type Result struct {
	Record  sdk.Record // of one that cannot be read, only the tombstone
	Outcome Outcome
	Events  int   // that were added
	Bytes   int64 // of the body that was sent
	Err     error // why it failed
}

// run is a Run under way.
type run struct {
	Run
	checker *restorer.Checker
	stop    context.CancelFunc

	mu  sync.Mutex
	err error // what ended the run: about no record in particular
}

// Start copies the records until all are done or ctx ends. An error is about no
// record in particular. Groups that were begun are finished first, unless ctx
// ended.
func (r Run) Start(ctx context.Context) error {
	begin, stop := context.WithCancel(ctx)
	defer stop()
	checker, err := restorer.NewChecker()
	if err != nil {
		return err
	}
	defer checker.Close()
	u := &run{Run: r, checker: checker, stop: stop}
	groups := make(chan []*Item)
	var senders sync.WaitGroup
	for range inFlight {
		senders.Go(func() { // ends when groups is closed
			for items := range groups {
				if begin.Err() == nil {
					u.group(ctx, items)
				}
			}
		})
	}
	g := &gatherer{run: u, groups: groups}
	if err := g.all(begin); err != nil && begin.Err() == nil {
		u.fail(err)
	}
	close(groups)
	senders.Wait()
	if u.err == nil {
		u.err = ctx.Err()
	}
	return u.err
}

// done tells what became of records.
func (u *run) done(results ...Result) {
	if len(results) == 0 {
		return
	}
	u.mu.Lock()
	err := u.Done(results...)
	u.mu.Unlock()
	if err != nil {
		u.fail(err)
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
