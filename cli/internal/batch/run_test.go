package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRunBounded(t *testing.T) {
	const items, parallel = 500, 7
	var now, most atomic.Int32
	done := make([]int, items)
	full := make(chan struct{})
	var once sync.Once
	Run{
		Items: items, Parallel: parallel,
		Do: func(ctx context.Context, index int) error {
			n := now.Add(1)
			defer now.Add(-1)
			for most.Load() < n {
				most.Store(n)
			}
			if n == parallel {
				once.Do(func() { close(full) })
			}
			<-full // the first wait until as many as may be are under way
			return nil
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
		Do: func(ctx context.Context, index int) error { return do(ctx, index, cancel) },
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
	wait := func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
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
	Run{Items: 4, Parallel: 4, Done: count, Do: func(ctx context.Context, index int) error {
		begun.Add(1)
		return wait(ctx, index)
	}}.Start(ctx) // or for ever
	if failed != int(begun.Load()) {
		t.Errorf("%d of %d under way were ended by the deadline of the whole", failed, begun.Load())
	}
}

// TestRunLater: an item that has to wait has its whole time once it begins, and
// is not done at all if the batch is stopped before.
func TestRunLater(t *testing.T) {
	room := make(chan struct{})
	var done []int
	Run{
		Items: 4, Parallel: 4, Timeout: time.Minute,
		Do: func(ctx context.Context, index int) error {
			early, _ := ctx.Deadline()
			switch index {
			case 0:
				<-room // until one waits
				return nil
			case 1:
				return &Later{
					Wait: func(context.Context) error { close(room); return nil },
					Do: func(ctx context.Context) error {
						if late, ok := ctx.Deadline(); !ok || !late.After(early) {
							t.Errorf("the time ends at %v, as it did before the wait", late)
						}
						return nil
					},
				}
			case 2:
				<-room
				return errors.New("stops the others")
			}
			return &Later{
				Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
				Do:   func(context.Context) error { t.Error("begun after the stop"); return nil },
			}
		},
		Done: func(index int, _ time.Duration, err error) bool {
			done = append(done, index)
			return err == nil
		},
	}.Start(t.Context())
	slices.Sort(done)
	if !slices.Equal(done, []int{0, 1, 2}) {
		t.Errorf("done %v, want 0 to 2", done)
	}
}
