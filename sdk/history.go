package sdk

import (
	"slices"
	"time"
)

// History is what became of a record in another archive. It comes with an [Item]
// that is copied from there.
type History struct {
	// Events are those of the record, oldest first, but for ARCHIVE, which the
	// record itself is. They keep their ids, times, actors and hosts.
	Events []Event
	// Holds are those of the record as they are there, released ones included.
	Holds []Hold
}

// Len returns how many events and holds h has; see [MaxHistory].
func (h *History) Len() int { return len(h.Events) + len(h.Holds) }

// PurgedAt returns when the record of i was purged, as its history says; the zero
// time if that has no PURGE. Such a record is taken in, or becomes, purged.
func (i *Item) PurgedAt() time.Time {
	n := slices.IndexFunc(i.History.Events, func(e Event) bool { return e.Action == ActionPurge })
	switch {
	case n < 0:
		return time.Time{}
	case !i.Record.PurgedAt.IsZero():
		return i.Record.PurgedAt
	}
	return i.History.Events[n].At
}

// Validate reports what is wrong with an item, as [Record.Validate] does.
func (i *Item) Validate() error {
	if err := i.Record.Validate(); err != nil || i.History.Len() == 0 && i.Replaces.IsZero() {
		return err
	}
	c := checker{about: i.Record.Tombstone}
	c.require(i.Body != nil || i.Replaces.IsZero(), "an item that replaces a body", "has none")
	c.atMost("history", i.History.Len(), MaxHistory, "events and holds in one call")
	for n := range i.History.Events {
		e := &i.History.Events[n]
		c.require(e.Tombstone == i.Record.Tombstone, "history", "has an event of another record")
		c.require(e.Action != ActionArchive, "history", "has an ARCHIVE, which the record is")
		c.text("action", string(e.Action), MaxName, true)
		c.event(e)
	}
	for n := range i.History.Holds {
		c.hold(&i.History.Holds[n])
	}
	if !i.PurgedAt().IsZero() {
		c.require(i.Body == nil, "a purged record", "has a body")
		c.require(i.Record.Content.StoredSize >= 0, "stored size", "of a purged record is missing")
	}
	return c.err
}

// MergeHolds returns the holds of a record after it took in those of its history
// elsewhere: first those that it has here, some of them released now, then those
// that are new. placed are the HOLD events that were made here.
//
// Two holds are one if case, time and person agree. It is released here if it is
// released there, but a HOLD of the case that was placed later, here, stays
// active: no older history releases it.
func MergeHolds(here, there []Hold, placed []Event) []Hold {
	merged := slices.Clone(here)
	for _, h := range there {
		n := slices.IndexFunc(merged, func(o Hold) bool {
			return o.Case == h.Case && o.Placed.Equal(h.Placed) && o.PlacedBy == h.PlacedBy
		})
		switch {
		case n < 0 && (!h.Released.IsZero() || activeCase(merged, h.Case) < 0):
			merged = append(merged, h)
		case n >= 0 && merged[n].Released.IsZero() && !h.Released.IsZero():
			merged[n].Released = h.Released
			if again, ok := placedAfter(placed, h.Case, h.Released); ok {
				merged = append(merged, again)
			}
		}
	}
	return merged
}

func activeCase(holds []Hold, name string) int {
	return slices.IndexFunc(holds, func(h Hold) bool { return h.Case == name && h.Released.IsZero() })
}

// placedAfter returns the hold that the first HOLD of a case after a time is.
func placedAfter(events []Event, name string, after time.Time) (h Hold, ok bool) {
	for _, e := range events {
		if e.Action == ActionHold && e.Case == name && e.At.After(after) && (!ok || e.At.Before(h.Placed)) {
			h, ok = Hold{Case: name, Placed: e.At, PlacedBy: e.Actor}, true
		}
	}
	return h, ok
}

// CheckPurge reports why the PURGE in the history of i may not be carried out on
// the live record that is here, as an error of kind [Refused]. c is what the
// archive made of the record before, its holds as [MergeHolds] has left them. now
// is the time of the database.
func (i *Item) CheckPurge(c *Custody, now time.Time) error {
	refuse := func(format string, args ...any) error {
		return Errorf(Refused, "it was purged elsewhere and may not be purged here: "+format, args...).About(i.Record.Tombstone)
	}
	if hold := c.Active(""); hold != nil {
		return refuse("case %s is active", hold.Case)
	}
	if c.RetainUntil.After(now) {
		return refuse("retained until %s", c.RetainUntil.Format(time.DateOnly))
	}
	for _, purge := range i.History.Events {
		if purge.Action == ActionPurge && !askedByAnother(i.History.Events, purge.Actor) {
			return refuse("its history has no request of a person other than %s", purge.Actor)
		}
	}
	return nil
}

// askedByAnother reports whether a person other than actor asked for a purge.
func askedByAnother(events []Event, actor string) bool {
	return slices.ContainsFunc(events, func(e Event) bool {
		return e.Action == ActionPruneRequest && !SamePerson(e.Actor, actor)
	})
}
