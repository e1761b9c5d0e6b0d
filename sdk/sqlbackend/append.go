package sqlbackend

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// lockedItem is what later events need to know of a record.
type lockedItem struct {
	key, artifact int64
	err           error            // why the row cannot be read
	custody       sdk.Custody      // with active holds only
	holdKeys      map[string]int64 // of codex_hold, by case
}

// Append records events with their effects.
func (b *Backend) Append(ctx context.Context, events []sdk.Event) error {
	if len(events) > sdk.MaxItems {
		return tooMany("append", "events")
	}
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return b.wrap(ctx, "append", err)
		}
	}
	var names map[string]int64
	err := b.write(ctx, "append", func(ctx context.Context, db *conn) (err error) {
		names, err = db.append(ctx, events)
		return err
	})
	if err == nil {
		b.names.add(names)
	}
	return explainTaken(err)
}

func (db *conn) append(ctx context.Context, events []sdk.Event) (names map[string]int64, err error) {
	if len(events) == 0 {
		return nil, nil
	}
	actors := make([]string, len(events))
	for i := range events {
		actors[i] = events[i].Actor
	}
	if names, err = db.b.nameKeys(ctx, db, actors); err != nil {
		return nil, err
	}
	items, err := db.lockItems(ctx, tombstonesOf(events), db.b.d.Locks.ForUpdate)
	if err != nil {
		return nil, err
	}
	fresh, err := db.freshEvents(ctx, events, items)
	if err != nil {
		return nil, err
	}
	if err := db.readHolds(ctx, items); err != nil {
		return nil, err
	}
	for i := range fresh {
		e := &fresh[i]
		if e.NoEffect = false; e.Action.OfArchive() {
			continue
		}
		if err := db.applyEvent(ctx, e, items[e.Tombstone], names); err != nil {
			return nil, err
		}
	}
	return names, db.insertEvents(ctx, fresh, items, names)
}

func tombstonesOf(events []sdk.Event) []sdk.Tombstone {
	set := map[sdk.Tombstone]bool{}
	for i := range events {
		if !events[i].Action.OfArchive() {
			set[events[i].Tombstone] = true
		}
	}
	return slices.Collect(maps.Keys(set))
}

// freshEvents leaves out repeats, and refuses ids that are taken and
// tombstones that are unknown.
func (db *conn) freshEvents(ctx context.Context, events []sdk.Event, items map[sdk.Tombstone]*lockedItem) ([]sdk.Event, error) {
	unknown := sdk.Culprits{Kind: sdk.NotFound, Msg: "no such tombstone"}
	for i := range events {
		it := items[events[i].Tombstone]
		if events[i].Action.OfArchive() {
			continue
		}
		if it == nil {
			unknown.Add(events[i].Tombstone)
		} else if it.err != nil {
			return nil, it.err
		}
	}
	if err := unknown.Err(); err != nil {
		return nil, err
	}
	eventIDs := make([]sdk.ID, len(events))
	for i := range events {
		eventIDs[i] = events[i].ID
	}
	known, err := db.knownEvents(ctx, eventIDs)
	if err != nil {
		return nil, err
	}
	var fresh []sdk.Event
	for _, e := range events {
		old, taken := known[e.ID]
		if taken && !old.Same(&e) {
			return nil, sdk.EventTaken(e.ID, e.Tombstone)
		}
		if !taken {
			fresh = append(fresh, e)
			known[e.ID] = e
		}
	}
	return fresh, nil
}

// knownEvents reads the events with these ids, ARCHIVE events among them.
func (db *conn) knownEvents(ctx context.Context, eventIDs []sdk.ID) (map[sdk.ID]sdk.Event, error) {
	known := map[sdk.ID]sdk.Event{}
	if len(eventIDs) == 0 {
		return known, nil
	}
	in, args := db.b.d.in("e.id", Bytes, ids(eventIDs))
	of := map[int64][]sdk.ID{}
	err := db.query(ctx, selectEvents+in, args, func(scan scan) error {
		e, item, _, err := scanEvent(scan) // an event that cannot be read has its id all the same
		if err == nil {
			known[e.ID] = e
			if item.Valid {
				of[item.Int64] = append(of[item.Int64], e.ID)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := db.nameOwners(ctx, known, of); err != nil {
		return nil, err
	}
	return known, db.archiveEvents(ctx, eventIDs, func(_ int64, event sdk.ID, tombstone sdk.Tombstone) {
		known[event] = sdk.Event{ID: event, Tombstone: tombstone, Action: sdk.ActionArchive}
	})
}

// archiveEvents calls found for the records that are one of these events.
func (db *conn) archiveEvents(ctx context.Context, eventIDs []sdk.ID, found func(key int64, event sdk.ID, tombstone sdk.Tombstone)) error {
	for _, look := range []struct{ query, column string }{
		{"SELECT id, event, tombstone FROM codex_item WHERE ", "event"},
		{"SELECT id, tombstone, tombstone FROM codex_item WHERE event IS NULL AND ", "tombstone"},
	} {
		in, args := db.b.d.in(look.column, Bytes, ids(eventIDs))
		err := db.query(ctx, look.query+in, args, func(scan scan) error {
			var key int64
			var event, tombstone sql.RawBytes
			if err := scan(&key, &event, &tombstone); err != nil {
				return err
			}
			var id, of sdk.ID
			copy(id[:], event) // it was asked for by this value
			copy(of[:], tombstone)
			found(key, id, of)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// nameOwners fills in the tombstones of events, known by their records' keys.
func (db *conn) nameOwners(ctx context.Context, known map[sdk.ID]sdk.Event, of map[int64][]sdk.ID) error {
	if len(of) == 0 {
		return nil
	}
	var keys []any
	for key := range of {
		keys = append(keys, key)
	}
	in, args := db.b.d.in("id", Int, keys)
	return db.query(ctx, "SELECT id, tombstone FROM codex_item WHERE "+in, args, func(scan scan) error {
		var key int64
		var tombstone sql.RawBytes
		if err := scan(&key, &tombstone); err != nil {
			return err
		}
		for _, id := range of[key] {
			e := known[id]
			copy(e.Tombstone[:], tombstone)
			known[id] = e
		}
		return nil
	})
}

// readHolds fills lockedItem.custody with the active holds.
func (db *conn) readHolds(ctx context.Context, items map[sdk.Tombstone]*lockedItem) error {
	if len(items) == 0 {
		return nil
	}
	byKey := map[int64]*lockedItem{}
	var keys []any
	for _, it := range items {
		byKey[it.key] = it
		keys = append(keys, it.key)
		it.holdKeys = map[string]int64{}
	}
	in, args := db.b.d.in("h.item", Int, keys)
	return db.query(ctx, selectHolds+in+" AND h.released_at IS NULL ORDER BY h.placed_at, h.case_name", args, func(scan scan) error {
		h, err := scanHold(scan)
		if err == nil {
			it := byKey[h.item]
			it.custody.Holds = append(it.custody.Holds, h.Hold)
			it.holdKeys[h.Case] = h.key
		}
		return err
	})
}

// applyEvent carries out the effect of an event. One of the archive has none.
func (db *conn) applyEvent(ctx context.Context, e *sdk.Event, it *lockedItem, names map[string]int64) error {
	if it == nil {
		return nil
	}
	h, err := it.custody.Apply(e)
	switch {
	case err != nil:
		return err
	case h != nil && h.Released.IsZero():
		return db.placeHold(ctx, h, it, names)
	case h != nil:
		return db.change(ctx, 1, "UPDATE codex_hold SET released_at = ? WHERE id = ?", h.Released.UnixMicro(), it.holdKeys[h.Case])
	case e.Action == sdk.ActionRetain:
		return db.change(ctx, 1, "UPDATE codex_item SET retain_until = ? WHERE id = ?", e.RetainUntil.UnixMicro(), it.key)
	}
	return nil
}

func (db *conn) placeHold(ctx context.Context, h *sdk.Hold, it *lockedItem, names map[string]int64) error {
	var key int64
	err := db.query(ctx, "INSERT INTO codex_hold (item, case_name, placed_at, placed_by) VALUES (?, ?, ?, ?) RETURNING id",
		[]any{it.key, h.Case, h.Placed.UnixMicro(), names[h.PlacedBy]}, func(scan scan) error { return scan(&key) })
	if err != nil {
		return err
	}
	it.holdKeys[h.Case] = key
	return inserted(key)
}

var insertEvent = insert{
	table: "codex_event",
	columns: []column{
		{"id", Bytes}, {"item", Int}, {"action", Text}, {"actor", Int}, {"happened_at", Int},
		{"case_name", Text}, {"retain_until", Int}, {"detail", Text}, {"host", Text}, {"no_effect", Int},
	},
}

func (db *conn) insertEvents(ctx context.Context, events []sdk.Event, items map[sdk.Tombstone]*lockedItem, names map[string]int64) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		detail, err := encodeJSON(e.Detail, len(e.Detail))
		if err != nil {
			return err
		}
		var item any
		if it := items[e.Tombstone]; it != nil {
			item = it.key
		}
		rows[i] = []any{
			e.ID[:], item, string(e.Action), names[e.Actor], e.At.UnixMicro(),
			e.Case, micros(e.RetainUntil), detail, e.Host, truth(e.NoEffect),
		}
	}
	return insertEvent.rows(ctx, db, rows, nil)
}
