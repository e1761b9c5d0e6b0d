package kvbackend

import (
	"slices"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/intake"
)

// takeOver adds what became of the records in another archive, once all records
// of the group are written.
func (p *group) takeOver() error {
	for _, e := range p.entries {
		if e.Item.History.Len() == 0 {
			continue
		}
		if err := p.t.takeOver(e, p.known[e.Record.Tombstone]); err != nil {
			return err
		}
	}
	return nil
}

// takeOver adds the history of an item to its record. known says that the record
// was there before this call.
func (t tx) takeOver(e *intake.Entry, known bool) error {
	id := e.Record.Tombstone
	r, err := t.row(id)
	if err != nil {
		return err
	}
	c := &r.custody
	before := sdk.Custody{Holds: c.Holds, RetainUntil: c.RetainUntil}
	placed, err := t.events(id)
	if err != nil {
		return err
	}
	c.Holds = sdk.MergeHolds(c.Holds, e.Item.History.Holds, placed)
	events := slices.Clone(e.Item.History.Events)
	sdk.MarkEffects(events, e.Item.History.Holds, c.Holds)
	for _, event := range events {
		if err := t.takeEvent(event, c); err != nil {
			return err
		}
	}
	before.Holds = c.Holds[:len(before.Holds)]
	if !e.Purged() || !c.PurgedAt.IsZero() {
		return t.saveCustody(id, c)
	}
	if known {
		if err := e.Item.CheckPurge(&before, now()); err != nil {
			return err
		}
	}
	c.PurgedAt = sdk.Time(e.Record.PurgedAt)
	n := slices.IndexFunc(e.Item.History.Events, func(e sdk.Event) bool { return e.Action == sdk.ActionPurge })
	c.PurgedBy = e.Item.History.Events[n].ID // Purged has found one
	return t.purge(r)
}

// takeEvent writes an event of a history, unless it is there.
func (t tx) takeEvent(e sdk.Event, c *sdk.Custody) error {
	e.At, e.RetainUntil = sdk.Time(e.At), sdk.Time(e.RetainUntil)
	old, taken, err := t.event(e.ID)
	switch {
	case err != nil:
		return err
	case taken && !old.Same(&e):
		return sdk.EventTaken(e.ID, e.Tombstone)
	case taken:
		return nil
	}
	if e.RetainUntil.After(c.RetainUntil) {
		c.RetainUntil = e.RetainUntil
	}
	if e.Action == sdk.ActionPruneRequest {
		if _, err := c.Apply(&e); err != nil {
			return err
		}
	}
	return t.addEvent(&e)
}
