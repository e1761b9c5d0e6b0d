package sdk

import (
	"slices"
	"time"
)

// Custody is what the events of a record have made of it: all that the rules of
// Append and Purge depend on. A backend that keeps it in another form fills in
// what the next step needs.
type Custody struct {
	Holds       []Hold    // in the order they were placed; released ones may be left out
	RetainUntil time.Time // at first that of the record
	PurgedAt    time.Time // zero: live
	PurgedBy    ID        // the PURGE event; zero: live
	Requests    []string  // actors of PRUNE_REQUEST events, each person once
}

// Active returns the active hold of a case, of any case for "", or nil.
func (c *Custody) Active(name string) *Hold {
	for i := range c.Holds {
		if h := &c.Holds[i]; h.Released.IsZero() && (name == "" || h.Case == name) {
			return h
		}
	}
	return nil
}

// Apply carries out the effect of e, which is valid and new, and sets its NoEffect.
// It returns the hold that e placed or released, nil where it did neither: a HOLD
// of an active case, and a RELEASE of one that is not active, have no effect. A RETAIN that would move
// RetainUntil earlier is an error of kind [Refused]. HOLD and RETAIN of a record
// that is purged are [Purged]: they promise to keep what is gone.
func (c *Custody) Apply(e *Event) (*Hold, error) {
	e.NoEffect = false
	if !c.PurgedAt.IsZero() && (e.Action == ActionHold || e.Action == ActionRetain) {
		return nil, Errorf(Purged, "its content was purged on %s: nothing is left to keep", c.PurgedAt.Format(time.DateOnly)).About(e.Tombstone)
	}
	switch e.Action {
	case ActionHold:
		if c.Active(e.Case) == nil {
			c.Holds = append(c.Holds, Hold{Case: e.Case, Placed: Time(e.At), PlacedBy: e.Actor})
			return &c.Holds[len(c.Holds)-1], nil
		}
		e.NoEffect = true
	case ActionRelease:
		if h := c.Active(e.Case); h != nil {
			h.Released = Time(e.At)
			return h, nil
		}
		e.NoEffect = true
	case ActionRetain:
		if e.RetainUntil.Before(c.RetainUntil) {
			return nil, Errorf(Refused, "retained until %s, which only ever moves later", c.RetainUntil.Format(time.DateOnly)).About(e.Tombstone)
		}
		c.RetainUntil = Time(e.RetainUntil)
	case ActionPruneRequest:
		if !slices.ContainsFunc(c.Requests, func(other string) bool { return SamePerson(other, e.Actor) }) {
			c.Requests = append(c.Requests, e.Actor)
		}
	}
	return nil, nil
}

// CheckCustody reports, as an error of kind [Corrupt], that what a record says of
// its purge and its retention, or one of its holds, does not follow from its
// events. e has both, events and holds. The order of the events is not looked at:
// the clocks of two hosts may show another one than the archive saw. So it is
// NoEffect that says which of them have placed or released a hold.
func (e *Entry) CheckCustody() error {
	r := &e.Record
	wrong := func(format string, args ...any) error { return Errorf(Corrupt, format, args...).About(r.Tombstone) }
	until := r.RetainAtStore
	var purges []time.Time
	for i := range e.Events {
		switch event := &e.Events[i]; event.Action {
		case ActionRetain:
			if event.RetainUntil.After(until) {
				until = event.RetainUntil
			}
		case ActionPurge:
			purges = append(purges, event.At)
		}
	}
	switch {
	case len(purges) > 0 && r.PurgedAt.IsZero():
		return wrong("an event says that it was purged, and it is live")
	case len(purges) == 0 && !r.PurgedAt.IsZero():
		return wrong("it is marked as purged, and no event says so")
	case len(purges) > 0 && !slices.ContainsFunc(purges, r.PurgedAt.Equal):
		return wrong("it is marked as purged at %s, and its event says %s", r.PurgedAt.Format(time.RFC3339), purges[0].Format(time.RFC3339))
	case !r.RetainUntil.Equal(until):
		return wrong("it is %s, and its events say that it is %s", retained(r.RetainUntil), retained(until))
	}
	for i := range e.Events {
		if event := &e.Events[i]; event.Action == ActionPurge && !askedByAnother(e.Events, event.Actor) {
			return wrong("it was purged by %s, and no event says that another person asked for it", event.Actor)
		}
	}
	return e.checkHolds(wrong)
}

// checkHolds compares the holds with the events that placed and released them:
// each such event has one hold, and each hold its events.
func (e *Entry) checkHolds(wrong func(string, ...any) error) error {
	for i := range e.Events {
		event := &e.Events[i]
		if n := countFunc(e.Holds, event.placed); event.Action == ActionHold && (n > 1 || n == 0 && !event.NoEffect) {
			return wrong("a hold of case %s was placed on %s, and the archive has %s", event.Case, event.At.Format(time.RFC3339), noneOr(n))
		}
		if n := countFunc(e.Holds, event.released); event.Action == ActionRelease && (n > 1 || n == 0 && !event.NoEffect) {
			return wrong("a hold of case %s was released on %s, and the archive has %s", event.Case, event.At.Format(time.RFC3339), noneOr(n))
		}
	}
	for i := range e.Events {
		if event := &e.Events[i]; event.Action == ActionHold && event.NoEffect && countFunc(e.Events, event.precededBy) == 0 {
			return wrong("a hold of case %s on %s had no effect, and none of the case was ever placed", event.Case, event.At.Format(time.RFC3339))
		}
	}
	for _, h := range e.Holds {
		placed := countFunc(e.Events, func(o Event) bool { return o.Action == ActionHold && o.placed(h) })
		ended := countFunc(e.Events, func(o Event) bool { return o.Action == ActionRelease && o.released(h) })
		if placed == 0 || ended == 0 && !h.Released.IsZero() {
			return wrong("no event says that the hold of case %s was placed by %s on %s%s", h.Case, h.PlacedBy, h.Placed.Format(time.RFC3339), released(h))
		}
	}
	return nil
}

// MarkEffects sets NoEffect of the events of a history for the archive that takes
// them over. there are the holds of the history, and here is what [MergeHolds] has
// made of them. An event whose effect was not taken over has none here; one whose
// effect is missing in the history as well goes on contradicting it.
func MarkEffects(events []Event, there, here []Hold) {
	for i := range events {
		e := &events[i]
		shows := e.placed
		if e.Action == ActionRelease {
			shows = e.released
		}
		cased := e.Action == ActionHold || e.Action == ActionRelease
		e.NoEffect = cased && countFunc(here, shows) == 0 && (e.NoEffect || countFunc(there, shows) > 0)
	}
}

// placed reports whether h is what e, a HOLD, has placed.
func (e *Event) placed(h Hold) bool {
	return h.Case == e.Case && h.Placed.Equal(e.At) && h.PlacedBy == e.Actor
}

// precededBy reports whether o is a HOLD with effect of the case of e, without
// which no HOLD of the case can have been without.
func (e *Event) precededBy(o Event) bool {
	return o.Action == ActionHold && o.Case == e.Case && !o.NoEffect
}

// released reports whether h is what e, a RELEASE, has released.
func (e *Event) released(h Hold) bool { return h.Case == e.Case && h.Released.Equal(e.At) }

func countFunc[T any](list []T, is func(T) bool) (n int) {
	for _, one := range list {
		if is(one) {
			n++
		}
	}
	return n
}

func noneOr(n int) string {
	if n == 0 {
		return "none"
	}
	return "more than one"
}

func released(h Hold) string {
	if h.Released.IsZero() {
		return ""
	}
	return ", or released on " + h.Released.Format(time.RFC3339)
}

func retained(until time.Time) string {
	if until.IsZero() {
		return "not retained"
	}
	return "retained until " + until.Format(time.RFC3339)
}
