package backendtest

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func contextRules() []Rule {
	return []Rule{
		must("CONTEXT-01", "With a context that has ended every call fails with Canceled, or Timeout, and changes nothing.", deadContext),
		must("CONTEXT-02", "A cancel in the middle of a Put ends it with Canceled; nothing of the call is visible.", func(t *T) {
			b := t.backend()
			t.canceled(b, 0, context.Canceled, t.items(20)...)
			t.canceled(b, 5, context.Canceled, t.items(20)...)
		}),
		must("CONTEXT-03", "A deadline that passes in the middle of a Put ends it with Timeout; nothing of the call is visible.", func(t *T) {
			t.canceled(t.backend(), 5, context.DeadlineExceeded, t.items(20)...)
		}),
		must("CONTEXT-04", "A cancel after a body above StagedBody, or in the middle of one, leaves nothing.", func(t *T) {
			b := t.backend()
			t.canceled(b, 2, context.Canceled, t.item(10), t.item(sdk.StagedBody+1), t.item(sdk.StagedBody+1), t.item(10))
			s := []sample{t.item(10), t.item(2*sdk.StagedBody + 1)}
			ctx, cancel := context.WithCancel(t.ctx)
			defer cancel()
			item := s[1].item()
			item.Body = &canceler{r: item.Body, after: sdk.StagedBody + sdk.ChunkSize, cancel: cancel}
			_, err := b.Put(ctx, then(s[0], item))
			t.endedBy(err, context.Canceled)
			t.unseen(b, s...)
			t.missing(b, s...)
			t.put(b, s...)
			t.same(b, s...)
		}),
		must("CONTEXT-05", "A cancel in the middle of a Get ends it with Canceled; bodies are never cut short silently.", cancelGet),
		must("CONTEXT-06", "A cancel in the middle of a List ends it with Canceled.", func(t *T) {
			b := t.backend()
			s := t.many(b)
			ctx, cancel := context.WithCancel(t.ctx)
			defer cancel()
			n := 0
			var last error
			for _, err := range b.List(ctx, sdk.Query{Repo: t.repo()}) {
				if last = err; err != nil {
					break
				}
				if n++; n == 10 {
					cancel()
				}
			}
			t.endedBy(last, context.Canceled)
			t.lists(b, "repository", sdk.Query{Repo: t.repo()}, s...)
		}),
	}
}

// endedBy checks that a call ended because its context did.
func (t *T) endedBy(err error, want error) {
	kind := sdk.Canceled
	if want == context.DeadlineExceeded {
		kind = sdk.Timeout
	}
	if err != nil && !errors.Is(err, want) {
		t.Errorf("errors.Is(%q, %q) does not hold", err, want)
	}
	t.kind(err, kind)
}

func deadContext(t *T) {
	b, s, fresh := t.backend(), t.item(100), t.item(100)
	t.put(b, s)
	t.append(b, t.request(s.Tombstone, "requester"))
	canceled, cancel := context.WithCancel(t.ctx)
	cancel()
	late, stop := context.WithDeadline(t.ctx, time.Now().Add(-time.Hour))
	defer stop()
	for _, ctx := range []context.Context{canceled, late} {
		want := ctx.Err()
		_, err := b.Put(ctx, sequence(fresh))
		t.endedBy(err, want)
		_, err = b.Missing(ctx, []sdk.Digest{s.Content.SHA256})
		t.endedBy(err, want)
		err = nil
		for _, err = range b.Get(ctx, tombstones(s)) {
		}
		t.endedBy(err, want)
		err = nil
		for _, err = range b.List(ctx, sdk.Query{Repo: t.repo()}) {
		}
		t.endedBy(err, want)
		t.endedBy(b.Append(ctx, []sdk.Event{t.hold(s.Tombstone, "case")}), want)
		_, err = b.Purge(ctx, t.purge(s.Tombstone))
		t.endedBy(err, want)
		_, err = b.Health(ctx)
		t.endedBy(err, want)
	}
	t.unseen(b, fresh)
	t.missing(b, fresh)
	t.untouched(b, s)
	t.activeHolds(b, s, 0)
}

// canceled stores samples while the context ends before item k is yielded, and
// the sequence goes on regardless.
func (t *T) canceled(b sdk.Backend, k int, why error, s ...sample) {
	ctx, cancel := context.WithCancel(t.ctx)
	if why == context.DeadlineExceeded {
		ctx, cancel = t.within(50 * time.Millisecond)
	}
	defer cancel()
	_, err := b.Put(ctx, func(yield func(sdk.Item, error) bool) {
		for i, one := range s {
			if i == k {
				if why == context.Canceled {
					cancel()
				}
				<-ctx.Done()
			}
			if !yield(one.item(), nil) {
				return
			}
		}
	})
	t.endedBy(err, why)
	t.unseen(b, s...)
	t.missing(b, s...)
	t.put(b, s...)
	t.same(b, s...)
}

// canceler cancels when so many bytes have been read, and reads on.
type canceler struct {
	r      io.Reader
	after  int
	cancel func()
}

func (c *canceler) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.after -= n; c.after <= 0 {
		c.cancel()
	}
	return n, err
}

func cancelGet(t *T) {
	b := t.backend()
	s := []sample{t.item(100), t.item(40 * sdk.ChunkSize), t.item(100)}
	t.put(b, s...)
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	var last error
	i := 0
	for found, err := range b.Get(ctx, tombstones(s...)) {
		if last = err; err != nil {
			break
		}
		if i == 1 {
			head := make([]byte, 1000)
			if _, err := io.ReadFull(found.Body, head); err != nil {
				t.Errorf("before the cancel: %v", err)
			}
			cancel()
			// What has arrived may still come out; an end that looks sound must be the true end.
			if rest, err := io.ReadAll(found.Body); err == nil && len(rest) != len(s[1].body)-len(head) {
				t.Errorf("after the cancel the body ended without error at %d of %d bytes", len(head)+len(rest), len(s[1].body))
			}
		}
		i++
	}
	t.endedBy(last, context.Canceled)
	t.same(b, s...)
}
