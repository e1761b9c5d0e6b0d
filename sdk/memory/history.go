package memory

import (
	"maps"

	"github.com/codex-archive/codex/sdk"
)

// takeOver adds the history of an item to its record, which is there. known says
// that it was before this item.
func (tx *transaction) takeOver(item *sdk.Item, known bool) error {
	r := tx.record(item.Record.Tombstone).clone()
	retained, here := r.RetainUntil, len(r.holds)
	placed := r.events
	for _, e := range item.History.Events {
		e.At, e.RetainUntil, e.Detail = sdk.Time(e.At), sdk.Time(e.RetainUntil), maps.Clone(e.Detail)
		switch old, taken := tx.event(e.ID); {
		case taken && !old.Same(&e):
			return sdk.EventTaken(e.ID, e.Tombstone)
		case taken:
			continue
		}
		tx.events[e.ID] = e
		r.events = append(r.events, e)
		if e.RetainUntil.After(r.RetainUntil) {
			r.RetainUntil = e.RetainUntil
		}
	}
	r.holds = sdk.MergeHolds(r.holds, item.History.Holds, placed)
	if purged := item.PurgedAt(); !purged.IsZero() && r.PurgedAt.IsZero() {
		if known {
			before := sdk.Custody{Holds: r.holds[:here], RetainUntil: retained}
			if err := item.CheckPurge(&before, clock()); err != nil {
				return err
			}
			r.Content = tx.archive.copyOf(r).Content // the record keeps saying what it was
		}
		r.PurgedAt = sdk.Time(purged)
	}
	tx.records[r.Tombstone] = r
	return nil
}

// removeUnused removes the bodies of purged records that no live record needs.
func (a *archive) removeUnused(records map[sdk.Tombstone]*record) {
	var users map[sdk.Digest]int
	for _, r := range records {
		if r.PurgedAt.IsZero() {
			continue
		}
		if users == nil {
			users = a.users()
		}
		if content := r.Content.SHA256; users[content] == 0 {
			delete(a.bodies, content)
		}
	}
}
