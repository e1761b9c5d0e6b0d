package backendtest

import (
	"iter"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func copyRules() []Rule {
	return []Rule{
		must("COPY-01", "A record that comes with a history has its events, with ids, times, actors and hosts, its holds, and the retention that it comes with.", func(t *T) {
			b := t.backend()
			c, other := t.copied(t.item(100)), t.copied(t.item(100))
			c.events = append(c.events, t.restored(c.Tombstone), t.retain(c.Tombstone, dawn.AddDate(1, 0, 0)), t.request(c.Tombstone, "requester"))
			c.held("one", true)
			c.held("two", false)
			c.RetainUntil = dawn.AddDate(1, 0, 0)
			other.held("three", false)
			t.putCopies(b, c, other, t.copied(t.item(100)))
			t.isCopied(b, c)
			t.isCopied(b, other)
		}),
		must("COPY-02", "The same history again changes nothing; what is new in it is added to the record.", func(t *T) {
			b := t.backend()
			c := t.copied(t.item(100))
			c.held("one", false)
			t.putCopies(b, c)
			t.putCopies(b, c)
			t.isCopied(b, c)
			c.body = nil
			c.events = append(c.events, t.restored(c.Tombstone), t.release(c.Tombstone, "one"))
			c.holds[0].Released = c.events[len(c.events)-1].At
			c.held("two", false)
			t.putCopies(b, c, t.copied(t.item(100)))
			t.isCopied(b, c)
		}),
		must("COPY-03", "A record that was purged elsewhere comes without a body and is purged from the start; the same bytes stored again do not revive it.", func(t *T) {
			b := t.backend()
			c := t.copied(t.item(100))
			c.purged(t)
			t.putCopies(b, c)
			t.isCopied(b, c)
			t.gone(b, c.Tombstone)
			t.missingIs(b, []sdk.Digest{c.Content.SHA256}, []sdk.Digest{c.Content.SHA256})
			live := t.again(c.sample)
			live.body = nil
			t.refused(b, sdk.ContentAbsent, []sdk.Tombstone{live.Tombstone}, live)
			live.body = c.original
			t.put(b, live, sample{c.Record, c.original})
			t.same(b, live)
			t.gone(b, c.Tombstone)
			again := t.copied(t.again(live)) // the body is there now, and stays
			again.purged(t)
			t.putCopies(b, again)
			t.gone(b, again.Tombstone)
			t.same(b, live)
		}),
		must("COPY-04", "A live record whose history has a PURGE is purged and loses its body, which stays if a live record needs it.", func(t *T) {
			b := t.backend()
			c := t.copied(t.item(100))
			shared := t.again(c.sample)
			alone := t.copied(t.item(100))
			large := t.copied(t.item(3 * sdk.ChunkSize))
			t.putCopies(b, c, alone, large)
			t.put(b, shared)
			for _, p := range []*copied{&c, &alone, &large} {
				p.purged(t)
				t.putCopies(b, *p)
				t.isCopied(b, *p)
				t.gone(b, p.Tombstone)
			}
			t.same(b, shared)
			t.missing(b, alone.sample, large.sample)
		}),
		must("COPY-05", "Such a purge is Refused, which names the record, while a hold that was placed here is active, while a retention that was set here lasts, and where the history has no request of another person; nothing of the call is written.", func(t *T) {
			b := t.backend()
			held, retained, alone := t.copied(t.item(100)), t.copied(t.item(100)), t.copied(t.item(100))
			t.putCopies(b, held, retained, alone)
			t.append(b, t.hold(held.Tombstone, "here"), t.retain(retained.Tombstone, sdk.Time(time.Now().Add(time.Hour))))
			for _, c := range []*copied{&held, &retained, &alone} {
				if c.purged(t); c == &alone {
					c.events[0].Actor = c.events[1].Actor
				}
				fresh := t.copied(t.item(100))
				_, err := b.Put(t.ctx, copies(fresh, *c))
				t.names(t.kind(err, sdk.Refused), c.Tombstone)
				t.live(b, c.Tombstone)
				t.unseen(b, fresh.sample)
			}
			t.append(b, t.release(held.Tombstone, "here"))
			t.putCopies(b, held)
			t.gone(b, held.Tombstone)
		}),
		must("COPY-06", "A release in a history releases the hold that it is about, and none that was placed here later.", func(t *T) {
			b := t.backend()
			c := t.copied(t.item(100))
			c.held("case", false)
			t.putCopies(b, c)
			released := t.release(c.Tombstone, "case")
			again := t.hold(c.Tombstone, "case") // of an active case: it has no effect yet
			t.append(b, again)
			c.events, c.holds[0].Released = append(c.events, released), released.At
			t.putCopies(b, c)
			want := []sdk.Hold{c.holds[0], {Case: "case", Placed: again.At, PlacedBy: again.Actor}}
			t.holdsAre(b, c.sample, want...)
			c.purged(t)
			_, err := b.Put(t.ctx, copies(c))
			t.names(t.kind(err, sdk.Refused), c.Tombstone)
		}),
		must("COPY-07", "Another event under an id that is taken is Conflict, which names the record, and nothing of the call is written.", func(t *T) {
			b := t.backend()
			c, other, fresh := t.copied(t.item(100)), t.copied(t.item(100)), t.copied(t.item(100))
			c.events = append(c.events, t.restored(c.Tombstone))
			t.putCopies(b, c)
			spoilt := c
			spoilt.events = slices.Clone(c.events)
			spoilt.events[0].Actor += "x"
			other.events = []sdk.Event{t.restored(other.Tombstone)}
			other.events[0].ID = c.Event
			for _, wrong := range []copied{spoilt, other} {
				_, err := b.Put(t.ctx, copies(fresh, wrong))
				t.names(t.kind(err, sdk.Conflict), wrong.Tombstone)
				t.unseen(b, fresh.sample, other.sample)
			}
			t.isCopied(b, c)
		}),
		must("COPY-08", "A RETAIN in a history moves the retention later and never earlier.", func(t *T) {
			b := t.backend()
			c := t.copied(t.item(100))
			c.RetainUntil, c.RetainAtStore = dawn.AddDate(1, 0, 0), dawn.AddDate(1, 0, 0)
			t.putCopies(b, c)
			for _, years := range []int{2, 1} {
				c.events = append(c.events, t.retain(c.Tombstone, dawn.AddDate(years, 0, 0)))
				t.putCopies(b, c)
				t.retainedUntil(b, c.sample, dawn.AddDate(2, 0, 0))
			}
		}),
		must("COPY-09", "A record that is purged here stays so, and takes the events of a history in which it is live.", func(t *T) {
			b, s := t.purgeable()
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomePurged)
			before := t.entry(b, s.Tombstone)
			c := t.copied(s)
			c.events = append(c.events, t.restored(c.Tombstone))
			t.putCopies(b, c)
			after := t.entry(b, s.Tombstone)
			if len(after.Events) != len(before.Events)+1 || !after.Record.PurgedAt.Equal(before.Record.PurgedAt) {
				t.Errorf("%d events and purged at %v, then %d and %v", len(before.Events), before.Record.PurgedAt, len(after.Events), after.Record.PurgedAt)
			}
			t.gone(b, s.Tombstone)
		}),
		must("COPY-10", "A Put takes histories of MaxHistory events and holds; more are Limit, and nothing is written.", func(t *T) {
			b := t.backend()
			c, other := t.copied(t.item(100)), t.copied(t.item(100))
			for range sdk.MaxHistory - 2 {
				c.events = append(c.events, t.restored(c.Tombstone))
			}
			other.held("case", false)
			more := t.copied(t.item(100))
			more.events = append(more.events, t.restored(more.Tombstone))
			_, err := b.Put(t.ctx, copies(c, other, more))
			t.kind(err, sdk.Limit)
			t.unseen(b, c.sample, other.sample, more.sample)
			t.putCopies(b, c, other)
			t.isCopied(b, c)
		}),
		must("COPY-11", "A history with an event of another record, with an ARCHIVE, or with a PURGE beside a body is Invalid, which names the record.", func(t *T) {
			b := t.backend()
			for _, spoil := range []func(*copied){
				func(c *copied) { c.events = append(c.events, t.restored(t.id())) },
				func(c *copied) { c.events = append(c.events, t.event(c.Tombstone, sdk.ActionArchive)) },
				func(c *copied) { c.purged(t); c.body = c.original },
			} {
				c := t.copied(t.item(100))
				spoil(&c)
				_, err := b.Put(t.ctx, copies(c))
				t.names(t.kind(err, sdk.Invalid), c.Tombstone)
				t.unseen(b, c.sample)
			}
		}),
		must("COPY-12", "A HOLD or RELEASE of a history has NoEffect where no hold of the record has its case and time, and it came with NoEffect or with such a hold; in no other case.", func(t *T) {
			b := t.backend()
			c, other := t.copied(t.item(100)), t.copied(t.item(100))
			c.held("case", true)
			c.held("case", false)
			c.events = append(c.events, t.hold(c.Tombstone, "case"), t.release(c.Tombstone, "never placed"))
			c.events[0].NoEffect, c.events[1].NoEffect, c.events[3].NoEffect, c.events[4].NoEffect = true, true, true, true
			t.putCopies(b, c)
			c.events[0].NoEffect, c.events[1].NoEffect = false, false
			t.isCopied(b, c)
			t.putCopies(b, other)
			here := t.hold(other.Tombstone, "case")
			t.append(b, here)
			there := t.hold(other.Tombstone, "case")
			other.events, other.holds = []sdk.Event{there}, []sdk.Hold{{Case: "case", Placed: there.At, PlacedBy: there.Actor}}
			t.putCopies(b, other)
			there.NoEffect = true
			t.eventsAre(b, other.sample, here, there)
			for _, s := range []sample{c.sample, other.sample} {
				e := t.entry(b, s.Tombstone)
				if err := e.CheckCustody(); err != nil {
					t.Errorf("%v", err)
				}
			}
			lost := t.copied(t.item(100))
			lost.events = append(lost.events, t.hold(lost.Tombstone, "case"))
			t.putCopies(b, lost)
			if e := t.entry(b, lost.Tombstone); e.CheckCustody() == nil {
				t.Errorf("a HOLD whose hold is missing in the history is one without effect")
			}
		}),
	}
}

// copied is a record with what became of it in another archive.
type copied struct {
	sample
	original []byte // the body, also where none is sent
	events   []sdk.Event
	holds    []sdk.Hold
	next     func(sdk.Tombstone, string) sdk.Event
}

func (t *T) copied(s sample) copied { return copied{sample: s, original: s.body, next: t.hold} }

// restored is an event with all that one can have.
func (t *T) restored(about sdk.Tombstone) sdk.Event {
	e := t.event(about, sdk.ActionRestore)
	e.Detail = map[string]string{"output": "back/file.go"}
	return e
}

// held adds a hold with its events.
func (c *copied) held(name string, released bool) {
	placed := c.next(c.Tombstone, name)
	h := sdk.Hold{Case: name, Placed: placed.At, PlacedBy: placed.Actor}
	c.events = append(c.events, placed)
	if released {
		e := c.next(c.Tombstone, name)
		e.Action, h.Released = sdk.ActionRelease, e.At
		c.events = append(c.events, e)
	}
	c.holds = append(c.holds, h)
}

// purged adds the events of a purge.
func (c *copied) purged(t *T) {
	request, purge := t.request(c.Tombstone, "requester"), t.event(c.Tombstone, sdk.ActionPurge)
	c.events = append(c.events, request, purge)
	c.PurgedAt, c.body = purge.At, nil
}

func copies(all ...copied) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for _, c := range all {
			i := c.item()
			i.Record.PurgedAt = c.PurgedAt
			i.History = sdk.History{Events: c.events, Holds: c.holds}
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (t *T) putCopies(b sdk.Backend, all ...copied) {
	stored, err := b.Put(t.ctx, copies(all...))
	if err != nil {
		t.Fatalf("put of copies: %v", err)
	}
	samples := make([]sample, len(all))
	for i, c := range all {
		samples[i] = c.sample
	}
	t.answers(stored, samples...)
}

// isCopied checks that a record and its history are as they came.
func (t *T) isCopied(b sdk.Backend, c copied) {
	t.equal(sealed(c.Record), t.entry(b, c.Tombstone).Record)
	t.eventsAre(b, c.sample, c.events...)
	t.holdsAre(b, c.sample, c.holds...)
	if c.PurgedAt.IsZero() {
		s := c.sample
		s.body = c.original
		t.same(b, s)
	}
}
