package sdk

import (
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

// SamePerson reports whether two actors count as one for the rule of four
// eyes: trimmed, and case folded.
func SamePerson(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
