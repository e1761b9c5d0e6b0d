package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func TestRunBounded(t *testing.T) {
	const items, parallel = 500, 7
	var now, most atomic.Int32
	done := make([]int, items)
	full := make(chan struct{})
	var once sync.Once
	Run{
		Items: items, Parallel: parallel,
		Do: func(ctx context.Context, index int) (took time.Duration, err error) {
			n := now.Add(1)
			defer now.Add(-1)
			for most.Load() < n {
				most.Store(n)
			}
			if n == parallel {
				once.Do(func() { close(full) })
			}
			<-full // the first wait until as many as may be are under way
			return 0, nil
		},
		Done: func(index int, _ time.Duration, err error) bool {
			done[index]++
			return err == nil
		},
	}.Start(t.Context())
	if most.Load() > parallel {
		t.Errorf("%d at a time, want %d", most.Load(), parallel)
	}
	if slices.ContainsFunc(done, func(n int) bool { return n != 1 }) {
		t.Errorf("done %v, want each once", done)
	}
}

// begun runs 100 items one at a time and returns which were begun; do is told
// the index and how to cancel.
func begun(t *testing.T, wanted func(int) bool, do func(ctx context.Context, index int, cancel func()) error) (list []int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	Run{
		Items: 100, Parallel: 1, Wanted: wanted,
		Do: func(ctx context.Context, index int) (time.Duration, error) { return 0, do(ctx, index, cancel) },
		Done: func(index int, _ time.Duration, err error) bool {
			list = append(list, index)
			return err == nil
		},
	}.Start(ctx)
	return list
}

func TestRunStops(t *testing.T) {
	failAt := func(at int) func(context.Context, int, func()) error {
		return func(_ context.Context, index int, _ func()) error {
			if index == at {
				return errors.New("no")
			}
			return nil
		}
	}
	for range 50 { // the hand-over races with the end
		if got := begun(t, nil, failAt(49)); len(got) != 50 || !slices.IsSorted(got) {
			t.Fatalf("begun %v, want the first 50 in order", got)
		}
	}
	if got := begun(t, func(index int) bool { return index%10 == 0 }, failAt(30)); !slices.Equal(got, []int{0, 10, 20, 30}) {
		t.Errorf("begun %v", got)
	}
}

func TestRunInterrupted(t *testing.T) {
	got := begun(t, nil, func(ctx context.Context, index int, cancel func()) error {
		if index == 5 {
			cancel()
			if ctx.Err() != nil {
				return errors.New("an item under way was interrupted")
			}
		}
		return nil
	})
	if len(got) != 6 {
		t.Errorf("begun %v, want 6", got)
	}
}

func TestRunTimesOut(t *testing.T) {
	wait := func(ctx context.Context, _ int) (time.Duration, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	failed := 0
	count := func(_ int, _ time.Duration, err error) bool {
		if errors.Is(err, context.DeadlineExceeded) {
			failed++
		}
		return true
	}
	Run{Items: 4, Parallel: 2, Timeout: time.Millisecond, Do: wait, Done: count}.Start(t.Context())
	if failed != 4 {
		t.Errorf("%d of 4 timed out", failed)
	}
	failed = 0
	begun := atomic.Int32{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	Run{Items: 4, Parallel: 4, Done: count, Do: func(ctx context.Context, index int) (took time.Duration, err error) {
		begun.Add(1)
		return wait(ctx, index)
	}}.Start(ctx) // or for ever
	if failed != int(begun.Load()) {
		t.Errorf("%d of %d under way were ended by the deadline of the whole", failed, begun.Load())
	}
}

// TestRunMemory: an item begins, and its time with it, when there is room for
// it. It is not begun at all if the batch is stopped before. Items without
// memory do not wait behind it.
func TestRunMemory(t *testing.T) {
	var begun []int
	var mu sync.Mutex
	large, small := make(chan struct{}), make(chan struct{})
	Run{
		Items: 4, Parallel: 3, Timeout: time.Minute, Room: 10,
		Memory: func(index int) int64 {
			if index > 0 {
				<-large // the first has its room before the others ask
			}
			return []int64{100, 10, 0, 10}[index] // more than there is counts as all
		},
		Do: func(ctx context.Context, index int) (time.Duration, error) {
			mu.Lock()
			begun = append(begun, index)
			mu.Unlock()
			switch index {
			case 0:
				close(large)
				<-small // the small one is done although the second item waits
				return 0, errors.New("stops the others")
			case 2:
				close(small)
			}
			return 0, nil
		},
		Done: func(index int, _ time.Duration, err error) bool { return err == nil },
	}.Start(t.Context())
	slices.Sort(begun)
	if !slices.Equal(begun, []int{0, 2}) {
		t.Errorf("begun %v, want 0 and 2", begun)
	}
}

// TestRunLearns: each wanted item is learned about once, before it begins.
func TestRunLearns(t *testing.T) {
	const items = 2*sdk.MaxItems + 10
	known := make([]int, items)
	groups := 0
	Run{
		Items: items, Parallel: 4, Room: 1,
		Wanted: func(index int) bool { return index != 3 },
		Learn: func(_ context.Context, indices []int) {
			groups++
			if len(indices) > sdk.MaxItems {
				t.Errorf("a group of %d", len(indices))
			}
			for _, i := range indices {
				known[i]++
			}
		},
		Memory: func(index int) int64 {
			if known[index] != 1 {
				t.Errorf("item %d begins, and was learned about %d times", index, known[index])
			}
			return 0
		},
		Do:   func(context.Context, int) (time.Duration, error) { return 0, nil },
		Done: func(int, time.Duration, error) bool { return true },
	}.Start(t.Context())
	if groups != 3 || known[3] != 0 {
		t.Errorf("%d groups, item 3 %d times", groups, known[3])
	}
}
