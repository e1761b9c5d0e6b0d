package sdk

import "time"

// Action says what an event did.
type Action string

// The actions. ARCHIVE and PURGE events come about by Put and Purge and are
// only read; the others are given to Append.
const (
	ActionArchive      Action = "ARCHIVE"
	ActionRestore      Action = "RESTORE"
	ActionHold         Action = "HOLD"
	ActionRelease      Action = "RELEASE"
	ActionRetain       Action = "RETAIN"
	ActionPruneRequest Action = "PRUNE_REQUEST"
	ActionPurge        Action = "PURGE"
)

// Event is one line of a record's history. Its ID is also that of the evidence
// record which the host keeps.
type Event struct {
	ID          ID
	Tombstone   Tombstone
	Action      Action
	Actor       string
	At          time.Time
	Case        string            // HOLD and RELEASE: which case; else ""
	RetainUntil time.Time         // RETAIN: the new end; else zero
	Detail      map[string]string // free pairs, such as the output of a RESTORE; never a secret
	Host        string            // name of the machine that did it
}

// Same reports whether two events are one: whether appending e where o is
// present is a repeat or a conflict. Every field but Detail counts.
func (e *Event) Same(o *Event) bool {
	return e.ID == o.ID && e.Tombstone == o.Tombstone && e.Action == o.Action && e.Actor == o.Actor &&
		e.At.Equal(o.At) && e.Case == o.Case && e.RetainUntil.Equal(o.RetainUntil) && e.Host == o.Host
}

// Hold is a case that forbids purging a record while it is active.
type Hold struct {
	Case     string
	Placed   time.Time
	PlacedBy string
	Released time.Time // zero while it is active
}
