package memory

import (
	"context"
	"hash/crc32"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

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
	for item, err := range items {
		switch {
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ended(ctx)
		case len(group) == sdk.MaxItems:
			return nil, tooMany("items")
		}
		if err := item.Record.Validate(); err != nil {
			return nil, err
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
// An error of the reader itself comes back unchanged.
func readBody(item sdk.Item) (*body, error) {
	data, err := io.ReadAll(item.Body)
	if err != nil {
		return nil, err
	}
	c := item.Record.Content
	size, sum := int64(len(data)), crc32.Checksum(data, castagnoli)
	if c.StoredSize >= 0 && (c.StoredSize != size || c.CRC32C != sum) {
		e := sdk.Errorf(sdk.Corrupt, "the body has %d bytes and CRC-32C %08x, announced were %d and %08x", size, sum, c.StoredSize, c.CRC32C)
		e.Tombstones = []sdk.Tombstone{item.Record.Tombstone}
		return nil, e
	}
	c.StoredSize, c.CRC32C = size, sum
	return &body{content: c, data: data}, nil
}

// put judges the whole group on copies of what it touches, and only then
// writes: an error leaves nothing behind.
func (a *archive) put(group []staged) ([]sdk.PutResult, error) {
	tx := transaction{a, map[sdk.Tombstone]*record{}, map[sdk.ID]sdk.Tombstone{}, map[sdk.Digest]*body{}}
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
	for _, r := range tx.records {
		a.events[r.Event] = archiveEvent(&r.Record)
	}
	return stored, nil
}

// transaction is what a Put is about to write, seen before the archive itself.
type transaction struct {
	archive *archive
	records map[sdk.Tombstone]*record
	events  map[sdk.ID]sdk.Tombstone
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
	case repeated && !old.PurgedAt.IsZero():
		return sdk.PutResult{Tombstone: r.Tombstone, Content: old.Content, Repeated: true}, nil // it stays purged
	}
	kept, dedup, err := tx.content(s)
	if err != nil {
		return sdk.PutResult{}, err
	}
	if !repeated {
		tx.add(r)
	}
	return sdk.PutResult{Tombstone: r.Tombstone, Content: kept, Deduplicated: dedup, Repeated: repeated}, nil
}

// content makes sure that the body of s is there, and returns how it is kept
// and whether it was there before.
func (tx *transaction) content(s staged) (kept sdk.Content, dedup bool, err error) {
	digest := s.Record.Content.SHA256
	there := tx.body(digest)
	switch {
	case there != nil && there.content.Size != s.Record.Content.Size:
		return kept, false, at(s.Record.Tombstone, sdk.Conflict, "the content "+digest.String()+" has another size")
	case there != nil && (s.body == nil || !s.Refill):
		return there.content, true, nil
	case s.body == nil:
		return kept, false, at(s.Record.Tombstone, sdk.ContentAbsent, "the content is not there")
	}
	tx.bodies[digest] = s.body
	return s.body.content, false, nil
}

func (tx *transaction) add(given *sdk.Record) {
	r := &record{Record: *given}
	r.Tags, r.Metadata = slices.Clone(r.Tags), maps.Clone(r.Metadata)
	r.ModTime, r.ArchivedAt, r.RetainUntil = sdk.Time(r.ModTime), sdk.Time(r.ArchivedAt), sdk.Time(r.RetainUntil)
	r.PurgedAt = time.Time{}
	r.events = []sdk.Event{archiveEvent(&r.Record)}
	tx.records[r.Tombstone] = r
	tx.events[r.Event] = r.Tombstone
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
	_, here := tx.events[id]
	_, there := tx.archive.events[id]
	return here || there
}

func archiveEvent(r *sdk.Record) sdk.Event {
	return sdk.Event{ID: r.Event, Tombstone: r.Tombstone, Action: sdk.ActionArchive, Actor: r.ArchivedBy, At: r.ArchivedAt}
}
