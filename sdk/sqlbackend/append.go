package sqlbackend

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// lockedItem is what later events need to know of a record.
type lockedItem struct {
	key, artifact int64
	event         sdk.ID // its ARCHIVE event
	retainUntil   time.Time
	purgedAt      time.Time
	holds         []hold
}

// standing returns the hold of a case that stands, of any case for "".
func (it *lockedItem) standing(name string) *hold {
	for i := range it.holds {
		if h := &it.holds[i]; h.Released.IsZero() && (name == "" || h.Case == name) {
			return h
		}
	}
	return nil
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
	err := b.write(ctx, "append", func(ctx context.Context, s *session) (err error) {
		names, err = s.append(ctx, events)
		return err
	})
	if err == nil {
		b.names.add(names)
	}
	return explainTaken(err)
}

func (s *session) append(ctx context.Context, events []sdk.Event) (names map[string]int64, err error) {
	if len(events) == 0 {
		return nil, nil
	}
	actors := make([]string, len(events))
	for i := range events {
		actors[i] = events[i].Actor
	}
	if names, err = s.b.nameKeys(ctx, s, actors); err != nil {
		return nil, err
	}
	items, err := s.lockItems(ctx, tombstonesOf(events), s.b.d.ForUpdate)
	if err != nil {
		return nil, err
	}
	fresh, err := s.freshEvents(ctx, events, items)
	if err != nil {
		return nil, err
	}
	if err := s.readHolds(ctx, items); err != nil {
		return nil, err
	}
	for _, e := range fresh {
		if err := s.play(ctx, e, items[e.Tombstone], names); err != nil {
			return nil, err
		}
	}
	return names, s.insertEvents(ctx, fresh, items, names)
}

func tombstonesOf(events []sdk.Event) []sdk.Tombstone {
	set := map[sdk.Tombstone]bool{}
	for i := range events {
		set[events[i].Tombstone] = true
	}
	return slices.Collect(maps.Keys(set))
}

// freshEvents leaves out repeats, and refuses ids that are taken and
// tombstones that are unknown.
func (s *session) freshEvents(ctx context.Context, events []sdk.Event, items map[sdk.Tombstone]*lockedItem) ([]sdk.Event, error) {
	unknown := culprits{kind: sdk.NotFound, msg: "no such tombstone"}
	for i := range events {
		if items[events[i].Tombstone] == nil {
			unknown.add(events[i].Tombstone)
		}
	}
	if err := unknown.err(); err != nil {
		return nil, err
	}
	eventIDs := make([]sdk.ID, len(events))
	for i := range events {
		eventIDs[i] = events[i].ID
	}
	known, err := s.knownEvents(ctx, eventIDs)
	if err != nil {
		return nil, err
	}
	var fresh []sdk.Event
	for _, e := range events {
		old, taken := known[e.ID]
		if taken && !old.Same(&e) {
			return nil, &sdk.Error{Kind: sdk.Conflict, Msg: "the event id " + e.ID.String() + " is taken", Tombstones: []sdk.Tombstone{e.Tombstone}}
		}
		if !taken {
			fresh = append(fresh, e)
			known[e.ID] = e
		}
	}
	return fresh, nil
}

// knownEvents reads the events with these ids, ARCHIVE events among them.
func (s *session) knownEvents(ctx context.Context, eventIDs []sdk.ID) (map[sdk.ID]sdk.Event, error) {
	known := map[sdk.ID]sdk.Event{}
	if len(eventIDs) == 0 {
		return known, nil
	}
	in, args := s.b.d.in("e.id", Bytes, ids(eventIDs))
	of := map[int64][]sdk.ID{}
	err := s.query(ctx, selectEvents+in, args, func(scan scan) error {
		e, item, err := scanEvent(scan)
		if err == nil {
			known[e.ID] = e
			of[item] = append(of[item], e.ID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.nameOwners(ctx, known, of); err != nil {
		return nil, err
	}
	in, args = s.b.d.in("event", Bytes, ids(eventIDs))
	return known, s.query(ctx, "SELECT event, tombstone FROM codex_item WHERE "+in, args, func(scan scan) error {
		var event, tombstone []byte
		if err := scan(&event, &tombstone); err != nil {
			return err
		}
		known[sdk.ID(event)] = sdk.Event{ID: sdk.ID(event), Tombstone: sdk.Tombstone(tombstone), Action: sdk.ActionArchive}
		return nil
	})
}

// nameOwners fills in the tombstones of events, known by their records' keys.
func (s *session) nameOwners(ctx context.Context, known map[sdk.ID]sdk.Event, of map[int64][]sdk.ID) error {
	if len(of) == 0 {
		return nil
	}
	var keys []any
	for key := range of {
		keys = append(keys, key)
	}
	in, args := s.b.d.in("id", Int, keys)
	return s.query(ctx, "SELECT id, tombstone FROM codex_item WHERE "+in, args, func(scan scan) error {
		var key int64
		var tombstone []byte
		if err := scan(&key, &tombstone); err != nil {
			return err
		}
		for _, id := range of[key] {
			e := known[id]
			e.Tombstone = sdk.Tombstone(tombstone)
			known[id] = e
		}
		return nil
	})
}

// readHolds fills lockedItem.holds with those that stand.
func (s *session) readHolds(ctx context.Context, items map[sdk.Tombstone]*lockedItem) error {
	if len(items) == 0 {
		return nil
	}
	byKey := map[int64]*lockedItem{}
	var keys []any
	for _, it := range items {
		byKey[it.key] = it
		keys = append(keys, it.key)
	}
	in, args := s.b.d.in("h.item", Int, keys)
	return s.query(ctx, selectHolds+in+" AND h.released_at IS NULL ORDER BY h.placed_at, h.case_name", args, func(scan scan) error {
		h, err := scanHold(scan)
		if err == nil {
			byKey[h.item].holds = append(byKey[h.item].holds, h)
		}
		return err
	})
}

// play lets an event take effect. HOLD of a case that stands and RELEASE of
// one that does not are recorded and have none.
func (s *session) play(ctx context.Context, e sdk.Event, it *lockedItem, names map[string]int64) error {
	switch e.Action {
	case sdk.ActionHold:
		return s.placeHold(ctx, e, it, names)
	case sdk.ActionRelease:
		return s.releaseHold(ctx, e, it)
	case sdk.ActionRetain:
		return s.retain(ctx, e, it)
	}
	return nil
}

func (s *session) placeHold(ctx context.Context, e sdk.Event, it *lockedItem, names map[string]int64) error {
	if it.standing(e.Case) != nil {
		return nil
	}
	h := hold{Hold: sdk.Hold{Case: e.Case, Placed: e.At, PlacedBy: e.Actor}, item: it.key}
	err := s.query(ctx, "INSERT INTO codex_hold (item, case_name, placed_at, placed_by) VALUES (?, ?, ?, ?) RETURNING id",
		[]any{it.key, e.Case, e.At.UnixMicro(), names[e.Actor]}, func(scan scan) error { return scan(&h.key) })
	it.holds = append(it.holds, h)
	return err
}

func (s *session) releaseHold(ctx context.Context, e sdk.Event, it *lockedItem) error {
	h := it.standing(e.Case)
	if h == nil {
		return nil
	}
	h.Released = e.At
	_, err := s.exec(ctx, "UPDATE codex_hold SET released_at = ? WHERE id = ?", e.At.UnixMicro(), h.key)
	return err
}

func (s *session) retain(ctx context.Context, e sdk.Event, it *lockedItem) error {
	if e.RetainUntil.Before(it.retainUntil) {
		return &sdk.Error{
			Kind: sdk.Refused, Tombstones: []sdk.Tombstone{e.Tombstone},
			Msg: "retained until " + it.retainUntil.Format("2006-01-02") + ", which only ever moves later",
		}
	}
	it.retainUntil = e.RetainUntil
	_, err := s.exec(ctx, "UPDATE codex_item SET retain_until = ? WHERE id = ?", e.RetainUntil.UnixMicro(), it.key)
	return err
}

var insertEvent = insert{
	table: "codex_event",
	columns: []column{
		{"id", Bytes}, {"item", Int}, {"action", Text}, {"actor", Int}, {"happened_at", Int},
		{"case_name", Text}, {"retain_until", Int}, {"detail", Text},
	},
}

func (s *session) insertEvents(ctx context.Context, events []sdk.Event, items map[sdk.Tombstone]*lockedItem, names map[string]int64) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		detail, err := encodeJSON(e.Detail, len(e.Detail))
		if err != nil {
			return err
		}
		rows[i] = []any{
			e.ID[:], items[e.Tombstone].key, string(e.Action), names[e.Actor], e.At.UnixMicro(),
			e.Case, micros(e.RetainUntil), detail,
		}
	}
	return insertEvent.rows(ctx, s, rows, nil)
}
