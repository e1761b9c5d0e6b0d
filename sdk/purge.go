package sdk

import (
	"slices"
	"strings"
	"time"
)

// Purge asks for bodies to be removed.
type Purge struct {
	Items  []PurgeItem
	Actor  string
	At     time.Time // the host's clock; the earlier of it and the database's decides
	DryRun bool      // judge and change nothing
	Host   string    // name of the machine that asks; the PURGE events carry it
}

// PurgeItem names a record, and the event that its purge will be.
type PurgeItem struct {
	Tombstone Tombstone
	Event     ID
}

// Outcome of the purge of one record.
type Outcome string

// The outcomes. The first that applies, in this order, is the answer.
const (
	OutcomeUnknown      Outcome = "unknown"       // no such record
	OutcomeRepeated     Outcome = "repeated"      // purged by this very event before
	OutcomeAlready      Outcome = "already"       // purged by another event before
	OutcomeHeld         Outcome = "held"          // a hold is active
	OutcomeRetained     Outcome = "retained"      // RetainUntil is in the future
	OutcomeNotRequested Outcome = "not-requested" // there is no PRUNE_REQUEST
	OutcomeSameActor    Outcome = "same-actor"    // only the same person (see [SamePerson]) asked for it
	OutcomePurged       Outcome = "purged"        // done, or would be done in a dry run
)

// Verdict is what became of one PurgeItem, in the order of the items. Records
// that may not be purged do not keep others from it.
type Verdict struct {
	Tombstone Tombstone
	Outcome   Outcome
	Why       string // for people: the case, the date, the name
	Freed     int64  // bytes of the body that was removed; 0 when other live records need it
}

// Clock returns the time that decides about retention: the earlier of the host's
// clock and the database's.
func (p *Purge) Clock(database time.Time) time.Time {
	if database.Before(p.At) {
		return Time(database)
	}
	return Time(p.At)
}

// CheckEvents returns an error of kind [Conflict] if an event id of p belongs to
// something else than the purge of its record. Known are the events in the
// archive that have one of these ids.
func (p *Purge) CheckEvents(known map[ID]Event) error {
	asked := make(map[ID]Tombstone, len(p.Items))
	for _, item := range p.Items {
		other, twice := asked[item.Event]
		old, taken := known[item.Event]
		if twice && other != item.Tombstone || taken && (old.Tombstone != item.Tombstone || old.Action != ActionPurge) {
			return EventTaken(item.Event, item.Tombstone)
		}
		asked[item.Event] = item.Tombstone
	}
	return nil
}

// Event returns the event that the purge of item is. Now comes from [Purge.Clock].
func (p *Purge) Event(item PurgeItem, now time.Time) Event {
	return Event{ID: item.Event, Tombstone: item.Tombstone, Action: ActionPurge, Actor: p.Actor, At: now, Host: p.Host}
}

// Judge returns the verdict on item, in the order of [Outcome]; its Freed is left
// to the caller. C is what the archive knows of the record, nil where there is
// none. Now comes from [Purge.Clock], and [Purge.CheckEvents] has found nothing.
// Where the outcome is [OutcomePurged], Judge notes in c that the record is
// purged, for an item after it that names the same record.
func (p *Purge) Judge(item PurgeItem, c *Custody, now time.Time) Verdict {
	v := Verdict{Tombstone: item.Tombstone}
	if c == nil {
		v.Outcome, v.Why = OutcomeUnknown, "no such tombstone"
		return v
	}
	switch hold := c.Active(""); {
	case c.PurgedBy == item.Event:
		v.Outcome, v.Why = OutcomeRepeated, "purged by this very request before"
	case !c.PurgedAt.IsZero():
		v.Outcome, v.Why = OutcomeAlready, "purged before, on "+c.PurgedAt.Format(time.DateOnly)
	case hold != nil:
		v.Outcome, v.Why = OutcomeHeld, "case "+hold.Case+" is active"
	case c.RetainUntil.After(now):
		v.Outcome, v.Why = OutcomeRetained, "retained until "+c.RetainUntil.Format(time.DateOnly)
	case len(c.Requests) == 0:
		v.Outcome, v.Why = OutcomeNotRequested, "it was not asked for"
	case !slices.ContainsFunc(c.Requests, func(other string) bool { return !SamePerson(other, p.Actor) }):
		v.Outcome, v.Why = OutcomeSameActor, "only "+p.Actor+" asked for it"
	default:
		v.Outcome = OutcomePurged
		c.PurgedAt, c.PurgedBy = now, item.Event
	}
	return v
}

// SamePerson reports whether two actors count as one for the rule of four
// eyes: trimmed, and case folded.
func SamePerson(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
