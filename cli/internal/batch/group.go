package batch

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Groups says how items are done together: their contents come one after another,
// a few workers prepare them, and what is prepared is completed in groups, while
// the next group is prepared.
type Groups struct {
	Size    int           // items in a group at most, from 1
	Wait    time.Duration // a group is completed so long after its first item, however many it has; the next content is waited for as long
	Workers int           // prepare items at a time, and complete groups at a time, from 1
	// Together says whether an item can be done with others, after Learn.
	Together func(index int) bool
	// Fetch gets items in order and tells take about each, until that returns
	// false. Its error concerns the first item that it did not take.
	Fetch func(ctx context.Context, indices []int, take func(index int) bool) error
	// Fail says why an item was not fetched. Prepare and Complete follow.
	Fail func(index int, err error)
	// Alone says that the first attempt at an item failed with err. It is done by
	// itself.
	Alone func(index int, err error)
	// Prepare does what can be done for a fetched item alone. Complete follows.
	Prepare func(ctx context.Context, index int) error
	// Drop is told about a fetched item that is not begun any more.
	Drop func(index int)
	// Complete ends prepared items.
	Complete func(ctx context.Context, indices []int) []Outcome
	// Stops reports whether no other item may begin after such an error.
	Stops func(err error) bool
}

// Outcome is how an item ended.
type Outcome struct {
	Took time.Duration
	Err  error
}

// grouping does items in groups.
type grouping struct {
	Groups
	least       int // items in a fetch
	fetchSize   int // items in the next fetch
	begin, work context.Context
	stop        func() // no other item begins
	report      func(index int, took time.Duration, err error)

	first    atomic.Int64 // index of the first item, in order, whose error stopped the others
	arrived  chan fetched
	ready    chan int      // prepared
	now      chan struct{} // what is gathered is completed, however little it is
	complete chan []int

	workers   sync.WaitGroup // of the goroutines that prepare
	running   sync.WaitGroup // of the goroutines that gather and complete
	preparing sync.WaitGroup // items that are fetched and not prepared
	under     sync.WaitGroup // items that are prepared and not reported
}

// start starts preparing, gathering and completing. end must be called.
func (g *grouping) start() {
	g.first.Store(math.MaxInt64)
	g.arrived, g.ready, g.now, g.complete = make(chan fetched, arrivals), make(chan int), make(chan struct{}), make(chan []int)
	for range g.Workers {
		g.workers.Go(g.prepare) // ends when arrived is closed
	}
	g.running.Go(g.gather) // ends when ready is closed
	for range g.Workers {
		g.running.Go(g.completeAll) // ends when complete is closed
	}
}

// wait waits until everything is completed and reported.
func (g *grouping) wait() {
	g.preparing.Wait()
	g.now <- struct{}{}
	g.under.Wait()
}

func (g *grouping) end() {
	close(g.arrived)
	g.workers.Wait()
	close(g.ready)
	g.running.Wait()
}

func (g *grouping) completeAll() {
	for group := range g.complete {
		slices.Sort(group)
		for i, outcome := range g.Complete(g.work, group) {
			g.report(group[i], outcome.Took, outcome.Err)
			g.under.Done()
		}
	}
}

// fetched is an item on its way to a worker.
type fetched struct {
	index  int
	failed bool // it must be reported
}

// arrivals is how many items wait for a worker at most.
const arrivals = 64

// A fetch begins with as many items as may be under way alone, and grows while the
// archive is fast: what a slow one has begun must not be much, because it is what
// an interrupt waits for, and what one item that hangs keeps from its place.
const (
	growth   = 8
	fastTake = 250 * time.Millisecond // a fetch
)

// do does items together, and returns those that must be done alone. Some may not
// be prepared or completed yet.
func (g *grouping) do(indices []int) (alone []int) {
	for len(indices) > 0 && len(alone) == 0 && g.begin.Err() == nil {
		n, start := min(g.fetchSize, len(indices)), time.Now()
		alone = g.fetch(indices[:n])
		indices = indices[n:]
		if time.Since(start) < fastTake {
			g.fetchSize = min(g.fetchSize*growth, g.Size)
		} else {
			g.fetchSize = max(g.fetchSize/growth, g.least)
		}
	}
	if len(alone) == 0 {
		return nil
	}
	g.fetchSize = g.least
	return slices.Concat(alone, indices)
}

// errTurn ends a fetch in which the next content does not come in time.
var errTurn = errors.New("the wait is over")

// fetch fetches items, and returns those that must be done alone: after an error,
// and where the archive is too slow, which must not take the time of items that
// are not at fault.
func (g *grouping) fetch(indices []int) (alone []int) {
	ctx, cancel := context.WithCancelCause(g.begin)
	defer cancel(nil)
	turn := time.AfterFunc(g.Wait, func() { cancel(errTurn) })
	defer turn.Stop()
	n := 0
	err := g.Fetch(ctx, indices, func(index int) bool {
		turn.Stop() // the wait for a worker is not the archive's
		g.arrive(fetched{index: index})
		n++
		turn.Reset(g.Wait)
		return g.begin.Err() == nil
	})
	if err == nil || n == len(indices) {
		return nil
	}
	switch ended := g.begin.Err(); {
	case errors.Is(ended, context.DeadlineExceeded):
		g.Fail(indices[n], ended)
		g.arrive(fetched{indices[n], true})
		return nil
	case ended != nil:
		return nil
	case context.Cause(ctx) != errTurn:
		g.Alone(indices[n], err)
	}
	return indices[n:]
}

func (g *grouping) arrive(item fetched) {
	g.preparing.Add(1)
	g.arrived <- item
}

// prepare prepares what arrived. It is one worker.
func (g *grouping) prepare() {
	for item := range g.arrived {
		g.prepareOne(item)
		g.preparing.Done()
	}
}

func (g *grouping) prepareOne(item fetched) {
	if !item.failed && g.begin.Err() != nil && !g.begun(item.index) {
		g.Drop(item.index)
		return
	}
	if err := g.Prepare(g.work, item.index); err != nil && g.Stops(err) {
		for first := g.first.Load(); int64(item.index) < first && !g.first.CompareAndSwap(first, int64(item.index)); first = g.first.Load() {
		}
		g.stop()
	}
	g.under.Add(1)
	g.ready <- item.index
}

// begun reports whether an item was under way when the error of another stopped
// the rest: it comes before that one, and another worker was faster.
func (g *grouping) begun(index int) bool {
	first := g.first.Load()
	return first != math.MaxInt64 && int64(index) < first
}

// gather forms groups of what is ready.
func (g *grouping) gather() {
	defer close(g.complete)
	var group []int
	var due <-chan time.Time
	hand := func() {
		if len(group) > 0 {
			g.complete <- group
		}
		group, due = nil, nil
	}
	for {
		select {
		case index, more := <-g.ready:
			if !more {
				hand()
				return
			}
			if group = append(group, index); len(group) == 1 {
				due = time.After(g.Wait)
			}
			if len(group) == g.Size {
				hand()
			}
		case <-g.now:
			hand()
		case <-due:
			hand()
		}
	}
}
