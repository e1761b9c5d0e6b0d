package copier

import (
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// compare returns what the destination lacks of a record, nil where that is
// nothing. there is the record in the destination, nil where it has none.
func compare(from, there *sdk.Entry) (*Item, error) {
	switch {
	case from.Err != nil:
		return nil, from.Err
	case there != nil && there.Err != nil:
		return nil, sdk.Errorf(sdk.Corrupt, "the destination's own record cannot be read: %w", there.Err)
	}
	if err := from.Record.CheckDigest(); err != nil {
		return nil, err
	}
	it := &Item{Record: from.Record, history: history(from), purged: !from.Record.PurgedAt.IsZero(), lost: !from.Present}
	if there == nil {
		it.fresh, it.Events = true, len(it.history.Events)
		return it, nil
	}
	if !there.Record.Same(&from.Record) {
		return nil, conflict("the destination has another record under this tombstone")
	}
	lacking, err := lackingEvents(from, there)
	if err != nil {
		return nil, err
	}
	it.gone = !there.Record.PurgedAt.IsZero()
	it.absent = !it.gone && !it.purged && !there.Present
	if it.Events = len(lacking); it.Events == 0 && !it.absent {
		return nil, nil
	}
	it.history.Events = lacking
	if slices.ContainsFunc(lacking, func(e sdk.Event) bool { return e.Action == sdk.ActionPurge }) {
		it.history = history(from) // a purge is judged by who asked for it
	}
	return it, nil
}

// history is what became of a record.
func history(e *sdk.Entry) sdk.History {
	return sdk.History{
		Events: slices.DeleteFunc(slices.Clone(e.Events), func(e sdk.Event) bool { return e.Action == sdk.ActionArchive }),
		Holds:  e.Holds,
	}
}

// lackingEvents returns the events that the destination does not have.
func lackingEvents(from, there *sdk.Entry) ([]sdk.Event, error) {
	known := make(map[sdk.ID]*sdk.Event, len(there.Events))
	for i := range there.Events {
		known[there.Events[i].ID] = &there.Events[i]
	}
	var lacking []sdk.Event
	for _, e := range from.Events {
		switch old := known[e.ID]; {
		case old == nil:
			lacking = append(lacking, e)
		case !old.Same(&e):
			return nil, conflict("the destination has another event under the id " + e.ID.String())
		}
	}
	return lacking, nil
}

func conflict(what string) error {
	return sdk.Errorf(sdk.Refused, "%s; it is left as it is", what)
}

// parts divides a history into what one Put takes. What has an effect comes first.
func parts(h sdk.History) []sdk.History {
	if h.Len() <= sdk.MaxHistory {
		return []sdk.History{h}
	}
	all := slices.Clone(h.Events)
	slices.SortStableFunc(all, func(x, y sdk.Event) int { return rank(x) - rank(y) })
	room := max(sdk.MaxHistory-len(h.Holds), 0)
	first := min(room, len(all))
	divided := []sdk.History{{Events: all[:first], Holds: h.Holds}}
	for events := range slices.Chunk(all[first:], sdk.MaxHistory) {
		divided = append(divided, sdk.History{Events: events})
	}
	return divided
}

func rank(e sdk.Event) int {
	if e.Action == sdk.ActionRestore {
		return 1
	}
	return 0
}
