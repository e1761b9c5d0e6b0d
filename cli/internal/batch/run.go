package batch

import (
	"context"
	"sync"
	"time"
)

// Run says how the items of a batch are done.
type Run struct {
	Items    int           // how many there are
	Parallel int           // how many are under way at most, from 1
	Timeout  time.Duration // of each item, attempts and waits together; 0: none
	// Wanted says whether the item at index is to be done; nil: all are.
	Wanted func(index int) bool
	// Do does an item. Its context outlives an interrupt: what was begun is
	// finished. It is called from several goroutines. With [*Later] it answers
	// that it has done nothing yet.
	Do func(ctx context.Context, index int) error
	// Done is told what became of an item, by one goroutine at a time, and
	// reports whether others may still begin.
	Done func(index int, took time.Duration, err error) (more bool)
}

// Later is what Do answers for an item that cannot begin yet. It is begun, and
// its time with it, when Wait has returned nil. Wait ends early, with an error,
// when no more items may begin; then the item is one that was not begun.
type Later struct {
	Wait func(ctx context.Context) error
	Do   func(ctx context.Context) error
}

// Error says that this is not the end.
func (*Later) Error() string { return "it has to wait" }

// Start begins the items in order, until all are done, Done says that no more
// shall begin, or ctx is canceled; what is under way then is finished. When the
// deadline of ctx passes, it ends what is under way as well.
func (r Run) Start(ctx context.Context) {
	begin, stop := context.WithCancel(ctx)
	defer stop()
	work, release := withoutInterrupt(ctx)
	defer release()

	next := make(chan int)
	var done sync.Mutex
	var workers sync.WaitGroup
	for range max(min(r.Parallel, r.Items), 1) {
		workers.Go(func() { // ends when next is closed
			for index := range next {
				if begin.Err() != nil { // it was handed out while the end was decided
					continue
				}
				took, begun, err := r.item(begin, work, index)
				if !begun {
					continue
				}
				done.Lock()
				if !r.Done(index, took, err) {
					stop()
				}
				done.Unlock()
			}
		})
	}
	context.AfterFunc(work, stop) // two timers of one deadline need not fire together
	r.feed(begin, next)
	close(next)
	workers.Wait()
}

// feed hands out the indices of the items, as long as ctx lasts.
func (r Run) feed(ctx context.Context, next chan<- int) {
	for index := range r.Items {
		if r.Wanted != nil && !r.Wanted(index) {
			continue
		}
		if ctx.Err() != nil { // select would choose at random
			return
		}
		select {
		case next <- index:
		case <-ctx.Done():
			return
		}
	}
}

// item does an item, unless begin ends before it can begin.
func (r Run) item(begin, work context.Context, index int) (took time.Duration, begun bool, err error) {
	do := func(ctx context.Context) error { return r.Do(ctx, index) }
	for {
		start := time.Now()
		err := r.timed(work, do)
		later, ok := err.(*Later)
		if !ok {
			return time.Since(start), true, err
		}
		if later.Wait(begin) != nil {
			return 0, false, nil
		}
		do = later.Do
	}
}

func (r Run) timed(ctx context.Context, do func(context.Context) error) error {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Timeout)
		defer cancel()
	}
	return do(ctx)
}

// withoutInterrupt is ctx with its deadline but without its cancellation.
func withoutInterrupt(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(context.WithoutCancel(ctx), deadline)
	}
	return context.WithCancel(context.WithoutCancel(ctx))
}
