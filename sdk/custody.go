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

// Apply carries out the effect of e, which is valid and new. It returns the hold
// that e placed or released, nil where it did neither: a HOLD of an active case,
// and a RELEASE of one that is not active, have no effect. A RETAIN that would move
// RetainUntil earlier is an error of kind [Refused]. HOLD and RETAIN of a record
// that is purged are [Purged]: they promise to keep what is gone.
func (c *Custody) Apply(e *Event) (*Hold, error) {
	if !c.PurgedAt.IsZero() && (e.Action == ActionHold || e.Action == ActionRetain) {
		return nil, Errorf(Purged, "its content was purged on %s: nothing is left to keep", c.PurgedAt.Format(time.DateOnly)).About(e.Tombstone)
	}
	switch e.Action {
	case ActionHold:
		if c.Active(e.Case) == nil {
			c.Holds = append(c.Holds, Hold{Case: e.Case, Placed: Time(e.At), PlacedBy: e.Actor})
			return &c.Holds[len(c.Holds)-1], nil
		}
	case ActionRelease:
		if h := c.Active(e.Case); h != nil {
			h.Released = Time(e.At)
			return h, nil
		}
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
// events. e has both, events and holds. That a hold was placed again after it was
// released does not show: the clocks of two hosts may order its events in another
// way than the archive saw them.
func (e *Entry) CheckCustody() error {
	r := &e.Record
	wrong := func(format string, args ...any) error { return Errorf(Corrupt, format, args...).About(r.Tombstone) }
	until := r.RetainAtStore
	purged := false
	for i := range e.Events {
		switch event := &e.Events[i]; event.Action {
		case ActionRetain:
			if event.RetainUntil.After(until) {
				until = event.RetainUntil
			}
		case ActionPurge:
			purged = true
		case ActionHold:
			if !slices.ContainsFunc(e.Holds, func(h Hold) bool { return h.Case == event.Case }) {
				return wrong("a hold of case %s was placed on %s, and the archive has none", event.Case, event.At.Format(time.DateOnly))
			}
		}
	}
	switch {
	case purged && r.PurgedAt.IsZero():
		return wrong("an event says that it was purged, and it is live")
	case !purged && !r.PurgedAt.IsZero():
		return wrong("it is marked as purged, and no event says so")
	case !r.RetainUntil.Equal(until):
		return wrong("it is retained until %s, and its events say %s", formatUntil(r.RetainUntil), formatUntil(until))
	}
	for _, h := range e.Holds {
		if !e.says(ActionHold, h.Case, h.Placed, h.PlacedBy) || !h.Released.IsZero() && !e.says(ActionRelease, h.Case, h.Released, "") {
			return wrong("no event says that the hold of case %s was placed by %s on %s%s", h.Case, h.PlacedBy, h.Placed.Format(time.DateOnly), released(h))
		}
	}
	return nil
}

// says reports whether an event is of a case and a time and, unless that is empty,
// of an actor.
func (e *Entry) says(action Action, name string, at time.Time, actor string) bool {
	return slices.ContainsFunc(e.Events, func(o Event) bool {
		return o.Action == action && o.Case == name && o.At.Equal(at) && (actor == "" || o.Actor == actor)
	})
}

func released(h Hold) string {
	if h.Released.IsZero() {
		return ""
	}
	return ", or released on " + h.Released.Format(time.DateOnly)
}

func formatUntil(t time.Time) string {
	if t.IsZero() {
		return "no day"
	}
	return t.Format(time.RFC3339)
}
