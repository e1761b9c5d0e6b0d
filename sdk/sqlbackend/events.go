package sqlbackend

import (
	"context"
	"database/sql"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

const selectEvents = `SELECT e.id, e.item, e.action, w.name, e.happened_at, e.case_name, e.retain_until, e.detail, e.host, e.no_effect
	FROM codex_event e LEFT JOIN codex_name w ON w.id = e.actor WHERE `

// scanEvent reads one row of selectEvents; the caller adds the tombstone. item is
// NULL for an event of the archive. A row that cannot be read is no error of the
// query.
func scanEvent(scan scan) (e sdk.Event, item sql.NullInt64, unreadable, err error) {
	var id sql.RawBytes
	var at, retain, noEffect sql.NullInt64
	var action, actor, name, detail, host sql.NullString
	if err := scan(&id, &item, &action, &actor, &at, &name, &retain, &detail, &host, &noEffect); err != nil {
		return e, item, nil, err
	}
	unreadable = fixed("event id", id, e.ID[:])
	e.Action, e.Actor, e.Case, e.Host = sdk.Action(action.String), actor.String, name.String, host.String
	e.At, e.RetainUntil, e.NoEffect = fromMicros(at), fromMicros(retain), noEffect.Int64 != 0
	if unreadable == nil && decodeJSON(detail.String, &e.Detail) != nil {
		unreadable = sdk.Errorf(sdk.Corrupt, "the detail of event %v is no JSON", e.ID)
	}
	if unreadable == nil {
		checked := e
		if item.Valid {
			checked.Tombstone = sdk.Tombstone{1}
		}
		unreadable = checked.ValidateRead()
	}
	return e, item, unreadable, nil
}

// addEvents fills Entry.Events, the record's own included.
func (db *conn) addEvents(ctx context.Context, keys []any, entries map[int64]*sdk.Entry) error {
	for _, entry := range entries {
		r := &entry.Record
		entry.Events = []sdk.Event{r.ArchiveEvent()}
	}
	in, args := db.b.d.in("e.item", Int, keys)
	err := db.query(ctx, selectEvents+in, args, func(scan scan) error {
		e, item, bad, err := scanEvent(scan)
		if err != nil {
			return err
		}
		entry := entries[item.Int64]
		if bad != nil {
			entry.Err = unreadable(entry.Record.Tombstone, bad)
			return nil
		}
		e.Tombstone = entry.Record.Tombstone
		entry.Events = append(entry.Events, e)
		return nil
	})
	for _, entry := range entries {
		slices.SortFunc(entry.Events, sdk.Event.Compare)
	}
	return err
}

// hold is a row of codex_hold.
type hold struct {
	sdk.Hold
	key, item int64
}

const selectHolds = `SELECT h.id, h.item, h.case_name, h.placed_at, w.name, h.released_at
	FROM codex_hold h LEFT JOIN codex_name w ON w.id = h.placed_by WHERE `

func scanHold(scan scan) (hold, error) {
	var h hold
	var placed, released sql.NullInt64
	var name, actor sql.NullString
	err := scan(&h.key, &h.item, &name, &placed, &actor, &released)
	h.Case, h.PlacedBy = name.String, actor.String
	h.Placed, h.Released = fromMicros(placed), fromMicros(released)
	return h, err
}

// addHolds fills Entry.Holds.
func (db *conn) addHolds(ctx context.Context, keys []any, entries map[int64]*sdk.Entry) error {
	in, args := db.b.d.in("h.item", Int, keys)
	err := db.query(ctx, selectHolds+in, args, func(scan scan) error {
		h, err := scanHold(scan)
		if err != nil {
			return err
		}
		entry := entries[h.item]
		if bad := h.Validate(); bad != nil {
			entry.Err = unreadable(entry.Record.Tombstone, bad)
		}
		entry.Holds = append(entry.Holds, h.Hold)
		return nil
	})
	for _, entry := range entries {
		slices.SortFunc(entry.Holds, sdk.Hold.Compare)
	}
	return err
}

// lockItems reads the records of ids and locks their rows, in order.
func (db *conn) lockItems(ctx context.Context, tombstones []sdk.Tombstone, forUpdate string) (map[sdk.Tombstone]*lockedItem, error) {
	items := make(map[sdk.Tombstone]*lockedItem, len(tombstones))
	if len(tombstones) == 0 {
		return items, nil
	}
	in, args := db.b.d.in("tombstone", Bytes, ids(tombstones))
	err := db.query(ctx, `SELECT id, tombstone, artifact, retain_until, purged_at FROM codex_item WHERE `+in+
		" ORDER BY tombstone"+forUpdate, args, func(scan scan) error {
		var it lockedItem
		var id sdk.Tombstone
		var raw sql.RawBytes
		var artifact, retain, purged sql.NullInt64
		if err := scan(&it.key, &raw, &artifact, &retain, &purged); err != nil {
			return err
		}
		copy(id[:], raw) // it was asked for by this value
		it.artifact, it.custody = artifact.Int64, sdk.Custody{RetainUntil: fromMicros(retain), PurgedAt: fromMicros(purged)}
		if !artifact.Valid {
			it.err = unreadable(id, sdk.Errorf(sdk.Corrupt, "its content is missing"))
		}
		items[id] = &it
		return nil
	})
	return items, err
}
