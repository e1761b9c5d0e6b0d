package batch

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/codex-archive/codex/sdk"
)

// Run says how the items of a batch are done.
type Run struct {
	Items    int           // how many there are
	Parallel int           // how many are under way at most, from 1
	Timeout  time.Duration // of each item, attempts and waits together; 0: none
	Room     int64         // bytes of memory that the items under way may take together
	// Wanted says whether the item at index is to be done; nil: all are.
	Wanted func(index int) bool
	// Learn is told which items come next, at most [sdk.MaxItems], before any of
	// them begins; nil: nothing is to be learned.
	Learn func(ctx context.Context, indices []int)
	// Memory returns how many bytes an item takes, after Learn; 0 and nil: it
	// never waits for others.
	Memory func(index int) int64
	// Do does an item. Its context outlives an interrupt: an item that was begun
	// is finished. It is called from several goroutines.
	Do func(ctx context.Context, index int) (took time.Duration, err error)
	// Groups, if not nil, does items together where that can be.
	Groups *Groups
	// Done is told how an item ended, by one goroutine at a time, and reports
	// whether others may still begin.
	Done func(index int, took time.Duration, err error) (more bool)
}

// Start begins the items in order, until all are done, Done says that no more
// shall begin, or ctx is canceled. Items under way then are finished. The
// deadline of ctx ends items under way as well.
func (r Run) Start(ctx context.Context) {
	begin, stop := context.WithCancel(ctx)
	defer stop()
	work, release := withoutInterrupt(ctx)
	defer release()
	context.AfterFunc(work, stop) // two timers of one deadline need not fire together

	next := make(chan int)
	room := semaphore.NewWeighted(max(r.Room, 1))
	var done sync.Mutex
	report := func(index int, took time.Duration, err error) {
		done.Lock()
		defer done.Unlock()
		if !r.Done(index, took, err) {
			stop()
		}
	}
	var workers sync.WaitGroup
	for range max(min(r.Parallel, r.Items), 1) {
		workers.Go(func() { // ends when next is closed
			for index := range next {
				r.item(begin, work, room, index, report)
			}
		})
	}
	f := feeder{run: r, ctx: begin, next: next}
	if r.Groups != nil {
		f.groups = &grouping{Groups: *r.Groups, least: max(r.Parallel, 2), fetchSize: max(r.Parallel, 2), begin: begin, work: work, stop: stop, report: report}
		f.groups.start()
		defer f.groups.end()
	}
	f.feed()
	close(next)
	workers.Wait()
}

// feeder hands out the indices of the items, as long as ctx lasts.
type feeder struct {
	run    Run
	ctx    context.Context
	next   chan<- int // to be done alone
	groups *grouping  // nil: all are
}

func (f feeder) feed() {
	for indices := range f.learned() {
		if f.groups == nil {
			f.singles(indices)
		} else {
			f.inOrder(indices)
		}
	}
}

// learned yields the indices of the wanted items, and learns about the next ones
// meanwhile.
func (f feeder) learned() func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		ctx, stop := context.WithCancel(f.ctx)
		next := make(chan []int)
		var learning sync.WaitGroup
		learning.Go(func() { // ends with ctx
			defer close(next)
			for indices := range f.run.groups() {
				if f.run.Learn != nil && ctx.Err() == nil {
					f.run.Learn(ctx, indices)
				}
				select {
				case next <- indices:
				case <-ctx.Done():
					return
				}
			}
		})
		defer learning.Wait()
		defer stop()
		for indices := range next {
			if !yield(indices) {
				return
			}
		}
	}
}

func (f feeder) singles(indices []int) {
	for _, index := range indices {
		if f.ctx.Err() != nil { // select would choose at random
			return
		}
		select {
		case f.next <- index:
		case <-f.ctx.Done():
			return
		}
	}
}

// inOrder begins items in order. Where only one may be under way, one that is done
// alone waits for the groups before it.
func (f feeder) inOrder(indices []int) {
	for len(indices) > 0 {
		n := 1
		for n < len(indices) && f.groups.Together(indices[n]) == f.groups.Together(indices[0]) {
			n++
		}
		alone := indices[:n]
		if f.groups.Together(indices[0]) {
			alone = f.together(alone)
		}
		if len(alone) > 0 && f.run.Parallel == 1 {
			f.groups.wait()
		}
		f.singles(alone)
		indices = indices[n:]
	}
}

// together does items in groups and returns those to be done alone: one alone is
// no group.
func (f feeder) together(indices []int) (alone []int) {
	if len(indices) < 2 || f.ctx.Err() != nil {
		return indices
	}
	return f.groups.do(indices)
}

// groups yields the indices of the wanted items, as many at a time as are done
// together.
func (r Run) groups() func(yield func([]int) bool) {
	size := sdk.MaxItems
	if r.Groups != nil {
		size = min(size, r.Groups.Size)
	}
	return func(yield func([]int) bool) {
		var group []int
		for index := range r.Items {
			if r.Wanted != nil && !r.Wanted(index) {
				continue
			}
			if group = append(group, index); len(group) == size {
				if !yield(group) {
					return
				}
				group = nil
			}
		}
		if len(group) > 0 {
			yield(group)
		}
	}
}

// item takes the memory of an item, does it, and reports how it ended. It is not
// begun if begin ends before.
func (r Run) item(begin, work context.Context, room *semaphore.Weighted, index int, report func(int, time.Duration, error)) {
	if r.Memory != nil {
		// An item that takes nothing must not wait behind others.
		if memory := min(r.Memory(index), r.Room); memory > 0 {
			if room.Acquire(begin, memory) != nil {
				return
			}
			defer room.Release(memory) // after the report, which may stop others
		}
	}
	if begin.Err() != nil { // it was handed out while the end was decided
		return
	}
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		work, cancel = context.WithTimeout(work, r.Timeout)
		defer cancel()
	}
	took, err := r.Do(work, index)
	report(index, took, err)
}

// withoutInterrupt is ctx with its deadline but without its cancellation.
func withoutInterrupt(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(context.WithoutCancel(ctx), deadline)
	}
	return context.WithCancel(context.WithoutCancel(ctx))
}
