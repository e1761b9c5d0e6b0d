package kvbackend

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// inspection is the work of one Inspect. Each key is looked at in the transaction
// that finds it, together with the keys that it depends on.
type inspection struct {
	b        *backend
	ctx      context.Context
	findings []sdk.Finding
}

// Inspect implements [sdk.Inspector].
func (b *backend) Inspect(ctx context.Context) ([]sdk.Finding, error) {
	i := &inspection{b: b, ctx: ctx}
	for _, look := range []func() error{i.records, i.contents, i.marks, i.events, i.indexes, i.uploads, i.bodies} {
		if err := look(); err != nil {
			return nil, err
		}
	}
	return i.findings, nil
}

// note adds a row to the findings.
func (i *inspection) note(kind sdk.FindingKind, what, name string) {
	n := slices.IndexFunc(i.findings, func(f sdk.Finding) bool { return f.What == what })
	if n < 0 {
		n = len(i.findings)
		i.findings = append(i.findings, sdk.Finding{Kind: kind, What: what})
	}
	f := &i.findings[n]
	if f.Rows++; f.Rows <= sdk.MaxExamples {
		f.Examples = append(f.Examples, name)
	}
}

// walk calls fn with each key that begins with prefix, and its value, some in each
// transaction.
func (b *backend) walk(ctx context.Context, op string, prefix []byte, fn func(t tx, k, v []byte) error) error {
	from := prefix
	for more := true; more; {
		err := b.view(ctx, op, func(t tx) error {
			left := countedKeys
			err := t.scan(prefix, from, func(k, v []byte) (bool, error) {
				from = append(bytes.Clone(k), 0)
				left--
				return left > 0, fn(t, k, v)
			})
			more = left == 0
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (i *inspection) walk(prefix []byte, fn func(t tx, k, v []byte) error) error {
	return i.b.walk(i.ctx, "inspect", prefix, fn)
}

// has reports whether a key is there.
func (t tx) has(key []byte) (bool, error) {
	value, err := t.Get(key)
	return value != nil, err
}

// records looks from each record at its content and its indexes.
func (i *inspection) records() error {
	return i.walk(layout.RecordPrefix(), func(t tx, k, v []byte) error {
		var r sdk.Record
		if json.Unmarshal(v, &r) != nil || !bytes.Equal(k, layout.RecordKey(r.Tombstone)) {
			return nil // List says that it cannot be read
		}
		there, err := t.has(layout.ContentKey(r.Content.SHA256))
		if err != nil {
			return err
		}
		if !there {
			i.note(sdk.Dangling, "records without the row of their content", r.Tombstone.String())
		}
		if err := i.unmarked(t, &r); err != nil {
			return err
		}
		order := layout.OrderOf(r.ArchivedAt, r.Tombstone)
		for _, index := range layout.Indexes(&r) {
			there, err := t.has(append(index, order[:]...))
			if err != nil {
				return err
			}
			if !there {
				i.note(sdk.Contradictory, "records that are not in each index", r.Tombstone.String())
				break
			}
		}
		return nil
	})
}

// unmarked notes a record without one of the marks by which records are counted,
// and by which a purge knows that content is needed. [inspection.marks] looks the
// other way.
func (i *inspection) unmarked(t tx, r *sdk.Record) error {
	var c sdk.Custody
	if _, err := t.load(layout.CustodyKey(r.Tombstone), &c); err != nil {
		if sdk.KindOf(err) == sdk.Corrupt {
			return nil // List says that it cannot be read
		}
		return err
	}
	live := c.PurgedAt.IsZero()
	for _, mark := range []struct {
		needed bool
		key    []byte
		what   string
	}{
		{live, layout.LiveKey(r.Content.SHA256, r.Tombstone), "live records that are not marked as such"},
		{live && c.Active("") != nil, layout.HeldKey(r.Tombstone), "held records that are not marked as such"},
		{!live, layout.PurgedKey(r.Tombstone), "purged records that are not marked as such"},
	} {
		if !mark.needed {
			continue
		}
		there, err := t.has(mark.key)
		if err != nil {
			return err
		}
		if !there {
			i.note(sdk.Contradictory, mark.what, r.Tombstone.String())
		}
	}
	return nil
}

// contents looks for those without a record, and for those that a purge has left.
func (i *inspection) contents() error {
	prefix := layout.ContentPrefix()
	return i.walk(prefix, func(t tx, k, v []byte) error {
		if len(k) != len(prefix)+len(sdk.Digest{}) {
			return nil
		}
		digest := sdk.Digest(k[len(prefix):])
		recorded, err := t.recorded(digest)
		if err != nil {
			return err
		}
		live, err := t.any(layout.LiveOf(digest))
		if err != nil {
			return err
		}
		c, err := layout.DecodeContent(digest, v)
		switch {
		case !recorded:
			i.note(sdk.Orphaned, "contents without a record", digest.String())
		case !live && err == nil && !c.Body.IsZero():
			i.note(sdk.Contradictory, "contents of purged records only, which have a body", digest.String())
		}
		return nil
	})
}

// recorded reports whether a record has a content.
func (t tx) recorded(digest sdk.Digest) (is bool, err error) {
	prefix := layout.IndexOf(layout.SHA256, string(digest[:]))
	err = t.scan(prefix, prefix, func(k, _ []byte) (bool, error) {
		var order layout.Order
		copy(order[:], k[len(prefix):])
		is, err = t.has(layout.RecordKey(order.Tombstone()))
		return !is, err
	})
	return is, err
}

// marks looks from the keys by which records are counted at their records.
func (i *inspection) marks() error {
	err := i.walk(layout.LivePrefix(), func(t tx, k, _ []byte) error {
		_, id := layout.ParseLive(k)
		return i.mark(t, id, "marks of live records without a live record", func(c *sdk.Custody) bool { return c.PurgedAt.IsZero() })
	})
	if err != nil {
		return err
	}
	for _, of := range []struct {
		prefix []byte
		what   string
		right  func(*sdk.Custody) bool
	}{
		{layout.CustodyPrefix(), "holds and retentions without their record", func(*sdk.Custody) bool { return true }},
		{layout.HeldPrefix(), "marks of held records without an active hold", func(c *sdk.Custody) bool { return c.Active("") != nil }},
		{layout.PurgedPrefix(), "marks of purged records without a purged record", func(c *sdk.Custody) bool { return !c.PurgedAt.IsZero() }},
	} {
		err := i.walk(of.prefix, func(t tx, k, _ []byte) error {
			var id sdk.Tombstone
			copy(id[:], k[len(of.prefix):])
			return i.mark(t, id, of.what, of.right)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mark notes a key whose record is not there, or is not what the key says.
func (i *inspection) mark(t tx, id sdk.Tombstone, what string, right func(*sdk.Custody) bool) error {
	there, err := t.has(layout.RecordKey(id))
	if err != nil {
		return err
	}
	var c sdk.Custody
	if _, err := t.load(layout.CustodyKey(id), &c); err != nil && sdk.KindOf(err) != sdk.Corrupt {
		return err
	}
	if !there || !right(&c) {
		i.note(sdk.Dangling, what, id.String())
	}
	return nil
}

// events looks from events at their records, and from ids at their events.
func (i *inspection) events() error {
	prefix := layout.EventsPrefix()
	err := i.walk(prefix, func(t tx, k, _ []byte) error {
		var of sdk.Tombstone
		var id sdk.ID
		copy(of[:], k[len(prefix):])
		copy(id[:], k[min(len(k), len(prefix)+len(of)):])
		there, err := t.has(layout.RecordKey(of))
		if err == nil && !there && !of.IsZero() { // zero: of the archive
			i.note(sdk.Dangling, "events without their record", id.String())
		}
		return err
	})
	if err != nil {
		return err
	}
	prefix = layout.EventPrefix()
	return i.walk(prefix, func(t tx, k, v []byte) error {
		var of sdk.Tombstone
		var id sdk.ID
		copy(of[:], v)
		copy(id[:], k[len(prefix):])
		there, err := t.has(layout.EventOfKey(of, id))
		if err != nil || there {
			return err
		}
		var r sdk.Record
		if there, err = t.load(layout.RecordKey(of), &r); err != nil && sdk.KindOf(err) != sdk.Corrupt {
			return err
		}
		if !there || err == nil && r.Event != id {
			i.note(sdk.Dangling, "ids of events without their event", id.String())
		}
		return nil
	})
}

// indexes looks from the keys of indexes at their records.
func (i *inspection) indexes() error {
	own := layout.IndexOf(layout.Own, "")
	return i.walk(layout.IndexPrefix(), func(t tx, k, _ []byte) error {
		if bytes.HasPrefix(k, own) || len(k) != len(own)+len(layout.Order{}) {
			return nil
		}
		order := layout.Order(k[len(own):])
		id := order.Tombstone()
		var r sdk.Record
		there, err := t.load(layout.RecordKey(id), &r)
		switch {
		case sdk.KindOf(err) == sdk.Corrupt:
			return nil // List says that it cannot be read
		case err != nil:
			return err
		case !there:
			i.note(sdk.Dangling, "keys of indexes without their record", id.String())
		case order != layout.OrderOf(r.ArchivedAt, id) || !slices.ContainsFunc(layout.Indexes(&r), func(of []byte) bool { return bytes.HasPrefix(k, of) }):
			i.note(sdk.Contradictory, "records that are in an index with what they do not have", id.String())
		}
		return nil
	})
}

// uploads looks for bodies on their way.
func (i *inspection) uploads() error {
	prefix := layout.UploadPrefix()
	return i.walk(prefix, func(_ tx, k, v []byte) error {
		var id sdk.ID
		copy(id[:], k[len(prefix):])
		var u layout.Upload
		if json.Unmarshal(v, &u) == nil && !u.Touched.Before(now().Add(-untouchedFor)) {
			i.note(sdk.Staged, "bodies on their way, or of a Put that ended within the last hour", id.String())
		} else {
			i.note(sdk.Abandoned, "bodies of a Put that was killed, which a later Put removes", id.String())
		}
		return nil
	})
}

// bodies looks for pieces that belong to no content and are not on their way.
// Nothing leads from a piece to its content, so the ids of all bodies are held in
// memory. What the contents name is read after the pieces: a body that was taken
// over meanwhile is named there.
func (i *inspection) bodies() error {
	unnamed := map[sdk.ID]bool{}
	prefix := layout.BodyPrefix()
	err := i.walk(prefix, func(t tx, k, _ []byte) error {
		var id sdk.ID
		copy(id[:], k[len(prefix):])
		if unnamed[id] {
			return nil
		}
		staged, err := t.has(layout.UploadKey(id))
		unnamed[id] = !staged
		return err
	})
	if err != nil {
		return err
	}
	prefix = layout.ContentPrefix()
	err = i.walk(prefix, func(_ tx, k, v []byte) error {
		var digest sdk.Digest
		copy(digest[:], k[len(prefix):])
		if c, err := layout.DecodeContent(digest, v); err == nil {
			delete(unnamed, c.Body)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return i.stillThere(unnamed)
}

// stillThere notes those of the bodies that were not removed meanwhile.
func (i *inspection) stillThere(unnamed map[sdk.ID]bool) error {
	for id, is := range unnamed {
		if !is {
			continue
		}
		err := i.b.view(i.ctx, "inspect", func(t tx) error {
			there, err := t.any(layout.PiecePrefix(id))
			if err == nil && there {
				i.note(sdk.Dangling, "bodies in pieces without the row of their content", id.String())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
