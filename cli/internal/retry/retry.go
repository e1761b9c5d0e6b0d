// Package retry repeats calls that failed for a temporary reason, with growing
// waits between them.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	retry "github.com/sethvargo/go-retry"

	"github.com/codex-archive/codex/sdk"
)

// Policy says how often a call is repeated, and after which waits.
type Policy struct {
	Attempts int           // in all, the first included; 1 or less: no repeat
	Initial  time.Duration // wait after the first attempt
	Max      time.Duration // no wait is longer
	Factor   float64       // each wait is so many times the one before
	Jitter   bool          // vary each wait by up to 10 % either way
	Budget   *Budget       // shared by the calls of one command; nil: no limit
	Rand     *rand.Rand    // source of the jitter; nil: the process's own
	// Stop, once closed, ends a wait at once and allows no other, while an
	// attempt under way goes on. nil: never.
	Stop <-chan struct{}
}

// Failure is an attempt that failed and will be repeated after Wait.
type Failure struct {
	Attempt int // from 1
	Err     error
	Wait    time.Duration
}

// Do calls try until it succeeds, its error is permanent, or the policy is used
// up, and returns how often it called it and the last error. The backend decides
// what is temporary: see [sdk.Error]. Before each wait, failed is told; an error
// of its own ends the repeats and is returned beside the last. When ctx ends
// during a wait, Do returns at once with ctx's error beside the last; a wait that
// would outlast ctx's deadline is not begun.
func Do(ctx context.Context, p Policy, try func(context.Context) error, failed func(Failure) error) (attempts int, err error) {
	waits, cancel := context.WithCancel(ctx)
	defer cancel()
	var last error
	ended := retry.Do(waits, retry.BackoffFunc(func() (time.Duration, bool) {
		wait := p.wait(attempts)
		if attempts >= p.Attempts || p.stopped() || Over(ctx, wait) || !p.Budget.take() {
			return 0, true
		}
		if err := failed(Failure{attempts, last, wait}); err != nil {
			last = fmt.Errorf("%w; %w", err, last)
			return 0, true
		}
		return wait, false
	}), func(context.Context) error {
		if attempts++; attempts == 1 {
			p.onStop(waits, cancel) // the first attempt is made in any case
		}
		if last = try(ctx); temporary(last) {
			return retry.RetryableError(last)
		}
		return last
	})
	switch {
	case ended == nil:
		p.Budget.putBack()
		return attempts, nil
	case last == nil:
		return attempts, ended // ctx had ended before
	case ended == context.Cause(waits) && !errors.Is(last, ended):
		return attempts, fmt.Errorf("%w while waiting to try again: %w", waitEnded{ended}, last)
	}
	return attempts, last
}

func temporary(err error) bool {
	var e *sdk.Error
	return errors.As(err, &e) && e.Retry
}

// waitEnded is the error of a context in words.
type waitEnded struct{ err error }

func (e waitEnded) Unwrap() error { return e.err }

func (e waitEnded) Error() string {
	if errors.Is(e.err, context.DeadlineExceeded) {
		return "the time allowed was over"
	}
	return "interrupted"
}

// slack is how much earlier than its caller a backend may see a deadline pass:
// the two have clocks and timers of their own.
const slack = 10 * time.Millisecond

// Over reports whether ctx has ended, or will have when so much time has passed.
func Over(ctx context.Context, after time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < after+slack
}

// onStop calls cancel when p.Stop is closed, as long as ctx lasts.
func (p Policy) onStop(ctx context.Context, cancel func()) {
	if p.Stop == nil {
		return
	}
	go func() {
		select {
		case <-p.Stop:
			cancel()
		case <-ctx.Done():
		}
	}()
}

func (p Policy) stopped() bool {
	select {
	case <-p.Stop:
		return true
	default:
		return false // as for a nil channel
	}
}

// wait returns how long to wait after the n-th attempt:
// min(Max, Initial * Factor^(n-1) * j) with j in 0.9 to 1.1.
func (p Policy) wait(n int) time.Duration {
	seconds := p.Initial.Seconds() * math.Pow(p.Factor, float64(n-1))
	if p.Jitter {
		random := rand.Float64
		if p.Rand != nil {
			random = p.Rand.Float64
		}
		seconds *= 0.9 + 0.2*random()
	}
	if seconds >= p.Max.Seconds() {
		return p.Max
	}
	return time.Duration(seconds * float64(time.Second))
}
