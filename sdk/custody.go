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
