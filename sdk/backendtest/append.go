package backendtest

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func appendRules() []Rule {
	return []Rule{
		proof(canAppend, must("APPEND-01", "Events come back with every field as they were recorded, oldest first, the ARCHIVE event among them.", everyEvent)),
		must("APPEND-02", "Events of the same time come by id.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			events := make([]sdk.Event, 10)
			for i := range events {
				events[i] = t.event(s.Tombstone, sdk.ActionRestore)
				events[i].At = s.ArchivedAt
			}
			t.append(b, events...)
			all := t.entry(b, s.Tombstone).Events
			if len(all) != 11 {
				t.Fatalf("%d events, want 11", len(all))
			}
			for i := 1; i < len(all); i++ {
				if string(all[i-1].ID[:]) >= string(all[i].ID[:]) {
					t.Errorf("event %d does not come after the one before it", i)
				}
			}
		}),
		must("APPEND-03", "The same events again are success and change nothing.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			events := []sdk.Event{t.event(s.Tombstone, sdk.ActionRestore), t.hold(s.Tombstone, "case"), t.retain(s.Tombstone, dawn), t.request(s.Tombstone, "requester")}
			t.append(b, events...)
			before := t.entry(b, s.Tombstone)
			t.append(b, events...)
			t.append(b, events[1], t.event(s.Tombstone, sdk.ActionRestore), events[0])
			after := t.entry(b, s.Tombstone)
			if len(before.Events) != 5 || len(after.Events) != 6 || len(after.Holds) != 1 {
				t.Errorf("%d events, then %d and %d holds; want 5, 6 and 1", len(before.Events), len(after.Events), len(after.Holds))
			}
		}),
		must("APPEND-04", "The same event twice in one call is recorded once.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			e := t.event(s.Tombstone, sdk.ActionRestore)
			t.append(b, e, e)
			t.eventsAre(b, s, e)
		}),
		must("APPEND-05", "Another event under an id that is taken is Conflict, names its tombstone, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.items(2)
			t.put(b, s...)
			first := t.hold(s[0].Tombstone, "case")
			t.append(b, first)
			for _, change := range []func(*sdk.Event){
				func(e *sdk.Event) { e.Tombstone = s[1].Tombstone },
				func(e *sdk.Event) { e.Action = sdk.ActionRelease },
				func(e *sdk.Event) { e.Actor += "x" },
				func(e *sdk.Event) { e.Case += "x" },
				func(e *sdk.Event) { e.At = e.At.Add(time.Microsecond) },
			} {
				other := first
				change(&other)
				err := b.Append(t.ctx, []sdk.Event{t.event(s[1].Tombstone, sdk.ActionRestore), other, t.event(s[0].Tombstone, sdk.ActionRestore)})
				t.names(t.kind(err, sdk.Conflict), other.Tombstone)
			}
			t.eventsAre(b, s[0], first)
			t.eventsAre(b, s[1])
		}),
		must("APPEND-06", "An event of an unknown tombstone is NotFound, names it, and nothing of the call is written.", func(t *T) {
			b, s, no := t.backend(), t.item(20), t.id()
			t.put(b, s)
			err := b.Append(t.ctx, []sdk.Event{t.hold(s.Tombstone, "case"), t.event(no, sdk.ActionRestore), t.retain(s.Tombstone, dawn)})
			t.names(t.kind(err, sdk.NotFound), no)
			t.eventsAre(b, s)
			if e := t.entry(b, s.Tombstone); len(e.Holds) != 0 || !e.Record.RetainUntil.IsZero() {
				t.Errorf("the record has %s and is retained until %s", counted(len(e.Holds), "hold"), shown(e.Record.RetainUntil))
			}
		}),
		must("APPEND-07", "HOLD places a case and RELEASE releases it; other cases stay.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			one, two, end := t.hold(s.Tombstone, "one"), t.hold(s.Tombstone, "two"), t.release(s.Tombstone, "one")
			t.append(b, one)
			t.append(b, two)
			t.append(b, end)
			t.holdsAre(b, s,
				sdk.Hold{Case: "one", Placed: one.At, PlacedBy: one.Actor, Released: end.At},
				sdk.Hold{Case: "two", Placed: two.At, PlacedBy: two.Actor})
		}),
		must("APPEND-08", "The events of one call take effect in their order.", func(t *T) {
			b, s := t.backend(), t.items(2)
			t.put(b, s...)
			events := []sdk.Event{
				t.hold(s[0].Tombstone, "case"), t.release(s[0].Tombstone, "case"),
				t.hold(s[1].Tombstone, "case"), t.release(s[1].Tombstone, "case"), t.hold(s[1].Tombstone, "case"),
			}
			ids := make([]sdk.ID, len(events))
			for i, e := range events {
				ids[i] = e.ID
			}
			slices.SortFunc(ids, func(x, y sdk.ID) int { return bytes.Compare(y[:], x[:]) })
			for i := range events {
				events[i].ID = ids[i] // the order of the ids is another
			}
			t.append(b, events...)
			t.activeHolds(b, s[0], 0)
			t.activeHolds(b, s[1], 1)
		}),
		must("APPEND-09", "HOLD of an active case, and RELEASE of one that is not active, are recorded with NoEffect and change nothing else; it is the archive that sets NoEffect.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			none := t.release(s.Tombstone, "never placed")
			first, second := t.hold(s.Tombstone, "case"), t.hold(s.Tombstone, "case")
			end, late := t.release(s.Tombstone, "case"), t.release(s.Tombstone, "case")
			first.NoEffect, end.NoEffect = true, true
			t.append(b, none)
			t.append(b, first)
			t.append(b, second)
			t.holdsAre(b, s, sdk.Hold{Case: "case", Placed: first.At, PlacedBy: first.Actor})
			t.append(b, end)
			t.append(b, late)
			t.holdsAre(b, s, sdk.Hold{Case: "case", Placed: first.At, PlacedBy: first.Actor, Released: end.At})
			none.NoEffect, first.NoEffect, second.NoEffect, end.NoEffect, late.NoEffect = true, false, true, false, true
			t.eventsAre(b, s, none, first, second, end, late)
		}),
		must("APPEND-10", "A HOLD that is repeated after its release does not place the case again.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			hold := t.hold(s.Tombstone, "case")
			t.append(b, hold)
			t.append(b, t.release(s.Tombstone, "case"))
			t.append(b, hold)
			t.activeHolds(b, s, 0)
		}),
		must("APPEND-11", "A case that was released can be placed again.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			t.append(b, t.hold(s.Tombstone, "case"))
			t.append(b, t.release(s.Tombstone, "case"))
			t.append(b, t.hold(s.Tombstone, "case"))
			t.activeHolds(b, s, 1)
			t.append(b, t.release(s.Tombstone, "case"))
			t.activeHolds(b, s, 0)
		}),
		must("APPEND-12", "Cases are told apart by case and blanks, and are held for one record only.", func(t *T) {
			b, s := t.backend(), t.items(2)
			t.put(b, s...)
			var holds []sdk.Event
			for _, w := range words {
				holds = append(holds, t.hold(s[0].Tombstone, w))
			}
			t.append(b, holds...)
			t.activeHolds(b, s[0], len(words))
			t.append(b, t.release(s[0].Tombstone, "word"))
			t.activeHolds(b, s[0], len(words)-1)
			t.activeHolds(b, s[1], 0)
		}),
		must("APPEND-13", "RETAIN moves RetainUntil later; earlier is Refused, names its tombstone, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			until := dawn.Add(48 * time.Hour)
			first := t.retain(s.Tombstone, until)
			t.append(b, first)
			t.retainedUntil(b, s, until)
			err := b.Append(t.ctx, []sdk.Event{t.event(s.Tombstone, sdk.ActionRestore), t.retain(s.Tombstone, until.Add(-time.Microsecond))})
			t.names(t.kind(err, sdk.Refused), s.Tombstone)
			t.retainedUntil(b, s, until)
			t.eventsAre(b, s, first)
			t.append(b, t.retain(s.Tombstone, until.Add(time.Microsecond)))
			t.retainedUntil(b, s, until.Add(time.Microsecond))
		}),
		must("APPEND-14", "RETAIN counts from the retention a record was stored with.", func(t *T) {
			b, s := t.backend(), t.item(20)
			s.RetainUntil = dawn.Add(time.Hour)
			t.put(b, s)
			t.kind(b.Append(t.ctx, []sdk.Event{t.retain(s.Tombstone, dawn)}), sdk.Refused)
			t.append(b, t.retain(s.Tombstone, dawn.Add(2*time.Hour)))
			t.retainedUntil(b, s, dawn.Add(2*time.Hour))
			repeated := s
			t.put(b, repeated) // must not set it back
			t.retainedUntil(b, s, dawn.Add(2*time.Hour))
		}),
		must("APPEND-15", "A RETAIN that is repeated after a later one is success and changes nothing.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			first := t.retain(s.Tombstone, dawn.Add(time.Hour))
			t.append(b, first)
			t.append(b, t.retain(s.Tombstone, dawn.Add(2*time.Hour)))
			t.append(b, first)
			t.retainedUntil(b, s, dawn.Add(2*time.Hour))
		}),
		must("APPEND-16", "An event that is not complete, or of an action that Append does not take, is Invalid, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			for _, spoil := range []func(*sdk.Event){
				func(e *sdk.Event) { e.ID = sdk.ID{} },
				func(e *sdk.Event) { e.Tombstone = sdk.ID{} },
				func(e *sdk.Event) { e.Action = sdk.ActionArchive },
				func(e *sdk.Event) { e.Action = sdk.ActionPurge },
				func(e *sdk.Event) { e.Action = "EXPLODE" },
				func(e *sdk.Event) { e.Actor = "" },
				func(e *sdk.Event) { e.Actor = "\xff" },
				func(e *sdk.Event) { e.At = time.Time{} },
				func(e *sdk.Event) { e.At = e.At.Add(time.Nanosecond) },
				func(e *sdk.Event) { e.Case = "" },
				func(e *sdk.Event) { e.Case = "a\x00" },
				func(e *sdk.Event) { e.RetainUntil = dawn },
				func(e *sdk.Event) { e.Detail = map[string]string{"a": "\x00"} },
			} {
				e := t.hold(s.Tombstone, "case")
				spoil(&e)
				if t.kind(b.Append(t.ctx, []sdk.Event{t.event(s.Tombstone, sdk.ActionRestore), e}), sdk.Invalid); t.Failed() {
					t.Fatalf("with %+v", e)
				}
			}
			t.eventsAre(b, s)
		}),
		must("APPEND-17", "Append takes MaxItems events; more, or texts above their limits, are Limit, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.items(2)
			t.put(b, s...)
			events := make([]sdk.Event, sdk.MaxItems+1)
			for i := range events {
				events[i] = t.event(s[i%2].Tombstone, sdk.ActionRestore)
			}
			t.kind(b.Append(t.ctx, events), sdk.Limit)
			long := strings.Repeat("x", sdk.MaxName+1)
			for _, spoil := range []func(*sdk.Event){
				func(e *sdk.Event) { e.Case = long },
				func(e *sdk.Event) { e.Actor = long },
				func(e *sdk.Event) { e.Host = long },
				func(e *sdk.Event) { e.Detail = map[string]string{long: ""} },
				func(e *sdk.Event) { e.Detail = map[string]string{"a": strings.Repeat("x", sdk.MaxText)} },
			} {
				e := t.hold(s[0].Tombstone, "case")
				spoil(&e)
				if t.kind(b.Append(t.ctx, []sdk.Event{events[0], e}), sdk.Limit); t.Failed() {
					t.Fatalf("with a case of %d bytes, an actor of %d, a host of %d, and %s of detail", len(e.Case), len(e.Actor), len(e.Host), counted(len(e.Detail), "pair"))
				}
			}
			t.eventsAre(b, s[0])
			t.append(b, events[:sdk.MaxItems]...)
			if n := len(t.entry(b, s[0].Tombstone).Events) + len(t.entry(b, s[1].Tombstone).Events); n != sdk.MaxItems+2 {
				t.Errorf("%d events are there, want %d", n, sdk.MaxItems+2)
			}
		}),
		must("APPEND-18", "Append of no events succeeds.", func(t *T) {
			t.append(t.backend())
		}),
		must("APPEND-19", "An event of the archive has no tombstone. List returns such events alone, newest first, and no record has them.", eventsOfArchive),
		must("APPEND-21", "Texts of events as long as the limits allow, of any form, and times at both ends of what an archive keeps and in any zone, come back.", extremeEvents),
		must("APPEND-22", "Two events under one id in one call are Conflict, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.items(2)
			t.put(b, s...)
			first := t.hold(s[0].Tombstone, "case")
			second := t.event(s[1].Tombstone, sdk.ActionRestore)
			second.ID = first.ID
			t.names(t.kind(b.Append(t.ctx, []sdk.Event{first, second}), sdk.Conflict), second.Tombstone)
			t.eventsAre(b, s[0])
			t.eventsAre(b, s[1])
			t.activeHolds(b, s[0], 0)
		}),
		must("APPEND-23", "RETAIN to the time that RetainUntil has is success, and recorded.", func(t *T) {
			b, s := t.backend(), t.item(20)
			s.RetainUntil, s.RetainAtStore = dawn, dawn
			t.put(b, s)
			same := t.retain(s.Tombstone, dawn)
			t.append(b, same)
			t.retainedUntil(b, s, dawn)
			t.eventsAre(b, s, same)
		}),
		must("APPEND-24", "Holds come oldest first; those of one time by case.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			late, second, first := t.hold(s.Tombstone, "a"), t.hold(s.Tombstone, "c"), t.hold(s.Tombstone, "b")
			first.At, second.At = dawn, dawn
			t.append(b, late, second, first)
			var want []sdk.Hold
			for _, e := range []sdk.Event{first, second, late} {
				want = append(want, sdk.Hold{Case: e.Case, Placed: e.At, PlacedBy: e.Actor})
			}
			t.holdsAre(b, s, want...)
		}),
		must("APPEND-20", "HOLD and RETAIN of a record that is purged are Purged, name its tombstone, and nothing of the call is written; a repeat of one from before is success, and so is a RESTORE.", keepPurged),
	}
}

// extremeEvents stores events whose texts and times are at their limits.
func extremeEvents(t *T) {
	b, s := t.backend(), t.item(20)
	s.ArchivedAt = time.Time{}.Add(time.Microsecond) // before all of them
	t.put(b, s)
	name := func(end string) string { return strings.Repeat("x", sdk.MaxName-len(end)) + end }
	first, last := time.Date(1, 1, 2, 3, 4, 5, 6000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	restored, held, retained := t.event(s.Tombstone, sdk.ActionRestore), t.hold(s.Tombstone, name("a")), t.retain(s.Tombstone, last)
	restored.At, retained.At = first, last
	restored.Actor, restored.Host, held.Actor = name("é"), name(" "), name("Ω")
	restored.Detail = map[string]string{name("k"): strings.Repeat("y", sdk.MaxText-sdk.MaxName)}
	want := []sdk.Event{restored, held}
	for _, w := range words {
		e := t.event(s.Tombstone, sdk.ActionRestore)
		e.Actor, e.Host, e.Detail = w, w, map[string]string{w: w}
		want = append(want, e)
	}
	want = append(want, retained)
	given := slices.Clone(want)
	for i := range given {
		given[i].At = given[i].At.In(time.FixedZone("elsewhere", 5400))
	}
	t.append(b, given...)
	t.eventsAre(b, s, want...)
	t.holdsAre(b, s, sdk.Hold{Case: held.Case, Placed: held.At, PlacedBy: held.Actor})
	t.retainedUntil(b, s, last)
}

func keepPurged(t *T) {
	b, s := t.purgeable()
	other := t.item(20)
	t.put(b, other)
	before := []sdk.Event{t.hold(s.Tombstone, "before"), t.release(s.Tombstone, "before"), t.retain(s.Tombstone, dawn)}
	t.append(b, before...)
	t.verdicts(b, t.purge(s.Tombstone), sdk.OutcomePurged)
	events := len(t.entry(b, s.Tombstone).Events)
	for _, late := range []sdk.Event{t.hold(s.Tombstone, "late"), t.hold(s.Tombstone, "before"), t.retain(s.Tombstone, dawn.Add(time.Hour))} {
		err := b.Append(t.ctx, []sdk.Event{t.hold(other.Tombstone, "late"), late, t.event(other.Tombstone, sdk.ActionRestore)})
		t.names(t.kind(err, sdk.Purged), s.Tombstone)
	}
	t.append(b, before...)
	t.append(b, t.event(s.Tombstone, sdk.ActionRestore))
	t.activeHolds(b, s, 0)
	t.retainedUntil(b, s, dawn)
	t.eventsAre(b, other)
	if n := len(t.entry(b, s.Tombstone).Events); n != events+1 {
		t.Errorf("%d events, want one more than %d", n, events)
	}
}

func eventsOfArchive(t *T) {
	b, s := t.backend(), t.item(20)
	t.put(b, s)
	events := make([]sdk.Event, 250) // more than a page
	own := make([]sdk.ID, len(events))
	for i := range events {
		events[i] = t.event(sdk.Tombstone{}, sdk.ActionVerify)
		events[i].At = dawn.Add(time.Duration(i/2) * time.Minute) // two of each time
		own[i] = events[i].ID
	}
	events[0].Detail = map[string]string{"records": "12"}
	t.append(b, append([]sdk.Event{t.event(s.Tombstone, sdk.ActionRestore)}, events...)...)
	t.append(b, events...)
	slices.SortFunc(events, func(x, y sdk.Event) int {
		return cmp.Or(y.At.Compare(x.At), bytes.Compare(y.ID[:], x.ID[:]))
	})
	t.ownEventsAre(b, sdk.Query{OfArchive: true, Events: own}, events...)
	t.ownEventsAre(b, sdk.Query{OfArchive: true, Events: own, Limit: 120}, events[:120]...)
	t.ownEventsAre(b, sdk.Query{OfArchive: true, Events: []sdk.ID{events[7].ID, t.id()}}, events[7])
	t.lists(b, "an event of the archive", sdk.Query{Events: own[:1]})
	if n := len(t.entry(b, s.Tombstone).Events); n != 2 {
		t.Errorf("the record has %d events, want 2", n)
	}
	other := events[3]
	other.Actor += "x"
	t.kind(b.Append(t.ctx, []sdk.Event{other}), sdk.Conflict)
	about, none := t.event(s.Tombstone, sdk.ActionVerify), t.event(sdk.Tombstone{}, sdk.ActionRestore)
	t.kind(b.Append(t.ctx, []sdk.Event{about}), sdk.Invalid)
	t.kind(b.Append(t.ctx, []sdk.Event{none}), sdk.Invalid)
}

func (t *T) ownEventsAre(b sdk.Backend, q sdk.Query, want ...sdk.Event) {
	var got []sdk.Event
	for e, err := range b.List(t.ctx, q) {
		switch {
		case err != nil || e.Err != nil:
			t.Fatalf("list: %v", errors.Join(err, e.Err))
		case len(e.Events) != 1 || !e.Record.Tombstone.IsZero():
			t.Fatalf("an entry has %d events and the tombstone %v", len(e.Events), e.Record.Tombstone)
		}
		got = append(got, e.Events[0])
	}
	if len(got) != len(want) {
		t.Fatalf("%d events of the archive, want %d", len(got), len(want))
	}
	for i := range want {
		t.equalEvent(want[i], got[i])
	}
}

func everyEvent(t *T) {
	b, s := t.backend(), t.item(20)
	t.put(b, s)
	restored := t.event(s.Tombstone, sdk.ActionRestore)
	restored.Detail = map[string]string{"output": "/tmp/äöü \"x\"", "empty": "", `k"e'y`: "{}"}
	events := []sdk.Event{restored, t.hold(s.Tombstone, "case 1 "), t.release(s.Tombstone, "case 1 "), t.retain(s.Tombstone, dawn), t.request(s.Tombstone, "Ωmega ")}
	for _, i := range []int{0, 4, 1, 3, 2} { // the order in which they come back is that of their times
		t.append(b, events[i])
	}
	t.eventsAre(b, s, events...)
}

// eventsAre checks the whole history of a record: its ARCHIVE event, and these,
// which are in the order of their times.
func (t *T) eventsAre(b sdk.Backend, s sample, want ...sdk.Event) {
	archived := sdk.Event{ID: s.Event, Tombstone: s.Tombstone, Action: sdk.ActionArchive, Actor: s.ArchivedBy, At: s.ArchivedAt}
	want = append([]sdk.Event{archived}, want...)
	got := t.entry(b, s.Tombstone).Events
	if len(got) != len(want) {
		t.Errorf("record %v has %s, want %d: %s", s.Tombstone, counted(len(got), "event"), len(want), actions(got))
		return
	}
	if sameIDs(got, want) && !slices.EqualFunc(got, want, func(x, y sdk.Event) bool { return x.ID == y.ID }) {
		t.Errorf("record %v has its events in the order %s, want %s", s.Tombstone, actions(got), actions(want))
		return
	}
	for i := range want {
		t.equalEvent(want[i], got[i])
	}
}

// actions names the first events.
func actions(events []sdk.Event) string {
	var all []string
	for _, e := range events[:min(len(events), 8)] {
		all = append(all, string(e.Action))
	}
	if len(events) > len(all) {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// sameIDs reports whether two histories are the same events, in any order.
func sameIDs(x, y []sdk.Event) bool {
	has := func(all []sdk.Event, id sdk.ID) bool {
		return slices.ContainsFunc(all, func(e sdk.Event) bool { return e.ID == id })
	}
	return len(x) == len(y) && !slices.ContainsFunc(x, func(e sdk.Event) bool { return !has(y, e.ID) })
}

func (t *T) holdsAre(b sdk.Backend, s sample, want ...sdk.Hold) {
	got := t.entry(b, s.Tombstone).Holds
	if len(got) != len(want) {
		t.Errorf("record %v has %d holds, want %d: %+v", s.Tombstone, len(got), len(want), got)
		return
	}
	for i, w := range want {
		for _, d := range differences("", w, got[i]) {
			t.Errorf("record %v: hold %d: %s", s.Tombstone, i, d)
		}
	}
}

// activeHolds checks how many holds of a record are active.
func (t *T) activeHolds(b sdk.Backend, s sample, want int) {
	n := 0
	for _, h := range t.entry(b, s.Tombstone).Holds {
		if h.Released.IsZero() {
			n++
		}
	}
	if n != want {
		t.Errorf("record %v: %d holds are active, want %d", s.Tombstone, n, want)
	}
}

func (t *T) retainedUntil(b sdk.Backend, s sample, want time.Time) {
	if got := t.entry(b, s.Tombstone).Record.RetainUntil; !got.Equal(want) {
		t.Errorf("record %v is retained until %v, want %v", s.Tombstone, got, want)
	}
}
