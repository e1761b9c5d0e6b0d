package sqlbackend

import (
	"context"
	"maps"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// historyNames are the texts of h that codex_name keeps.
func historyNames(h *sdk.History) []string {
	names := make([]string, 0, h.Len())
	for i := range h.Events {
		names = append(names, h.Events[i].Actor)
	}
	for i := range h.Holds {
		names = append(names, h.Holds[i].PlacedBy)
	}
	return names
}

// lockCopied locks the records that this group has a history of and that are
// there, before it locks contents, as a purge does.
func (g *group) lockCopied(ctx context.Context) (err error) {
	g.known, err = g.db.lockItems(ctx, g.copiedIDs(), g.b.d.Locks.ForUpdate)
	return err
}

func (g *group) copiedIDs() []sdk.Tombstone {
	ids := make([]sdk.Tombstone, len(g.copied))
	for i, e := range g.copied {
		ids[i] = e.record.Tombstone
	}
	return ids
}

// takeOver adds the histories of the group to their records, which are there now.
func (g *group) takeOver(ctx context.Context) error {
	if len(g.copied) == 0 {
		return nil
	}
	items, err := g.db.lockItems(ctx, g.copiedIDs(), "") // those that were there are locked, the others are of this transaction
	if err != nil {
		return err
	}
	var all []sdk.Event
	there := map[*lockedItem][]sdk.Hold{}
	for _, e := range g.copied {
		all = append(all, e.item.History.Events...)
		it := items[e.record.Tombstone]
		there[it] = append(there[it], e.item.History.Holds...)
	}
	fresh, err := g.db.freshEvents(ctx, all, items)
	if err != nil {
		return err
	}
	holds, err := g.mergeHolds(ctx, items)
	if err != nil {
		return err
	}
	if err := g.purgeCopied(ctx, items); err != nil {
		return err
	}
	for i := range fresh {
		e := &fresh[i]
		it := items[e.Tombstone]
		sdk.MarkEffects(fresh[i:i+1], there[it], holds[it])
		if !e.RetainUntil.After(it.custody.RetainUntil) {
			continue
		}
		it.custody.RetainUntil = e.RetainUntil
		if err := g.db.change(ctx, 1, "UPDATE codex_item SET retain_until = ? WHERE id = ?", e.RetainUntil.UnixMicro(), it.key); err != nil {
			return err
		}
	}
	return g.db.insertEvents(ctx, fresh, items, g.names)
}

var insertHold = insert{
	table:   "codex_hold",
	columns: []column{{"item", Int}, {"case_name", Text}, {"placed_at", Int}, {"placed_by", Int}, {"released_at", Int}},
}

// mergeHolds writes the holds of all histories, and returns all that the records
// have then. Those that a record had before are in its custody, as they are now.
func (g *group) mergeHolds(ctx context.Context, items map[sdk.Tombstone]*lockedItem) (merged map[*lockedItem][]sdk.Hold, err error) {
	here, err := g.readHere(ctx, items)
	if err != nil {
		return nil, err
	}
	merged = map[*lockedItem][]sdk.Hold{}
	for _, e := range g.copied {
		it := items[e.record.Tombstone]
		if merged[it] == nil {
			merged[it] = it.custody.Holds
		}
		merged[it] = sdk.MergeHolds(merged[it], e.item.History.Holds, here.placed[it.key])
	}
	var rows [][]any
	for it, holds := range merged {
		for i, h := range holds {
			switch {
			case i >= len(it.custody.Holds):
				rows = append(rows, []any{it.key, h.Case, h.Placed.UnixMicro(), g.names[h.PlacedBy], micros(h.Released)})
			case !h.Released.Equal(it.custody.Holds[i].Released):
				it.custody.Holds[i].Released = h.Released
				if err := g.db.change(ctx, 1, "UPDATE codex_hold SET released_at = ? WHERE id = ?", h.Released.UnixMicro(), here.keys[it.key][i]); err != nil {
					return nil, err
				}
			}
		}
	}
	return merged, insertHold.rows(ctx, g.db, rows, nil)
}

// here is what the archive has of the holds of records, by the keys of these.
type here struct {
	keys   map[int64][]int64     // of codex_hold, in the order of Custody.Holds
	placed map[int64][]sdk.Event // HOLD events
}

// readHere fills in the custody of the records that were there before, with all
// their holds.
func (g *group) readHere(ctx context.Context, items map[sdk.Tombstone]*lockedItem) (here, error) {
	h := here{map[int64][]int64{}, map[int64][]sdk.Event{}}
	byKey := map[int64]*lockedItem{}
	var keys []any
	for id := range g.known {
		it := items[id]
		byKey[it.key] = it
		keys = append(keys, it.key)
	}
	if len(keys) == 0 {
		return h, nil
	}
	in, args := g.b.d.in("h.item", Int, keys)
	err := g.db.query(ctx, selectHolds+in+" ORDER BY h.placed_at, h.case_name", args, func(scan scan) error {
		row, err := scanHold(scan)
		if err == nil {
			c := &byKey[row.item].custody
			c.Holds, h.keys[row.item] = append(c.Holds, row.Hold), append(h.keys[row.item], row.key)
		}
		return err
	})
	if err != nil {
		return h, err
	}
	var actors []string // a hold that stays active because of its event has its name
	in, args = g.b.d.in("e.item", Int, keys)
	err = g.db.query(ctx, selectEvents+in+" AND e.action = ?", append(args, string(sdk.ActionHold)), func(scan scan) error {
		e, item, unreadable, err := scanEvent(scan)
		if err == nil && unreadable == nil {
			h.placed[item.Int64] = append(h.placed[item.Int64], e)
			actors = append(actors, e.Actor)
		}
		return err
	})
	if err != nil {
		return h, err
	}
	names, err := g.b.nameKeys(ctx, g.db, actors)
	maps.Copy(g.names, names)
	return h, err
}

// purgeCopied purges the records that were purged where they come from, and
// removes the bodies of those that were live here.
func (g *group) purgeCopied(ctx context.Context, items map[sdk.Tombstone]*lockedItem) error {
	now, err := g.b.now(ctx, g.db)
	if err != nil {
		return err
	}
	refused := sdk.Culprits{Kind: sdk.Refused}
	keys := map[time.Time][]any{}
	var artifacts []any
	for _, e := range g.copied {
		it := items[e.record.Tombstone]
		if !e.purged() || !it.custody.PurgedAt.IsZero() {
			continue
		}
		if g.known[e.record.Tombstone] != nil {
			if err := e.item.CheckPurge(&it.custody, now); err != nil {
				refused.Msg = sdk.AsError(err).Msg
				refused.Add(e.record.Tombstone)
				continue
			}
			artifacts = append(artifacts, it.artifact)
		}
		it.custody.PurgedAt = e.record.PurgedAt
		keys[it.custody.PurgedAt] = append(keys[it.custody.PurgedAt], it.key)
	}
	if err := refused.Err(); err != nil {
		return err
	}
	for at, some := range keys {
		in, args := g.b.d.in("id", Int, some)
		if err := g.db.change(ctx, int64(len(some)), "UPDATE codex_item SET purged_at = ? WHERE "+in, append([]any{at.UnixMicro()}, args...)...); err != nil {
			return err
		}
	}
	bodies, err := g.db.lookBodies(ctx, artifacts, g.b.d.Locks.ForUpdate)
	if err != nil {
		return err
	}
	return g.db.removeUnused(ctx, bodies)
}
