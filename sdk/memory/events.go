package memory

import (
	"context"
	"maps"

	"github.com/codex-archive/codex/sdk"
)

// Append implements [sdk.Backend].
func (b *Backend) Append(ctx context.Context, events []sdk.Event) error {
	if len(events) > sdk.MaxItems {
		return tooMany("events")
	}
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return err
		}
	}
	if err := b.lockWrite(ctx); err != nil {
		return err
	}
	defer b.archive.mu.Unlock()
	return b.archive.append(events)
}

// append applies the events to copies of the records they are about, and keeps
// the copies when all went well.
func (a *archive) append(events []sdk.Event) error {
	records := map[sdk.Tombstone]*record{}
	added := map[sdk.ID]sdk.Event{}
	for _, e := range events {
		e.At, e.RetainUntil, e.Detail = sdk.Time(e.At), sdk.Time(e.RetainUntil), maps.Clone(e.Detail)
		old, taken := added[e.ID]
		if !taken {
			old, taken = a.events[e.ID]
		}
		switch {
		case taken && old.Same(&e):
			continue
		case taken:
			return at(e.Tombstone, sdk.Conflict, "the event id "+e.ID.String()+" is taken")
		}
		if e.Action.OfArchive() {
			added[e.ID] = e
			continue
		}
		r := records[e.Tombstone]
		if r == nil {
			if r = a.records[e.Tombstone].clone(); r == nil {
				return at(e.Tombstone, sdk.NotFound, "no such tombstone")
			}
			records[e.Tombstone] = r
		}
		if err := r.apply(e); err != nil {
			return err
		}
		added[e.ID] = e
	}
	maps.Copy(a.records, records)
	maps.Copy(a.events, added)
	return nil
}

// clone returns a copy of r that grows without touching r; nil for nil.
func (r *record) clone() *record {
	if r == nil {
		return nil
	}
	c := *r
	c.events = append([]sdk.Event(nil), r.events...)
	c.holds = append([]sdk.Hold(nil), r.holds...)
	return &c
}

// apply records e and its effect. HOLD of an active case, and RELEASE of one that
// is not active, are recorded and have no effect.
func (r *record) apply(e sdk.Event) error {
	switch e.Action {
	case sdk.ActionHold:
		if r.active(e.Case) == nil {
			r.holds = append(r.holds, sdk.Hold{Case: e.Case, Placed: e.At, PlacedBy: e.Actor})
		}
	case sdk.ActionRelease:
		if h := r.active(e.Case); h != nil {
			h.Released = e.At
		}
	case sdk.ActionRetain:
		if e.RetainUntil.Before(r.RetainUntil) {
			return at(e.Tombstone, sdk.Refused, "retained until "+r.RetainUntil.Format("2006-01-02")+", which only ever moves later")
		}
		r.RetainUntil = e.RetainUntil
	}
	r.events = append(r.events, e)
	return nil
}

// active returns the active hold of a case, of any case for "".
func (r *record) active(name string) *sdk.Hold {
	for i := range r.holds {
		if h := &r.holds[i]; h.Released.IsZero() && (name == "" || h.Case == name) {
			return h
		}
	}
	return nil
}
