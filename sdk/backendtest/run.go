package backendtest

import (
	"context"
	"fmt"
	"maps"
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
		t.Fatalf("%v%s", err, below(r.programs.ends()))
	}
	for _, rule := range Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			res := r.run(t.Context(), rule)
			switch {
			case res.Status == Skipped:
				t.Skip("needs " + res.Why)
			case res.Status == Failed && rule.Level == Should:
				t.Logf("%s (only SHOULD)\n%s", rule.Says, res.Detail())
			case res.Status == Failed:
				t.Errorf("%s\n%s", rule.Says, res.Detail())
			}
		})
	}
}

// RunRules runs the rules that o selects, one after the other, and reports. An
// error says that nothing could be tried, because the program does not start, or
// the archive does not open or is not empty; the report then says so too. When ctx
// ends, the rules that are left are skipped.
func RunRules(ctx context.Context, target Target, o Options) (*Report, error) {
	r := &runner{target: &target, options: o}
	err := r.begin(ctx)
	rep := newReport(&target, o)
	if err != nil {
		rep.Error, rep.Programs = visible(err.Error()), r.programs.ends()
		return rep, err
	}
	for _, rule := range Rules() {
		if o.Run != nil && !o.Run(rule.ID) {
			continue
		}
		if o.Begin != nil {
			o.Begin(rule)
		}
		res := r.run(ctx, rule)
		rep.add(res)
		if o.Done != nil {
			o.Done(res)
		}
	}
	rep.Complete = o.Run == nil && !r.cutShort
	return rep, nil
}

// runner runs rules on one archive, which they share: each keeps to
// repositories, ids and bodies of its own.
type runner struct {
	target   *Target
	options  Options
	url      string
	programs programs           // before the first rule
	broken   map[Ability]string // why it is not there
	stop     string             // what the rules need that are left
	cutShort bool               // a rule was not tried for a reason that is not the target's
}

// begin asks the backend what it is and makes the first archive.
func (r *runner) begin(ctx context.Context) error {
	err := r.bounded(ctx, "describe", func(ctx context.Context) error {
		return r.target.describe(ctx, setup{programs: &r.programs})
	})
	if err != nil {
		return err
	}
	return r.newArchive(ctx, true)
}

// newArchive makes the archive that rules share. The first one must be empty: the
// kit leaves test data behind.
func (r *runner) newArchive(ctx context.Context, first bool) error {
	r.url = r.target.URL()
	r.target.sampleURL = r.url
	return r.tryArchive(ctx, "make the archive for the tests", sdk.Create, func(ctx context.Context, b sdk.Backend) error {
		if first {
			return empty(ctx, b)
		}
		return nil
	})
}

// tryArchive opens the archive that rules share, and looks at it.
func (r *runner) tryArchive(ctx context.Context, what string, m sdk.Mode, look func(context.Context, sdk.Backend) error) error {
	return r.bounded(ctx, what, func(ctx context.Context) error {
		b, err := r.target.open(ctx, sdk.Options{URL: r.url, Mode: m}, setup{programs: &r.programs})
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		err = look(ctx, b)
		if !quietly(b) { // a rule of its own says so
			r.programs.kill()
		}
		return err
	})
}

// goOn finds an archive for the rules after one that hangs: what hangs may hold
// locks. They get a new archive; a target that has only one is asked whether that
// still opens and answers. Where that fails those that open an archive are skipped.
func (r *runner) goOn(ctx context.Context, rule Rule, res *Result) {
	var err error
	if r.target.Single {
		err = r.tryArchive(ctx, "open the archive for the tests again", sdk.ReadWrite, func(ctx context.Context, b sdk.Backend) error {
			_, err := b.Health(ctx)
			return err
		})
	} else {
		err = r.newArchive(ctx, false)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	res.Why += "\n" + visible(err.Error())
	r.lacks(canOpen, visible(fmt.Sprintf("an archive, and after %s hung there was none: %v", rule.ID, err)))
}

// bounded makes a call that may hang, or panic.
func (r *runner) bounded(ctx context.Context, what string, call func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, r.deadline())
	defer cancel()
	done := make(chan error, 1)
	go func() { // ends when the backend ends the call
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("%s: panic: %v\n%s", what, p, debug.Stack())
			}
		}()
		done <- call(limited)
	}()
	late := time.NewTimer(r.deadline() + min(grace, r.deadline()))
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		r.programs.kill()
		return sdk.Errorf(sdk.Timeout, "%s: it hangs, and did not end when its context did", what)
	}
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
// costs its rule and no more.
func (r *runner) run(parent context.Context, rule Rule) Result {
	res := Result{ID: rule.ID, Says: rule.Says, See: rule.See(), Level: rule.Level, Status: Passed}
	if why := r.skips(parent, rule); why != "" {
		res.Status, res.Why = Skipped, why
		return res
	}
	ctx, cancel := context.WithTimeout(parent, r.deadline()*time.Duration(max(1, rule.patience)))
	defer cancel()
	t := &T{ctx: ctx, target: r.target, rule: rule, seed: r.options.Seed, url: r.url, wait: r.deadline() / 4, broken: r.broken}
	start := time.Now()
	hung := t.run(min(grace, r.deadline()))
	if hung {
		t.programs.kill()
	}
	res.Duration = time.Since(start)
	t.result(&res)
	if res.Status == Failed && !hung && parent.Err() != nil { // what it saw may be the end of the run
		res = Result{ID: res.ID, Says: res.Says, See: res.See, Level: res.Level, Duration: res.Duration, Status: Skipped, Why: r.skips(parent, rule)}
	}
	r.learn(rule, res)
	if hung {
		r.goOn(parent, rule, &res)
	}
	return res
}

// skips says what a rule needs that is not there, "" where it can be tried.
func (r *runner) skips(ctx context.Context, rule Rule) string {
	for _, n := range rule.Needs {
		if !n.met(r.target) {
			return n.Reason
		}
	}
	if r.stop == "" && ctx.Err() != nil {
		r.stop = "time: the run was stopped"
	}
	r.cutShort = r.cutShort || r.stop != ""
	return r.stop
}

// learn draws conclusions from a rule that failed.
func (r *runner) learn(rule Rule, res Result) {
	r.cutShort = r.cutShort || res.depends
	if res.Status != Failed || rule.Level != Must {
		return
	}
	if rule.proves != "" {
		r.lacks(rule.proves, fmt.Sprintf("%s, and %s failed", rule.proves, rule.ID))
	}
	if r.options.FailFast {
		r.stop = "a run that goes on: " + rule.ID + " failed, and the first failure ends this one"
	}
}

// lacks has the rules that need an ability skipped. The first reason counts.
func (r *runner) lacks(a Ability, why string) {
	if r.broken[a] != "" {
		return
	}
	broken := maps.Clone(r.broken) // a rule that was left behind may read the old one
	if broken == nil {
		broken = map[Ability]string{}
	}
	broken[a] = why
	r.broken = broken
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
		t.Errorf("the time of the rule was over (%v); a longer deadline shows whether it is slow or hangs", t.ctx.Err())
		return false
	case <-late.C:
		in := ""
		if methods := t.calls.hanging(); methods != "" {
			in = " in " + methods
		}
		t.Errorf("hangs%s: did not end when its context did (%v)", in, t.ctx.Err())
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
	t.over = true
	switch {
	case t.depends:
		res.Status, res.Why, res.depends = Skipped, t.skipped, true
	case t.failed:
		if t.unlogged > 0 {
			t.log = append(t.log, fmt.Sprintf("and %d more lines", t.unlogged))
		}
		res.Status, res.Why = Failed, strings.Join(t.log, "\n")
	case t.skipped != "":
		res.Status, res.Why = Skipped, t.skipped
	}
	t.mu.Unlock()
	if res.Status == Failed {
		res.Calls, res.Programs = t.calls.lines(), t.programs.ends()
	}
}
