package backendtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// T is what a rule works with: the little of [testing.T] that it needs, which
// also exists outside "go test", and makers of ids, bodies and records that
// belong to this rule alone.
//
// The methods that fail may be called from any goroutine; Fatalf and Skipf end
// only the goroutine they are called in, so call them in the rule's own.
type T struct {
	ctx    context.Context
	target *Target
	rule   Rule
	seed   uint64
	url    string        // of the archive that rules share
	wait   time.Duration // for what should end, until it is given up
	made   int           // how many ids and records were made
	opened int           // how many handles were
	broken map[Ability]string

	calls    calls
	programs programs

	mu       sync.Mutex
	log      []string // at most mostLines
	unlogged int      // lines that came after them
	failed   bool
	skipped  string
	depends  bool // on what another rule has found not to work
	over     bool // the runner has gone on: nothing counts any more
	cleanups []func()
}

// mostLines bounds what one rule says: what is wrong a hundred times is clear
// after a few.
const mostLines = 20

// Context ends when the rule's time is up.
func (t *T) Context() context.Context { return t.ctx }

// Logf notes something that is shown, once, if the rule fails.
func (t *T) Logf(format string, args ...any) {
	line := visible(fmt.Sprintf(format, args...))
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over || slices.Contains(t.log, line):
	case len(t.log) == mostLines:
		t.unlogged++
	default:
		t.log = append(t.log, line)
	}
}

// unlog forgets what was noted, because it went well.
func (t *T) unlog() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.failed {
		t.log = nil
	}
}

// Errorf notes a failure and goes on.
func (t *T) Errorf(format string, args ...any) {
	t.Logf(format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = t.failed || !t.over
}

// Fatalf notes a failure and ends the rule.
func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// Skipf says why the rule cannot be tried, and ends it.
func (t *T) Skipf(format string, args ...any) {
	t.mu.Lock()
	t.skipped = fmt.Sprintf(format, args...)
	t.mu.Unlock()
	runtime.Goexit()
}

// require skips the rule where the backend does not have an optional ability.
func (t *T) require(c sdk.Capability) {
	d := plugin.Description{Name: t.target.Name, Version: t.target.Version, Capabilities: t.target.Capabilities}
	if err := d.Require(c); err != nil {
		t.Skipf("a capability: %v", err)
	}
}

// Failed reports whether the rule has failed so far.
func (t *T) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// Cleanup has f called when the rule has ended, the last one first.
func (t *T) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

// TempDir returns a new directory that is removed when the rule has ended.
func (t *T) TempDir() string {
	dir, err := os.MkdirTemp("", "backendtest-")
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a directory that is left does no harm
	return dir
}

func (t *T) cleanup() {
	for {
		t.mu.Lock()
		n := len(t.cleanups)
		if n == 0 {
			t.mu.Unlock()
			return
		}
		f := t.cleanups[n-1]
		t.cleanups = t.cleanups[:n-1]
		t.mu.Unlock()
		t.guarded(f)
	}
}

// backend returns a new handle on the shared archive, closed at the end of the
// rule.
func (t *T) backend() sdk.Backend { return t.open(sdk.Options{URL: t.url, Mode: sdk.ReadWrite}) }

// alone gives the rule an archive of its own, where the target has more than one,
// for calls that take longer the more is in the archive.
func (t *T) alone() {
	if t.target.Single {
		return
	}
	t.url = t.target.URL()
	t.closed(t.open(sdk.Options{URL: t.url, Mode: sdk.Create}))
	t.opened = 0
}

// open opens what o says or ends the rule.
func (t *T) open(o sdk.Options) sdk.Backend {
	b, err := t.tryOpen(t.ctx, o)
	if err != nil {
		t.Fatalf("open, %v: %v", o.Mode, err)
	}
	return b
}

func (t *T) tryOpen(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	t.need(canOpen)
	t.shares()
	c := t.calls.begin(canOpen, "open, %v", o.Mode)
	b, err := t.target.open(ctx, o, setup{programs: &t.programs})
	c.end(err, "done")
	if err != nil {
		return nil, err
	}
	b = t.watch(b)
	t.opened++
	t.Cleanup(func() { t.left(b) })
	return b, nil
}

// shares skips the rule where an archive cannot be open twice at once.
func (t *T) shares() {
	if t.opened > 0 {
		t.need(canShare)
	}
}

// left closes b at the end of a rule that has not closed it.
func (t *T) left(b sdk.Backend) {
	w, ok := b.(*watched)
	switch {
	case ok && w.closed.Load():
	case t.broken[canClose] == "" && t.rule.proves != canOpen:
		t.closed(b)
	case ok:
		quietly(w.backend) // a rule of its own says how it ends
	}
}

// quietly closes b, whatever comes of it, and reports whether that ended.
func quietly(b sdk.Backend) bool {
	done := make(chan struct{})
	go func() { // ends when the backend ends the call
		defer close(done)
		defer func() { _ = recover() }()
		_ = b.Close()
	}()
	late := time.NewTimer(quietTime)
	defer late.Stop()
	select {
	case <-done:
		return true
	case <-late.C:
		return false
	}
}

// quietTime is what a handle gets to close where no one looks at that.
const quietTime = time.Second

// within returns a context of the rule that ends after d.
func (t *T) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.ctx, d)
}

// serial returns the next number of this rule.
func (t *T) serial() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made++
	return t.made
}

// key derives 32 bytes from seed, rule and number: the source of everything
// that looks random.
func (t *T) key(n int) [32]byte {
	return digest(fmt.Appendf(binary.BigEndian.AppendUint64(nil, t.seed), "%s/%d", t.rule.ID, n))
}

// guarded calls f, whose panic fails the rule and no more.
func (t *T) guarded(f func()) {
	defer t.guard()
	f()
}

// spawn calls f in a goroutine of group.
func (t *T) spawn(group *sync.WaitGroup, f func()) { group.Go(func() { t.guarded(f) }) }
