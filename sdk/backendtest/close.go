package backendtest

import (
	"bytes"
	"io"
	"sync"

	"github.com/codex-archive/codex/sdk"
)

func closeRules() []Rule {
	return []Rule{
		must("CLOSE-01", "After Close every call is Invalid.", func(t *T) {
			b := t.backend()
			t.closed(b)
			_, err := b.Put(t.ctx, sequence(t.item(10)))
			t.kind(err, sdk.Invalid)
			_, err = b.Missing(t.ctx, []sdk.Digest{{1}})
			t.kind(err, sdk.Invalid)
			for _, err := range b.Get(t.ctx, []sdk.Tombstone{t.id()}) {
				t.kind(err, sdk.Invalid)
			}
			t.listFails(b, sdk.Query{}, sdk.Invalid)
			t.kind(b.Append(t.ctx, []sdk.Event{t.event(t.id(), sdk.ActionRestore)}), sdk.Invalid)
			_, err = b.Purge(t.ctx, t.purge(t.id()))
			t.kind(err, sdk.Invalid)
			_, err = b.Health(t.ctx)
			t.kind(err, sdk.Invalid)
		}),
		must("CLOSE-02", "Closing twice is harmless.", func(t *T) {
			b := t.backend()
			t.closed(b)
			t.closed(b)
		}),
		must("CLOSE-03", "What was stored before Close is there for the next handle.", func(t *T) {
			b, s := t.backend(), t.items(10)
			t.put(b, s...)
			t.closed(b)
			t.same(t.backend(), s...)
		}),
		proof(canClose, must("CLOSE-06", "Close succeeds on a handle that was opened, and has no call under way.", func(t *T) {
			t.closed(t.backend())
		})),
		must("CLOSE-07", "Close ends every goroutine that the handle has started.", goroutineLeak, needsValue),
		must("CLOSE-04", "Close during a Put ends it: its items are all there or none is.", closeDuringPut),
		must("CLOSE-05", "Close during a Get or a List ends it; no wrong bytes come.", closeDuringRead),
	}
}

func (t *T) closed(b sdk.Backend) {
	if err := b.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// closing returns a function that closes b in another goroutine when it is
// first called, and one that waits until b is closed.
func (t *T) closing(b sdk.Backend) (start, wait func()) {
	var once sync.Once
	done := make(chan struct{})
	begin := func() {
		once.Do(func() {
			go func() {
				defer close(done)
				t.guarded(func() { t.closed(b) })
			}()
		})
	}
	return begin, func() {
		begin() // nothing came that could have started it
		<-done
	}
}

func closeDuringPut(t *T) {
	for _, n := range []int{100, sdk.StagedBody + 1} {
		b := t.backend()
		s := []sample{t.item(n), t.item(100), t.item(100)}
		start, wait := t.closing(b)
		_, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
			for i, one := range s {
				if i == 1 {
					start()
				}
				if !yield(one.item(), nil) {
					return
				}
			}
		})
		wait()
		if fresh := t.backend(); err == nil {
			t.same(fresh, s...)
		} else {
			t.unseen(fresh, s...)
		}
	}
}

func closeDuringRead(t *T) {
	w := t.backend()
	s := []sample{t.item(100), t.item(20 * sdk.ChunkSize), t.item(100)}
	t.put(w, s...)
	b := t.backend()
	start, wait := t.closing(b)
	i := 0
	for found, err := range b.Get(t.ctx, tombstones(s...)) {
		if err != nil {
			break
		}
		start()
		if found.Err == nil {
			if got, err := io.ReadAll(found.Body); err == nil && !bytes.Equal(got, s[i].body) {
				t.Errorf("body %d: no error, but %s", i, differ(s[i].body, got))
			}
		}
		i++
	}
	wait()

	b = t.backend()
	start, wait = t.closing(b)
	seen := 0
	var last error
	for _, err := range b.List(t.ctx, sdk.Query{Repo: t.repo()}) {
		if last = err; err == nil {
			start()
			seen++
		}
	}
	wait()
	if last == nil && seen != len(s) {
		t.Errorf("list ended without error after %d of %d records", seen, len(s))
	}
	t.live(t.backend(), tombstones(s...)...)
}
