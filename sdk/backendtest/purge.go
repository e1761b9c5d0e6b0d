package backendtest

import (
	"time"

	"github.com/codex-archive/codex/sdk"
)

func purgeRules() []Rule {
	return []Rule{
		must("PURGE-01", "A record that was never stored is unknown.", func(t *T) {
			t.verdicts(t.backend(), t.purge(t.id()), sdk.OutcomeUnknown)
		}),
		must("PURGE-02", "A record whose purge was not requested is not-requested, and stays.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeNotRequested)
			t.untouched(b, s)
		}),
		must("PURGE-03", "One person alone cannot purge, whatever the case and blanks of the name; that is same-actor, and the record stays.", func(t *T) {
			for _, name := range []string{"purger", "Purger", " PURGER\t"} {
				b, s := t.backend(), t.item(100)
				t.put(b, s)
				t.append(b, t.request(s.Tombstone, name))
				t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeSameActor)
				t.live(b, s.Tombstone)
			}
		}),
		must("PURGE-04", "One request of another person is enough, also if the same person asked as well.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			t.append(b, t.request(s.Tombstone, "requester"), t.request(s.Tombstone, "purger"))
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomePurged)
		}),
		proof(canPurge, must("PURGE-05", "A purged record keeps its row and history, answers Purged, and its body is gone.", whatStays)),
		must("PURGE-06", "The same purge again is repeated, and changes nothing.", func(t *T) {
			b, s := t.purgeable()
			p := t.purge(s.Tombstone)
			t.verdicts(b, p, sdk.OutcomePurged)
			before := t.entry(b, s.Tombstone)
			t.verdicts(b, p, sdk.OutcomeRepeated)
			p.At = p.At.Add(time.Second)
			t.verdicts(b, p, sdk.OutcomeRepeated)
			after := t.entry(b, s.Tombstone)
			if len(after.Events) != len(before.Events) || !after.Record.PurgedAt.Equal(before.Record.PurgedAt) {
				t.Errorf("%d events and purged at %v, then %d and %v", len(before.Events), before.Record.PurgedAt, len(after.Events), after.Record.PurgedAt)
			}
		}),
		must("PURGE-07", "What another event purged is already purged, and gets no second event.", func(t *T) {
			b, s := t.purgeable()
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomePurged)
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeAlready)
			if n := len(t.entry(b, s.Tombstone).Events); n != 3 {
				t.Errorf("%d events, want 3", n)
			}
		}),
		must("PURGE-08", "While any hold is active the record is held; when the last is released it may be purged.", func(t *T) {
			b, s := t.purgeable()
			t.append(b, t.hold(s.Tombstone, "one"), t.hold(s.Tombstone, "two"))
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeHeld)
			t.append(b, t.release(s.Tombstone, "one"))
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeHeld)
			t.live(b, s.Tombstone)
			t.append(b, t.release(s.Tombstone, "two"))
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomePurged)
		}),
		must("PURGE-09", "A hold that was placed again holds.", func(t *T) {
			b, s := t.purgeable()
			t.append(b, t.hold(s.Tombstone, "case"))
			t.append(b, t.release(s.Tombstone, "case"))
			t.append(b, t.hold(s.Tombstone, "case"))
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeHeld)
			t.live(b, s.Tombstone)
		}),
		must("PURGE-10", "While RetainUntil is in the future, by the earlier of the host's and the database's clock, the record is retained; from that moment on it may go.", retention),
		must("PURGE-11", "A retention that was moved later by RETAIN retains.", func(t *T) {
			b, s := t.purgeable()
			t.append(b, t.retain(s.Tombstone, sdk.Time(time.Now().Add(time.Hour))))
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeRetained)
			t.live(b, s.Tombstone)
		}),
		must("PURGE-12", "Of several reasons the first in the order of the outcomes is the answer.", func(t *T) {
			b, s := t.backend(), t.item(100)
			s.RetainUntil = sdk.Time(time.Now().Add(time.Hour))
			t.put(b, s)
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeRetained) // before not-requested
			hold := t.hold(s.Tombstone, "case")
			t.append(b, hold)
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomeHeld) // before retained
		}),
		must("PURGE-13", "A dry run judges as the purge would, and changes nothing.", func(t *T) {
			b, s := t.purgeable()
			free, held := t.item(100), t.item(100)
			t.put(b, free, held)
			t.append(b, t.hold(held.Tombstone, "case"))
			p := t.purge(s.Tombstone, held.Tombstone, free.Tombstone, t.id())
			want := []sdk.Outcome{sdk.OutcomePurged, sdk.OutcomeHeld, sdk.OutcomeNotRequested, sdk.OutcomeUnknown}
			tried := t.verdicts(b, dry(p), want...)
			t.untouched(b, s)
			done := t.verdicts(b, p, want...)
			for i := range done {
				if tried[i].Freed != done[i].Freed {
					t.Errorf("item %d: the dry run would free %d bytes, the purge freed %d", i, tried[i].Freed, done[i].Freed)
				}
			}
			if done[0].Freed != s.Content.StoredSize {
				t.Errorf("the purge freed %d bytes, want %d", done[0].Freed, s.Content.StoredSize)
			}
		}),
		must("PURGE-14", "Items are answered in their order, and one that may not be purged does not keep others from it.", func(t *T) {
			b := t.backend()
			s := t.items(9)
			t.put(b, s...)
			var want []sdk.Outcome
			for i, one := range s {
				switch i % 3 {
				case 0:
					t.append(b, t.request(one.Tombstone, "requester"))
					want = append(want, sdk.OutcomePurged)
				case 1:
					t.append(b, t.request(one.Tombstone, "requester"), t.hold(one.Tombstone, "case"))
					want = append(want, sdk.OutcomeHeld)
				case 2:
					want = append(want, sdk.OutcomeNotRequested)
				}
			}
			t.verdicts(b, t.purge(tombstones(s...)...), want...)
			for i, one := range s {
				if i%3 == 0 {
					t.gone(b, one.Tombstone)
				} else {
					t.live(b, one.Tombstone)
				}
			}
		}),
		must("PURGE-15", "A body stays while another live record needs it, and goes with the last.", func(t *T) {
			b, s := t.purgeable()
			other, third := t.again(s), t.again(s)
			t.put(b, other, third)
			t.freed(b, 0, s)
			t.gone(b, s.Tombstone)
			t.same(b, other, third)
			t.append(b, t.request(other.Tombstone, "requester"), t.request(third.Tombstone, "requester"))
			t.freed(b, s.Content.StoredSize, other, third) // both in one call
			t.gone(b, s.Tombstone, other.Tombstone, third.Tombstone)
			t.missing(b, s)
		}),
		must("PURGE-16", "Storing the same bytes again makes a new live record and never revives a purged one.", func(t *T) {
			b, s := t.purgeable()
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomePurged)
			fresh := t.again(s)
			if t.put(b, fresh)[0].Deduplicated {
				t.Errorf("it is called deduplicated, though the body had gone")
			}
			t.same(b, fresh)
			t.gone(b, s.Tombstone)
		}),
		must("PURGE-17", "Repeating the Put of a record that was purged is success and leaves it purged.", func(t *T) {
			b, s := t.purgeable()
			t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomePurged)
			before := t.health(b).Retrievable
			if !t.put(b, s)[0].Repeated {
				t.Errorf("it is not called a repeat")
			}
			t.gone(b, s.Tombstone)
			t.missing(b, s)
			t.countIs(b, before)
		}),
		must("PURGE-18", "A purge under an event id that belongs to something else is Conflict, and nothing of the call is purged.", func(t *T) {
			b, first := t.purgeable()
			p := t.purge(first.Tombstone)
			t.verdicts(b, p, sdk.OutcomePurged)
			_, s := t.purgeable()
			_, other := t.purgeable()
			again := t.purge(other.Tombstone, s.Tombstone)
			again.Items[1].Event = p.Items[0].Event
			_, err := b.Purge(t.ctx, again)
			t.names(t.kind(err, sdk.Conflict), s.Tombstone)
			t.untouched(b, other)
			t.untouched(b, s)
		}),
		must("PURGE-19", "A purge without actor, time, tombstone or event id is Invalid, and nothing of the call is purged.", func(t *T) {
			b, s := t.purgeable()
			for _, spoil := range []func(*sdk.Purge){
				func(p *sdk.Purge) { p.Actor = "" },
				func(p *sdk.Purge) { p.At = time.Time{} },
				func(p *sdk.Purge) { p.Items[1].Event = sdk.ID{} },
				func(p *sdk.Purge) { p.Items[1].Tombstone = sdk.ID{} },
			} {
				p := t.purge(s.Tombstone, t.id())
				spoil(&p)
				_, err := b.Purge(t.ctx, p)
				t.kind(err, sdk.Invalid)
			}
			t.untouched(b, s)
		}),
		must("PURGE-20", "Purge takes MaxItems items; more are Limit, and nothing is purged.", func(t *T) {
			b, s := t.backend(), t.items(sdk.MaxItems)
			t.put(b, s...)
			var requests []sdk.Event
			for _, one := range s {
				requests = append(requests, t.request(one.Tombstone, "requester"))
			}
			t.append(b, requests...)
			p := t.purge(append(tombstones(s...), t.id())...)
			_, err := b.Purge(t.ctx, p)
			t.kind(err, sdk.Limit)
			t.live(b, s[0].Tombstone)
			p.Items = p.Items[:sdk.MaxItems]
			want := make([]sdk.Outcome, sdk.MaxItems)
			for i := range want {
				want[i] = sdk.OutcomePurged
			}
			t.verdicts(b, p, want...)
			t.gone(b, s[0].Tombstone, s[sdk.MaxItems-1].Tombstone)
		}),
		must("PURGE-23", "Holds, retention and requests are of a record and not of its content: another record of the same bytes is judged by its own.", func(t *T) {
			b, s := t.purgeable()
			held, retained, asked := t.again(s), t.again(s), t.again(s)
			t.put(b, held, retained, asked)
			t.append(b, t.hold(held.Tombstone, "case"), t.retain(retained.Tombstone, sdk.Time(time.Now().Add(time.Hour))), t.request(asked.Tombstone, "requester"))
			p := t.purge(held.Tombstone, retained.Tombstone, s.Tombstone, asked.Tombstone)
			t.verdicts(b, p, sdk.OutcomeHeld, sdk.OutcomeRetained, sdk.OutcomePurged, sdk.OutcomePurged)
			t.append(b, t.release(held.Tombstone, "case"))
			t.verdicts(b, t.purge(held.Tombstone), sdk.OutcomeNotRequested)
			t.untouched(b, held)
			t.same(b, held)
		}),
		must("PURGE-24", "A record that one purge names twice is purged once: the second time it is already purged, or repeated if the event is the same.", func(t *T) {
			b, s := t.purgeable()
			p := t.purge(s.Tombstone, s.Tombstone)
			p.Items = append(p.Items, p.Items[0])
			all := t.verdicts(b, p, sdk.OutcomePurged, sdk.OutcomeAlready, sdk.OutcomeRepeated)
			if sum := all[0].Freed + all[1].Freed + all[2].Freed; sum != s.Content.StoredSize {
				t.Errorf("purge of one record freed %d bytes, want %d", sum, s.Content.StoredSize)
			}
			if n := len(t.entry(b, s.Tombstone).Events); n != 3 {
				t.Errorf("%d events, want 3", n)
			}
		}),
		must("PURGE-25", "One event id for two records in one purge is Conflict, and so is that of an ARCHIVE event; nothing of the call is purged.", func(t *T) {
			b, s := t.purgeable()
			_, other := t.purgeable()
			p := t.purge(s.Tombstone, other.Tombstone)
			for _, taken := range []sdk.ID{p.Items[0].Event, s.Event} {
				p.Items[1].Event = taken
				_, err := b.Purge(t.ctx, p)
				t.names(t.kind(err, sdk.Conflict), other.Tombstone)
			}
			t.untouched(b, s)
			t.untouched(b, other)
		}),
		must("PURGE-26", "The PURGE event has the time that decided, the earlier of the host's clock and the database's, and the host; the record is purged at that time.", func(t *T) {
			b, s := t.purgeable()
			p := t.purge(s.Tombstone)
			p.At = p.At.Add(-3 * time.Hour) // the host's clock is behind
			t.verdicts(b, p, sdk.OutcomePurged)
			e := t.entry(b, s.Tombstone)
			want := p.Event(p.Items[0], p.At)
			for _, got := range e.Events {
				if got.Action == sdk.ActionPurge {
					t.equalEvent(want, got)
				}
			}
			if !e.Record.PurgedAt.Equal(p.At) {
				t.Errorf("purged at %v, want %v, the time of its PURGE event", shown(e.Record.PurgedAt), shown(p.At))
			}
		}),
		should("PURGE-27", "A verdict other than purged says why, for people.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			t.append(b, t.hold(s.Tombstone, "case"))
			for _, v := range t.verdicts(b, t.purge(t.id(), s.Tombstone), sdk.OutcomeUnknown, sdk.OutcomeHeld) {
				if v.Why == "" {
					t.Errorf("the verdict %q on %v does not say why", v.Outcome, v.Tombstone)
				}
			}
		}),
		must("PURGE-21", "A purge of no items succeeds and answers none.", func(t *T) {
			t.verdicts(t.backend(), t.purge())
		}),
		must("PURGE-22", "A record of many chunks is purged as a whole.", func(t *T) {
			b, s := t.backend(), t.item(sdk.StagedBody+1)
			t.put(b, s)
			t.append(b, t.request(s.Tombstone, "requester"))
			t.freed(b, s.Content.StoredSize, s)
			t.gone(b, s.Tombstone)
			t.missing(b, s)
			t.put(b, t.again(s))
		}),
	}
}

// dry makes p a dry run.
func dry(p sdk.Purge) sdk.Purge {
	p.DryRun = true
	return p
}

// purgeable stores a record whose purge was requested.
func (t *T) purgeable() (sdk.Backend, sample) {
	b, s := t.backend(), t.item(1000)
	t.put(b, s)
	t.append(b, t.request(s.Tombstone, "requester"))
	return b, s
}

// untouched checks that a record is live and has no PURGE event.
func (t *T) untouched(b sdk.Backend, s sample) {
	t.live(b, s.Tombstone)
	e := t.entry(b, s.Tombstone)
	if !e.Record.PurgedAt.IsZero() || !e.Present {
		t.Errorf("record %v: purged at %v, present %v", s.Tombstone, e.Record.PurgedAt, e.Present)
	}
	for _, event := range e.Events {
		if event.Action == sdk.ActionPurge {
			t.Errorf("record %v has a PURGE event", s.Tombstone)
		}
	}
}

// freed purges samples together and checks how many bytes went.
func (t *T) freed(b sdk.Backend, want int64, samples ...sample) {
	outcomes := make([]sdk.Outcome, len(samples))
	for i := range outcomes {
		outcomes[i] = sdk.OutcomePurged
	}
	var sum int64
	for _, v := range t.verdicts(b, t.purge(tombstones(samples...)...), outcomes...) {
		sum += v.Freed
	}
	if sum != want {
		t.Errorf("purge of %d records freed %d bytes, want %d", len(samples), sum, want)
	}
}

func whatStays(t *T) {
	b, s := t.purgeable()
	before := t.entry(b, s.Tombstone)
	p := t.purge(s.Tombstone)
	if v := t.verdicts(b, p, sdk.OutcomePurged)[0]; v.Freed != s.Content.StoredSize {
		t.Errorf("freed is %d bytes, want %d", v.Freed, s.Content.StoredSize)
	}
	g := t.get(b, s.Tombstone)[0]
	t.names(t.kind(g.err, sdk.Purged), s.Tombstone)
	t.missing(b, s)

	after := t.entry(b, s.Tombstone)
	if after.Present || after.Record.PurgedAt.IsZero() || after.Record.PurgedAt.Location() != time.UTC {
		t.Errorf("present is %v, purged at %v", after.Present, after.Record.PurgedAt)
	}
	s.PurgedAt = after.Record.PurgedAt
	t.equal(s.Record, after.Record)
	if len(after.Events) != len(before.Events)+1 {
		t.Fatalf("%d events, want one more than %d", len(after.Events), len(before.Events))
	}
	last := after.Events[len(after.Events)-1]
	if last.ID != p.Items[0].Event || last.Action != sdk.ActionPurge || last.Actor != p.Actor || last.At.After(p.At) {
		t.Errorf("the last event is %s %v by %q at %v, want %s %v by %q at %v or before",
			last.Action, last.ID, last.Actor, last.At, sdk.ActionPurge, p.Items[0].Event, p.Actor, p.At)
	}
}

func retention(t *T) {
	now := sdk.Time(time.Now())
	for _, c := range []struct {
		what      string
		until, at time.Time // RetainUntil, and the host's clock
		want      sdk.Outcome
	}{
		{"it ends in an hour", now.Add(time.Hour), now, sdk.OutcomeRetained},
		{"the host's clock is ahead of it", now.Add(time.Hour), now.Add(2 * time.Hour), sdk.OutcomeRetained},
		{"the host's clock is behind it", now.Add(-2 * time.Hour), now.Add(-3 * time.Hour), sdk.OutcomeRetained},
		{"one microsecond before", now.Add(-2 * time.Hour), now.Add(-2*time.Hour - time.Microsecond), sdk.OutcomeRetained},
		{"at the moment itself", now.Add(-2 * time.Hour), now.Add(-2 * time.Hour), sdk.OutcomePurged},
		{"it ended an hour ago", now.Add(-time.Hour), now, sdk.OutcomePurged},
	} {
		b, s := t.backend(), t.item(100)
		s.RetainUntil = c.until
		t.put(b, s)
		t.append(b, t.request(s.Tombstone, "requester"))
		p := t.purge(s.Tombstone)
		p.At = c.at
		if t.verdicts(b, p, c.want); t.Failed() {
			t.Fatalf("when %s", c.what)
		}
		if c.want == sdk.OutcomeRetained {
			t.untouched(b, s)
		}
	}
}
