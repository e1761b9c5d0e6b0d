package backendtest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Run runs all rules as subtests named by their ids.
func Run(t *testing.T, target Target) {
	t.Helper()
	r := &runner{target: &target}
	if err := r.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, rule := range Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			res := r.run(t.Context(), rule)
			switch {
			case res.Status == Skipped:
				t.Skip("needs " + res.Why)
			case res.Status == Failed && rule.Level == Should:
				t.Logf("%s (only SHOULD)\n%s", rule.Says, res.Why)
			case res.Status == Failed:
				t.Errorf("%s\n%s", rule.Says, res.Why)
			}
		})
	}
}

// RunRules runs the rules that o selects, one after the other, and reports. An
// error says that nothing could be tried: the archive does not open, or is not
// empty. When ctx ends, the rules that are left are skipped.
func RunRules(ctx context.Context, target Target, o Options) (*Report, error) {
	r := &runner{target: &target, options: o}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	rep := newReport(&target, o.Seed)
	for _, rule := range Rules() {
		if o.Run != nil && !o.Run(rule.ID) {
			continue
		}
		res := r.run(ctx, rule)
		rep.add(res)
		if o.Done != nil {
			o.Done(res)
		}
	}
	return rep, nil
}

// runner runs rules on one archive, which they share: each keeps to
// repositories, ids and bodies of its own.
type runner struct {
	target  *Target
	options Options
	url     string
}

// begin asks the backend what it is and makes the first archive.
func (r *runner) begin(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, r.deadline())
	defer cancel()
	if err := r.target.describe(asking); err != nil {
		return err
	}
	return r.newArchive(ctx)
}

// newArchive makes the archive that rules share, and refuses one that holds
// anything: the kit leaves test data behind.
func (r *runner) newArchive(ctx context.Context) error {
	r.url = r.target.URL()
	ctx, cancel := context.WithTimeout(ctx, r.deadline())
	defer cancel()
	b, err := r.target.open(ctx, sdk.Options{URL: r.url, Mode: sdk.Create})
	if err != nil {
		return fmt.Errorf("make the archive for the tests: %w", err)
	}
	err = empty(ctx, b)
	return errors.Join(err, b.Close())
}

func empty(ctx context.Context, b sdk.Backend) error {
	for _, err := range b.List(ctx, sdk.Query{Limit: 1}) {
		if err != nil {
			return fmt.Errorf("look whether the archive is empty: %w", err)
		}
		return sdk.Errorf(sdk.Refused, "the archive is not empty: the kit writes only into one that is")
	}
	return nil
}

func (r *runner) deadline() time.Duration {
	if r.options.Deadline > 0 {
		return r.options.Deadline
	}
	return defaultDeadline
}

// run runs one rule in a goroutine of its own, so that a backend that hangs
// costs its rule and no more. What hangs may hold locks: the rules after it get
// a new archive where the target has more than one.
func (r *runner) run(parent context.Context, rule Rule) Result {
	res := Result{ID: rule.ID, Says: rule.Says, Level: rule.Level, Status: Passed}
	if parent.Err() != nil {
		res.Status, res.Why = Skipped, "time: the run was stopped"
		return res
	}
	for _, n := range rule.Needs {
		if !n.met(r.target) {
			res.Status, res.Why = Skipped, n.Reason
			return res
		}
	}
	ctx, cancel := context.WithTimeout(parent, r.deadline()*time.Duration(max(1, rule.patience)))
	defer cancel()
	t := &T{ctx: ctx, target: r.target, rule: rule, seed: r.options.Seed, url: r.url}
	start := time.Now()
	hung := t.run(min(grace, r.deadline()))
	res.Duration = time.Since(start)
	t.result(&res)
	if hung && !r.target.Single {
		if err := r.newArchive(parent); err != nil {
			res.Why += "\n" + err.Error()
		}
	}
	return res
}

// run reports whether the rule had to be left behind, because it did not end so
// long after its context did. Its goroutine, and what it called, then live
// until the backend ends the call.
func (t *T) run(grace time.Duration) (hung bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.guard()
		defer t.cleanup()
		defer t.guard()
		t.rule.Check(t)
	}()
	select {
	case <-done:
		return false
	case <-t.ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-done:
		t.Errorf("the time of the rule was over: %v", t.ctx.Err())
		return false
	case <-late.C:
		t.Errorf("hangs: did not end when its context did (%v)", t.ctx.Err())
		return true
	}
}

// guard turns a panic, of the backend as a rule, into a failure.
func (t *T) guard() {
	if p := recover(); p != nil {
		t.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// result closes t and writes what came of it into res.
func (t *T) result(res *Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	switch {
	case t.failed:
		if t.unlogged > 0 {
			t.log = append(t.log, fmt.Sprintf("and %d more lines", t.unlogged))
		}
		res.Status, res.Why = Failed, strings.Join(t.log, "\n")
	case t.skipped != "":
		res.Status, res.Why = Skipped, t.skipped
	}
}
