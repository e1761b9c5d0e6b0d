package retry

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

var (
	errTemporary error = sdk.Errorf(sdk.Busy, "busy")
	errPermanent error = sdk.Errorf(sdk.Unauthenticated, "wrong password")
)

// failing fails with errs, one after the other, then succeeds.
func failing(errs ...error) func(context.Context) error {
	return func(context.Context) (err error) {
		if len(errs) > 0 {
			err, errs = errs[0], errs[1:]
		}
		return err
	}
}

func ignore(Failure) error { return nil }

func TestDo(t *testing.T) {
	never := errors.New("cannot be recorded")
	for _, c := range []struct {
		what     string
		policy   Policy
		errs     []error
		failed   func(Failure) error
		attempts int
		want     error // nil: success
	}{
		{"at once", Policy{Attempts: 3}, nil, ignore, 1, nil},
		{"at the third", Policy{Attempts: 3}, []error{errTemporary, errTemporary}, ignore, 3, nil},
		{"never", Policy{Attempts: 3}, []error{errTemporary, errTemporary, errTemporary}, ignore, 3, errTemporary},
		{"for good", Policy{Attempts: 3}, []error{errPermanent}, ignore, 1, errPermanent},
		{"for good at the second", Policy{Attempts: 3}, []error{errTemporary, errPermanent}, ignore, 2, errPermanent},
		{"off", Policy{}, []error{errTemporary}, ignore, 1, errTemporary},
		{"no budget", Policy{Attempts: 3, Budget: NewBudget(1)}, []error{errTemporary, errTemporary}, ignore, 2, errTemporary},
		{"not recorded", Policy{Attempts: 3}, []error{errTemporary}, func(Failure) error { return never }, 1, never},
	} {
		attempts, err := Do(t.Context(), c.policy, failing(c.errs...), c.failed)
		if attempts != c.attempts || !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %d attempts, %v; want %d, %v", c.what, attempts, err, c.attempts, c.want)
		}
	}
}

func TestBudgetComesBack(t *testing.T) {
	p := Policy{Attempts: 2, Budget: NewBudget(1)}
	for range 3 {
		if _, err := Do(t.Context(), p, failing(errTemporary), ignore); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Do(t.Context(), p, failing(errTemporary, errTemporary), ignore); err == nil {
		t.Fatal("want the second attempt to fail")
	}
	if attempts, _ := Do(t.Context(), p, failing(errTemporary), ignore); attempts != 1 {
		t.Errorf("%d attempts without budget", attempts)
	}
}

// hour waits longer than any test.
var hour = Policy{Attempts: 3, Initial: time.Hour, Max: time.Hour, Factor: 1}

func TestStopEndsWait(t *testing.T) {
	stop := make(chan struct{})
	p := hour
	p.Stop = stop
	attempts, err := Do(t.Context(), p, failing(errTemporary), func(Failure) error {
		close(stop)
		return nil
	})
	if attempts != 1 || !errors.Is(err, context.Canceled) || !errors.Is(err, errTemporary) {
		t.Errorf("%d attempts, %v", attempts, err)
	}
	// Stopped before: one attempt all the same, with a context that lasts.
	attempts, err = Do(t.Context(), p, func(ctx context.Context) error { return ctx.Err() }, ignore)
	if attempts != 1 || err != nil {
		t.Errorf("%d attempts, %v", attempts, err)
	}
	attempts, err = Do(t.Context(), p, failing(errTemporary), func(Failure) error {
		t.Error("repeated after the stop")
		return nil
	})
	if attempts != 1 || !errors.Is(err, errTemporary) {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

func TestEndOfContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Do(ctx, hour, failing(errTemporary), func(Failure) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) || !errors.Is(err, errTemporary) {
		t.Errorf("interrupted in a wait: %v, want both errors", err)
	}
	if want := "interrupted while waiting to try again: busy"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	attempts, err := Do(ctx, hour, failing(errTemporary), func(Failure) error {
		t.Error("a wait that outlasts the deadline was begun")
		return nil
	})
	if attempts != 1 || !errors.Is(err, errTemporary) {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

func TestWait(t *testing.T) {
	p := Policy{Initial: time.Second, Max: 32 * time.Second, Factor: 2}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 32, 32} {
		if got := p.wait(i + 1); got != want*time.Second {
			t.Errorf("after attempt %d: %v, want %d s", i+1, got, want)
		}
	}
	p.Jitter, p.Rand = true, rand.New(rand.NewPCG(1, 2))
	least, most := time.Hour, time.Duration(0)
	for range 1000 {
		w := p.wait(3)
		least, most = min(least, w), max(most, w)
		if w := p.wait(7); w > 32*time.Second {
			t.Fatalf("%v is above the cap", w)
		}
	}
	if least < 3600*time.Millisecond || least > 3650*time.Millisecond || most > 4400*time.Millisecond || most < 4350*time.Millisecond {
		t.Errorf("waits from %v to %v, want 3.6 to 4.4 s", least, most)
	}
}
