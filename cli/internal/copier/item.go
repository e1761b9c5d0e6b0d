package copier

import (
	"github.com/codex-archive/codex/sdk"
)

// Item is a record on its way, with what the destination lacks of it.
type Item struct {
	Record sdk.Record
	Events int // that the destination does not have

	history sdk.History
	fresh   bool // the destination does not have the record
	purged  bool // in the source
	gone    bool // in the destination: purged there
	absent  bool // the destination has the record and not its body
	lost    bool // the source has not its body
	send    bool // the body is sent
	body    []byte
	err     error // why the body cannot be sent
}

// needsContent reports whether the record is live in the destination when it is
// copied.
func (it *Item) needsContent() bool { return !it.purged && !it.gone }

// large reports whether the body is too large for memory: it is sent while it is
// received.
func (it *Item) large() bool {
	return it.needsContent() && it.Record.Content.StoredSize > sdk.StagedBody
}

// size is how much of a group the item takes.
func (it *Item) size() int64 {
	if !it.needsContent() || !it.fresh && !it.absent {
		return 0
	}
	return it.Record.Content.StoredSize
}

// Totals sums up a group that is sent.
type Totals struct {
	Copied, Updated, Events int
	Bytes                   int64 // of bodies
}

// Sum sums up items that are sent.
func Sum(items []*Item) (t Totals) {
	for _, r := range results(items) {
		t.Events += r.Events
		t.Bytes += r.Bytes
		if r.Outcome == Copied {
			t.Copied++
		} else {
			t.Updated++
		}
	}
	return t
}
