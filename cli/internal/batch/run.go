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
	// finished. It is called from several goroutines.
	Do func(ctx context.Context, index int) error
	// Done is told what became of an item, by one goroutine at a time, and
	// reports whether others may still begin.
	Done func(index int, took time.Duration, err error) (more bool)
}

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
				start := time.Now()
				err := r.do(work, index)
				done.Lock()
				if !r.Done(index, time.Since(start), err) {
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

func (r Run) do(ctx context.Context, index int) error {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Timeout)
		defer cancel()
	}
	return r.Do(ctx, index)
}

// withoutInterrupt is ctx with its deadline but without its cancellation.
func withoutInterrupt(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(context.WithoutCancel(ctx), deadline)
	}
	return context.WithCancel(context.WithoutCancel(ctx))
}
