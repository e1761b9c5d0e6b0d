package memory

import (
	"context"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// staged is an item whose body has arrived, before the transaction.
type staged struct {
	sdk.Item
	body *body // nil: none was given
}

// Put implements [sdk.Backend]: everything is taken in without the lock, then
// judged and written under it.
func (b *Backend) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	if err := b.lockWrite(ctx); err != nil {
		return nil, err
	}
	b.archive.mu.Unlock()

	group, err := takeIn(ctx, items)
	if err != nil {
		return nil, err
	}
	if err := b.lockWrite(ctx); err != nil {
		return nil, err
	}
	defer b.archive.mu.Unlock()
	return b.archive.put(group)
}

func takeIn(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]staged, error) {
	var group []staged
	history := 0
	for item, err := range items {
		switch {
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ended(ctx)
		case len(group) == sdk.MaxItems:
			return nil, tooMany("items")
		}
		if err := item.Validate(); err != nil {
			return nil, err
		}
		if history += item.History.Len(); history > sdk.MaxHistory {
			return nil, sdk.Errorf(sdk.Limit, "more than %d events and holds in one call", sdk.MaxHistory)
		}
		s := staged{Item: item}
		if item.Body != nil {
			if s.body, err = readBody(item); err != nil {
				return nil, err
			}
		}
		group = append(group, s)
	}
	return group, nil
}

// readBody reads a body to its end and checks it against what was announced.
func readBody(item sdk.Item) (*body, error) {
	r := sdk.NewBodyReader(item.Body, item.Record.Content, item.Record.Tombstone)
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return &body{content: r.Content(), data: data}, nil
}

// put judges the whole group on copies of what it touches, and only then
// writes: an error leaves nothing behind.
func (a *archive) put(group []staged) ([]sdk.PutResult, error) {
	tx := transaction{a, map[sdk.Tombstone]*record{}, map[sdk.ID]sdk.Event{}, map[sdk.Digest]*body{}}
	stored := make([]sdk.PutResult, 0, len(group))
	var absent []sdk.Tombstone
	for _, s := range group {
		one, err := tx.put(s)
		switch {
		case sdk.KindOf(err) == sdk.ContentAbsent:
			absent = append(absent, s.Record.Tombstone)
		case err != nil:
			return nil, err
		}
		stored = append(stored, one)
	}
	if len(absent) > 0 {
		e := sdk.Errorf(sdk.ContentAbsent, "%d items without body need content that is not there", len(absent))
		e.Tombstones = absent[:min(len(absent), sdk.MaxCulprits)]
		return nil, e
	}
	maps.Copy(a.records, tx.records)
	maps.Copy(a.bodies, tx.bodies)
	maps.Copy(a.events, tx.events)
	a.removeUnused(tx.records)
	return stored, nil
}

// transaction is what a Put is about to write, seen before the archive itself.
type transaction struct {
	archive *archive
	records map[sdk.Tombstone]*record
	events  map[sdk.ID]sdk.Event
	bodies  map[sdk.Digest]*body
}

func (tx *transaction) put(s staged) (sdk.PutResult, error) {
	r := &s.Record
	old := tx.record(r.Tombstone)
	repeated := old != nil
	switch {
	case repeated && !old.Same(r):
		return sdk.PutResult{}, at(r.Tombstone, sdk.Conflict, "the tombstone is taken by another record")
	case !repeated && tx.eventTaken(r.Event):
		return sdk.PutResult{}, at(r.Tombstone, sdk.Conflict, "the event id "+r.Event.String()+" is taken")
	}
	purged := !s.PurgedAt().IsZero() || repeated && !old.PurgedAt.IsZero() // it needs no body, and stays purged
	result := sdk.PutResult{Content: r.Content}
	if repeated {
		result.Content = old.Content
	}
	if !purged {
		var err error
		if result, err = tx.content(s); err != nil {
			return sdk.PutResult{}, err
		}
	}
	if !repeated {
		tx.add(r)
	}
	if s.History.Len() > 0 {
		if err := tx.takeOver(&s.Item, repeated); err != nil {
			return sdk.PutResult{}, err
		}
	}
	result.Tombstone, result.Repeated = r.Tombstone, repeated
	return result, nil
}

// content makes sure that the content of s is there and intact, and returns how
// it is kept.
func (tx *transaction) content(s staged) (sdk.PutResult, error) {
	digest := s.Record.Content.SHA256
	there := tx.body(digest)
	switch {
	case there != nil && there.content.Size != s.Record.Content.Size:
		return sdk.PutResult{}, at(s.Record.Tombstone, sdk.Conflict, "the content "+digest.String()+" has another size")
	case there != nil && there.intact():
		return sdk.PutResult{Content: there.content, Deduplicated: true}, nil
	case s.body == nil:
		return sdk.PutResult{}, at(s.Record.Tombstone, sdk.ContentAbsent, "the content is not there, or damaged")
	}
	tx.bodies[digest] = s.body
	return sdk.PutResult{Content: s.body.content, Repaired: there != nil}, nil
}

func (tx *transaction) add(given *sdk.Record) {
	r := &record{Record: *given}
	r.Tags, r.Metadata = slices.Clone(r.Tags), maps.Clone(r.Metadata)
	r.ModTime, r.ArchivedAt, r.RetainUntil = sdk.Time(r.ModTime), sdk.Time(r.ArchivedAt), sdk.Time(r.RetainUntil)
	r.RetainAtStore = sdk.Time(r.RetainAtStore)
	r.PurgedAt = time.Time{}
	r.events = []sdk.Event{r.ArchiveEvent()}
	tx.records[r.Tombstone] = r
	tx.events[r.Event] = r.events[0]
}

func (tx *transaction) record(t sdk.Tombstone) *record {
	if r := tx.records[t]; r != nil {
		return r
	}
	return tx.archive.records[t]
}

func (tx *transaction) body(d sdk.Digest) *body {
	if b := tx.bodies[d]; b != nil {
		return b
	}
	return tx.archive.bodies[d]
}

func (tx *transaction) eventTaken(id sdk.ID) bool {
	_, taken := tx.event(id)
	return taken
}

func (tx *transaction) event(id sdk.ID) (e sdk.Event, taken bool) {
	if e, taken = tx.events[id]; !taken {
		e, taken = tx.archive.events[id]
	}
	return e, taken
}
