package kvbackend

import (
	"context"

	"github.com/codex-archive/codex/sdk"
)

// Append records events with their effects.
func (b *backend) Append(ctx context.Context, events []sdk.Event) error {
	if err := b.mayWrite("append"); err != nil {
		return err
	}
	if len(events) > sdk.MaxItems {
		return tooMany("append", "events")
	}
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return b.wrap(ctx, "append", err)
		}
	}
	return b.update(ctx, "append", func(t tx) error { return t.append(events) })
}

func (t tx) append(events []sdk.Event) error {
	rows := map[sdk.Tombstone]*row{}
	unknown := sdk.Culprits{Kind: sdk.NotFound, Msg: "no such tombstone"}
	for _, e := range events {
		if _, known := rows[e.Tombstone]; known || e.Action.OfArchive() {
			continue
		}
		r, err := t.row(e.Tombstone)
		if err != nil {
			return err
		}
		if r == nil {
			unknown.Add(e.Tombstone)
		}
		rows[e.Tombstone] = r
	}
	if err := unknown.Err(); err != nil {
		return err
	}
	for _, e := range events {
		e.At, e.RetainUntil = sdk.Time(e.At), sdk.Time(e.RetainUntil)
		var c *sdk.Custody
		if r := rows[e.Tombstone]; r != nil {
			c = &r.custody
		}
		if err := t.appendOne(&e, c); err != nil {
			return err
		}
	}
	return nil
}

// appendOne records an event, unless it is a repeat, and its effect. An event of
// the archive has no custody.
func (t tx) appendOne(e *sdk.Event, c *sdk.Custody) error {
	old, taken, err := t.event(e.ID)
	switch {
	case err != nil:
		return err
	case taken && old.Same(e):
		return nil
	case taken:
		return sdk.EventTaken(e.ID, e.Tombstone)
	}
	e.NoEffect = false
	if c == nil {
		return t.addOwnEvent(e)
	}
	if _, err := c.Apply(e); err != nil {
		return err
	}
	if err := t.addEvent(e); err != nil {
		return err
	}
	if e.Action == sdk.ActionRestore {
		return nil // it has no effect
	}
	return t.saveCustody(e.Tombstone, c)
}
