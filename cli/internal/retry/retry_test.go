package retry

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

var (
	errPassing = errors.New("passing")
	errFinal   = errors.New("final")
)

func isPassing(err error) bool { return errors.Is(err, errPassing) }

// run plays a script of results and returns the failures that were told.
func run(ctx context.Context, p Policy, results ...error) (attempts int, told []Failure, err error) {
	calls := 0
	attempts, err = Do(ctx, p, func(context.Context) error {
		calls++
		return results[calls-1]
	}, isPassing, func(f Failure) error {
		told = append(told, f)
		return nil
	})
	if calls != attempts {
		return attempts, told, errors.New("attempts were counted wrong")
	}
	return attempts, told, err
}

func TestDo(t *testing.T) {
	three := Policy{Attempts: 3, Factor: 2}
	for name, c := range map[string]struct {
		policy   Policy
		results  []error
		attempts int
		want     error
	}{
		"at once":       {three, []error{nil}, 1, nil},
		"third time":    {three, []error{errPassing, errPassing, nil}, 3, nil},
		"used up":       {three, []error{errPassing, errPassing, errPassing}, 3, errPassing},
		"final":         {three, []error{errPassing, errFinal}, 2, errFinal},
		"retry is off":  {Policy{}, []error{errPassing}, 1, errPassing},
		"one attempt":   {Policy{Attempts: 1}, []error{errPassing}, 1, errPassing},
		"budget is out": {Policy{Attempts: 3, Budget: NewBudget(1)}, []error{errPassing, errPassing}, 2, errPassing},
	} {
		t.Run(name, func(t *testing.T) {
			attempts, told, err := run(t.Context(), c.policy, c.results...)
			if attempts != c.attempts || !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%d attempts, %v; want %d, %v", attempts, err, c.attempts, c.want)
			}
			if len(told) != attempts-1 {
				t.Errorf("%d failures told, want %d", len(told), attempts-1)
			}
			for i, f := range told {
				if f.Attempt != i+1 || !isPassing(f.Err) {
					t.Errorf("failure %d: %+v", i, f)
				}
			}
		})
	}
}

// TestInterrupted: a wait ends with its context, and the last error is kept.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := Policy{Attempts: 3, Initial: time.Hour, Max: time.Hour, Factor: 1}
	attempts, err := Do(ctx, p, func(context.Context) error { return errPassing }, isPassing, func(Failure) error {
		cancel()
		return nil
	})
	if attempts != 1 || !errors.Is(err, context.Canceled) || !errors.Is(err, errPassing) {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

// TestFailedEndsIt: what cannot be recorded is not repeated.
func TestFailedEndsIt(t *testing.T) {
	attempts, err := Do(t.Context(), Policy{Attempts: 3}, func(context.Context) error { return errPassing }, isPassing,
		func(Failure) error { return errFinal })
	if attempts != 1 || !errors.Is(err, errFinal) || !errors.Is(err, errPassing) {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

// TestWaits are the waits that the documentation promises.
func TestWaits(t *testing.T) {
	p := Policy{Initial: time.Second, Max: 32 * time.Second, Factor: 2}
	for n, want := range []time.Duration{1, 2, 4, 8, 16, 32, 32, 32} {
		if got := p.wait(n + 1); got != want*time.Second {
			t.Errorf("after attempt %d: %v, want %v s", n+1, got, want)
		}
	}
	p.Jitter, p.Rand = true, rand.New(rand.NewPCG(1, 2))
	low, high := time.Hour, time.Duration(0)
	for range 10_000 {
		w := p.wait(3)
		low, high = min(low, w), max(high, w)
	}
	if low < 3600*time.Millisecond || low > 3610*time.Millisecond || high > 4400*time.Millisecond || high < 4390*time.Millisecond {
		t.Errorf("with jitter 4 s become %v to %v, want 3.6 s to 4.4 s", low, high)
	}
	if got := p.wait(60); got != p.Max {
		t.Errorf("the cap is applied after jitter: %v", got)
	}
	if got := (Policy{Initial: time.Hour, Max: time.Hour, Factor: 10}).wait(1000); got != time.Hour {
		t.Errorf("a huge power gives %v", got)
	}
}

func TestBudgetIsShared(t *testing.T) {
	budget := NewBudget(10)
	p := Policy{Attempts: 10, Factor: 1, Budget: budget}
	var mu sync.Mutex
	total := 0
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			attempts, _ := Do(t.Context(), p, func(context.Context) error { return errPassing }, isPassing, func(Failure) error { return nil })
			mu.Lock()
			defer mu.Unlock()
			total += attempts
		})
	}
	wg.Wait()
	if total != 32+10 {
		t.Errorf("%d attempts of 32 callers with 10 repeats", total)
	}
	if _, _, err := run(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	if !budget.take() || budget.take() {
		t.Error("a success brings exactly one token back")
	}
}
