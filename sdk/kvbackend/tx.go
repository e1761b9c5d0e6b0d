package kvbackend

import (
	"bytes"
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// tx is a transaction that reads and writes rows.
type tx struct {
	ctx context.Context // of the call
	Tx
}

// load reads a row, and reports whether it is there.
func (t tx) load(key []byte, row any) (bool, error) {
	value, err := t.Get(key)
	if err != nil || value == nil {
		return false, err
	}
	if err := json.Unmarshal(value, row); err != nil {
		return true, sdk.Errorf(sdk.Corrupt, "a row cannot be read: %w", err)
	}
	return true, nil
}

// save writes a row.
func (t tx) save(key []byte, row any) error {
	value, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return t.Put(key, value)
}

// mark writes a row of which the key says all.
func (t tx) mark(key []byte) error { return t.Put(key, []byte{1}) }

// scan calls fn with each pair whose key begins with prefix, beginning at from,
// until fn returns false. fn may write.
func (t tx) scan(prefix, from []byte, fn func(key, value []byte) (bool, error)) error {
	for {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		k, v, err := t.Seek(from)
		if err != nil || !bytes.HasPrefix(k, prefix) {
			return err
		}
		k = bytes.Clone(k)
		if more, err := fn(k, v); err != nil || !more {
			return err
		}
		from = append(k, 0)
	}
}

// any reports whether a key begins with prefix.
func (t tx) any(prefix []byte) (bool, error) {
	k, _, err := t.Seek(prefix)
	return bytes.HasPrefix(k, prefix), err
}

// row is a record with all that belongs to it but its events.
type row struct {
	record  sdk.Record // as it is now
	custody sdk.Custody
	content layout.Content
}

// row reads a record, nil where there is none. An error of kind [sdk.Corrupt]
// is about this record.
func (t tx) row(id sdk.Tombstone) (*row, error) {
	var r row
	there, err := t.load(layout.RecordKey(id), &r.record)
	if err != nil || !there {
		return nil, unreadable(id, err)
	}
	r.custody.RetainUntil = r.record.RetainUntil
	if _, err := t.load(layout.CustodyKey(id), &r.custody); err != nil {
		return nil, unreadable(id, err)
	}
	if r.content, err = t.usable(r.record.Content.SHA256); err != nil {
		return nil, err
	}
	if r.content.Content.SHA256.IsZero() {
		r.content.Content = sdk.Content{SHA256: r.record.Content.SHA256, Size: r.record.Content.Size, Codec: r.record.Content.Codec, StoredSize: -1}
	}
	r.record.Content = r.content.Content
	r.record.RetainUntil, r.record.PurgedAt = r.custody.RetainUntil, r.custody.PurgedAt
	if err := r.record.Validate(); err != nil {
		return nil, unreadable(id, sdk.Errorf(sdk.Corrupt, "%s", sdk.AsError(err).Msg))
	}
	if r.record.Tombstone != id {
		return nil, unreadable(id, sdk.Errorf(sdk.Corrupt, "its tombstone is %v", r.record.Tombstone))
	}
	return &r, nil
}

// unreadable names the record whose rows are not what this package wrote. Other
// errors stay what they are.
func unreadable(id sdk.Tombstone, err error) error {
	if sdk.KindOf(err) != sdk.Corrupt {
		return err
	}
	return sdk.Errorf(sdk.Corrupt, "the record cannot be read: %s", sdk.AsError(err).Msg).About(id)
}

// content reads the row of a content, and reports whether it is there.
func (t tx) content(d sdk.Digest) (c layout.Content, there bool, err error) {
	value, err := t.Get(layout.ContentKey(d))
	if err != nil || value == nil {
		return c, false, err
	}
	c, err = layout.DecodeContent(d, value)
	return c, true, err
}

// usable returns the row of a content. Of one that cannot be true only the body
// counts: a Put writes another.
func (t tx) usable(d sdk.Digest) (layout.Content, error) {
	c, there, err := t.content(d)
	if sdk.KindOf(err) == sdk.Corrupt || err == nil && there && !possible(&c.Content) {
		return layout.Content{Body: c.Body}, nil
	}
	return c, err
}

// possible reports whether a host can have sent c.
func possible(c *sdk.Content) bool {
	return min(c.Size, c.StoredSize) >= 0 && max(c.Size, c.StoredSize) <= sdk.MaxSize &&
		c.Codec != "" && len(c.Codec) <= sdk.MaxName && utf8.ValidString(string(c.Codec))
}

// saveContent writes the row of a content.
func (t tx) saveContent(c *layout.Content) error {
	return t.Put(layout.ContentKey(c.Content.SHA256), c.Encode())
}

// saveCustody writes what the events of a record have made of it, and the keys by
// which Health counts it.
func (t tx) saveCustody(id sdk.Tombstone, c *sdk.Custody) error {
	if err := t.save(layout.CustodyKey(id), c); err != nil {
		return err
	}
	held, purged := t.Delete, t.Delete
	if !c.PurgedAt.IsZero() {
		purged = t.mark
	} else if c.Active("") != nil {
		held = t.mark
	}
	if err := held(layout.HeldKey(id)); err != nil {
		return err
	}
	return purged(layout.PurgedKey(id))
}

// event reads an event by its id, and reports whether there is one. Of an
// ARCHIVE event only id, tombstone and action are set.
func (t tx) event(id sdk.ID) (e sdk.Event, there bool, err error) {
	value, err := t.Get(layout.EventKey(id))
	if err != nil || value == nil {
		return e, false, err
	}
	copy(e.Tombstone[:], value)
	e.ID, e.Action = id, sdk.ActionArchive
	_, err = t.load(layout.EventOfKey(e.Tombstone, id), &e)
	return e, true, unreadable(e.Tombstone, err)
}

// addEvent writes an event that is not an ARCHIVE event.
func (t tx) addEvent(e *sdk.Event) error {
	if err := t.Put(layout.EventKey(e.ID), e.Tombstone[:]); err != nil {
		return err
	}
	return t.save(layout.EventOfKey(e.Tombstone, e.ID), e)
}

// addOwnEvent writes an event of the archive, which is found by its time.
func (t tx) addOwnEvent(e *sdk.Event) error {
	order := layout.OrderOf(e.At, e.ID)
	if err := t.mark(append(layout.IndexOf(layout.Own, ""), order[:]...)); err != nil {
		return err
	}
	return t.addEvent(e)
}

// events reads the events of a record but its ARCHIVE event, by id.
func (t tx) events(id sdk.Tombstone) (events []sdk.Event, err error) {
	prefix := layout.EventsOf(id)
	err = t.scan(prefix, prefix, func(_, v []byte) (bool, error) {
		var e sdk.Event
		err := json.Unmarshal(v, &e)
		if err == nil {
			err = e.ValidateRead()
		}
		if err != nil {
			return false, unreadable(id, sdk.Errorf(sdk.Corrupt, "an event cannot be read: %w", err))
		}
		events = append(events, e)
		return true, nil
	})
	return events, err
}
