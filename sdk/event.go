package sdk

import (
	"bytes"
	"cmp"
	"time"
)

// Action says what an event did.
type Action string

// The actions. An ARCHIVE event comes about by Put, a PURGE by Purge, or with the
// [History] of a record that is copied. The others are given to Append. VERIFY is an event of the
// archive and of no record: content was read back and checked.
const (
	ActionArchive      Action = "ARCHIVE"
	ActionRestore      Action = "RESTORE"
	ActionHold         Action = "HOLD"
	ActionRelease      Action = "RELEASE"
	ActionRetain       Action = "RETAIN"
	ActionPruneRequest Action = "PRUNE_REQUEST"
	ActionPurge        Action = "PURGE"
	ActionVerify       Action = "VERIFY"
)

// OfArchive reports whether events of this action belong to the archive as a
// whole, and have no tombstone.
func (a Action) OfArchive() bool { return a == ActionVerify }

// Event is one line of a record's history, or of that of the archive. Its ID is
// also that of the evidence record which the host keeps.
type Event struct {
	ID          ID        // see [NewEventID]; that of an ARCHIVE event may be its tombstone
	Tombstone   Tombstone // zero: see [Action.OfArchive]
	Action      Action
	Actor       string
	At          time.Time
	Case        string            // HOLD and RELEASE: which case; else ""
	RetainUntil time.Time         // RETAIN: the new end; else zero
	Detail      map[string]string // free pairs, such as the output of a RESTORE; never a secret
	Host        string            // name of the machine that did it
	// NoEffect says of a HOLD or RELEASE that it placed or released no hold. The
	// archive sets it when it records the event.
	NoEffect bool
}

// Same reports whether two events are one: whether appending e where o is
// present is a repeat or a conflict. Every field but Detail and NoEffect counts.
func (e *Event) Same(o *Event) bool {
	return e.ID == o.ID && e.Tombstone == o.Tombstone && e.Action == o.Action && e.Actor == o.Actor &&
		e.At.Equal(o.At) && e.Case == o.Case && e.RetainUntil.Equal(o.RetainUntil) && e.Host == o.Host
}

// Compare orders events as an [Entry] has them: by time, then by id.
func (e Event) Compare(o Event) int {
	return cmp.Or(e.At.Compare(o.At), bytes.Compare(e.ID[:], o.ID[:]))
}

// EventTaken is the error about an event id that belongs to something else than
// the event of this tombstone.
func EventTaken(id ID, about Tombstone) *Error {
	e := Errorf(Conflict, "the event id %v is taken", id)
	if !about.IsZero() { // else it is an event of the archive
		e.Tombstones = []Tombstone{about}
	}
	return e
}

// Hold is a case that forbids purging a record while it is active.
type Hold struct {
	Case     string
	Placed   time.Time
	PlacedBy string
	Released time.Time // zero while it is active
}

// Compare orders holds as an [Entry] has them: by the time they were placed, then
// by case.
func (h Hold) Compare(o Hold) int {
	return cmp.Or(h.Placed.Compare(o.Placed), cmp.Compare(h.Case, o.Case))
}
