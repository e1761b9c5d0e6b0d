package kvbackend

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/intake"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// Put reads the sequence to its end, then writes everything in one transaction.
func (b *backend) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	if err := b.mayWrite("put"); err != nil {
		return nil, err
	}
	if err := b.alive(ctx, "put"); err != nil {
		return nil, err
	}
	call, done := b.begin(ctx)
	defer done()
	b.sweep(call)
	g := &staging{b: b, seen: survey{}, bodies: map[*intake.Body]*staged{}}
	defer g.abandon(ctx)
	entries, err := intake.Take(call, items, g)
	var host intake.HostError
	switch {
	case errors.As(err, &host):
		return nil, host.Err
	case err != nil:
		return nil, b.wrap(call, "put", err)
	case len(entries) == 0:
		return nil, nil
	}
	return b.put(call, entries, g)
}

// putAttempts is how often a transaction begins before contents that others change
// all the time end the Put.
const putAttempts = 3

// put writes what was taken in.
func (b *backend) put(ctx context.Context, entries []*intake.Entry, g *staging) (_ []sdk.PutResult, err error) {
	digests := make([]sdk.Digest, 0, len(entries))
	for _, e := range entries {
		if !e.Purged() {
			digests = append(digests, e.Record.Content.SHA256)
		}
	}
	for range putAttempts {
		if err := g.seen.look(ctx, b, digests); err != nil {
			return nil, err
		}
		var p *group
		err = b.update(ctx, "put", func(t tx) error {
			p = newGroup(t, entries, g)
			return p.store()
		})
		if err == nil {
			for _, s := range p.adopted {
				s.adopted = true
			}
			return p.results, nil
		}
		if p == nil || !p.outdated {
			return nil, err
		}
		clear(g.seen)
	}
	return nil, err
}

// content is one content of a group.
type content struct {
	row      layout.Content  // as it is in the archive; at the end, as this group leaves it
	brought  *intake.Entry   // with its body; nil: no item brought one
	purged   *sdk.Content    // what a purged record says of it
	users    []sdk.Tombstone // live records; none: only purged ones have it, and need no body
	intact   bool            // this call has read the body in the archive, which stays
	replaced bool            // that body is intact, and makes place for the one of an item
	written  bool            // by this group
	repaired bool            // written in place of a damaged body
}

// group is the work of one Put inside its transaction.
type group struct {
	t        tx
	staging  *staging
	entries  []*intake.Entry
	fresh    []*intake.Entry // not stored yet
	repeats  []*intake.Entry // stored before; their content may have to be
	contents map[sdk.Digest]*content
	order    []*content             // as the items name them
	known    map[sdk.Tombstone]bool // was there before
	adopted  []*staged
	results  []sdk.PutResult
	outdated bool // what was read before the transaction: a large body has to be read again
}

func newGroup(t tx, entries []*intake.Entry, g *staging) *group {
	return &group{t: t, staging: g, entries: entries, contents: map[sdk.Digest]*content{}, known: map[sdk.Tombstone]bool{}, results: make([]sdk.PutResult, len(entries))}
}

// store does everything between begin and commit.
func (p *group) store() error {
	for _, step := range []func() error{p.separateRepeats, p.checkEvents, p.findContents, p.checkContents, p.writeContents, p.writeRecords, p.takeOver} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// separateRepeats finds the entries that are in the archive already, or twice in
// the group. The repeat of a record that is purged, or becomes so, is answered at
// once; the content of the others is checked like that of new records.
func (p *group) separateRepeats() error {
	conflicts := sdk.Culprits{Kind: sdk.Conflict, Msg: "the tombstone is taken by another record"}
	inGroup := map[sdk.Tombstone]*intake.Entry{}
	for _, e := range p.entries {
		id := e.Record.Tombstone
		old, err := p.t.row(id)
		if err != nil {
			return err
		}
		first := inGroup[id]
		switch {
		case old != nil && !old.record.Same(&e.Record), first != nil && !first.Record.Same(&e.Record):
			conflicts.Add(id)
		case old != nil && (!old.custody.PurgedAt.IsZero() || e.Purged()):
			p.results[e.Index] = sdk.PutResult{Tombstone: id, Content: old.record.Content, Repeated: true}
			p.known[id] = true
		case old != nil || first != nil:
			p.repeats = append(p.repeats, e)
			p.known[id] = p.known[id] || old != nil
		default:
			inGroup[id] = e
			p.fresh = append(p.fresh, e)
		}
	}
	return conflicts.Err()
}

// checkEvents refuses event ids that other records or events have.
func (p *group) checkEvents() error {
	conflicts := sdk.Culprits{Kind: sdk.Conflict, Msg: "the event id is taken"}
	taken := map[sdk.ID]bool{}
	for _, e := range p.fresh {
		_, there, err := p.t.event(e.Record.Event)
		if err != nil {
			return err
		}
		if there || taken[e.Record.Event] {
			conflicts.Add(e.Record.Tombstone)
		}
		taken[e.Record.Event] = true
	}
	return conflicts.Err()
}

// findContents reads the rows of the contents, and says of each whether its body
// is intact.
func (p *group) findContents() error {
	for _, e := range append(p.fresh[:len(p.fresh):len(p.fresh)], p.repeats...) {
		digest := e.Record.Content.SHA256
		c := p.contents[digest]
		if c == nil {
			c = &content{}
			var err error
			if c.row, err = p.t.usable(digest); err != nil {
				return err
			}
			p.contents[digest] = c
			p.order = append(p.order, c)
		}
		if e.Body != nil {
			c.brought = e
		}
		if e.Purged() {
			c.purged = &e.Record.Content
		} else {
			c.users = append(c.users, e.Record.Tombstone)
		}
	}
	for digest, c := range p.contents {
		if len(c.users) == 0 {
			continue
		}
		var err error
		if c.intact, err = p.intact(digest, &c.row); err != nil {
			return err
		}
		if c.intact && p.otherSize(&c.row.Content) {
			c.intact = false // its body is written again, with the right size
		}
		if c.replaced = c.intact && c.brought != nil && c.brought.Body.Replaces == c.row.Content.StoredSHA256; c.replaced {
			c.intact = false
		} else if c.intact && p.otherSize(&c.row.Content) {
			c.intact = false // its body is written again, with the right size
		}
	}
	return nil
}

// otherSize reports whether a record that was stored before proves that the size in
// the row of a content is wrong: its digest, which the archive has as well, covers
// the size.
func (p *group) otherSize(kept *sdk.Content) bool {
	return slices.ContainsFunc(p.repeats, func(e *intake.Entry) bool {
		c := &e.Record.Content
		return c.SHA256 == kept.SHA256 && c.Size != kept.Size && e.Record.CheckDigest() == nil
	})
}

// intact says so of a body as it was found before the transaction, if the row has
// not changed, else by reading the body now, unless it is large.
func (p *group) intact(digest sdk.Digest, row *layout.Content) (bool, error) {
	before := p.staging.seen[digest]
	switch {
	case row.Body.IsZero():
		return false, nil
	case before != nil && before.row == *row:
		return before.intact, nil
	case row.Content.StoredSize > sdk.StagedBody:
		p.outdated = true
		return false, sdk.Errorf(sdk.Busy, "the content was changed by another program while it was read")
	}
	return intact(p.t.ctx, row, p.t.readPieces)
}

// checkContents finds contents that are neither intact nor brought by an item, and
// those whose plain size is another one.
func (p *group) checkContents() error {
	absent := sdk.Culprits{Kind: sdk.ContentAbsent, Msg: "the archive does not have the content, or it is damaged"}
	dropped := sdk.Culprits{Kind: sdk.Busy, Msg: "the content was purged or damaged while it was being stored again"}
	size := sdk.Culprits{Kind: sdk.Conflict, Msg: "content with this SHA-256 is known with another size"}
	for _, c := range p.order {
		verdict := &dropped
		switch {
		case c.intact || c.brought != nil && !c.brought.Body.Dropped || len(c.users) == 0:
			continue
		case c.brought == nil:
			verdict = &absent
		}
		for _, id := range c.users {
			verdict.Add(id)
		}
	}
	for _, e := range p.entries {
		if c := p.contents[e.Record.Content.SHA256]; c != nil && (c.intact || c.replaced) && c.row.Content.Size != e.Record.Content.Size {
			size.Add(e.Record.Tombstone)
		}
	}
	return errors.Join(size.Err(), absent.Err(), dropped.Err())
}

// writeContents writes the bodies of the contents that are not intact, or are to be
// replaced.
func (p *group) writeContents() error {
	for _, c := range p.order {
		if c.intact {
			continue
		}
		if len(c.users) == 0 {
			if err := p.describe(c); err != nil {
				return err
			}
			continue
		}
		if old := c.row.Body; !old.IsZero() {
			c.repaired = !c.replaced
			if _, err := p.t.removeBody(old, sdk.MaxSize/sdk.ChunkSize); err != nil {
				return err
			}
		}
		id, err := p.writeBody(c.brought.Body)
		if err != nil {
			return err
		}
		c.row, c.written = layout.Content{Content: c.brought.Body.Content, Body: id}, true
		if err := p.t.saveContent(&c.row); err != nil {
			return err
		}
	}
	return nil
}

// describe writes the row of a content that only purged records have, if there is
// none.
func (p *group) describe(c *content) error {
	if !c.row.Content.SHA256.IsZero() {
		return nil
	}
	c.row.Content = *c.purged
	return p.t.saveContent(&c.row)
}

// writeBody writes a body that is in memory, or adopts one that is staged, and
// returns its id.
func (p *group) writeBody(body *intake.Body) (sdk.ID, error) {
	if body.Spilled {
		s := p.staging.bodies[body]
		p.adopted = append(p.adopted, s)
		return s.id, p.t.adopt(s)
	}
	id := sdk.NewID()
	for i, piece := range body.Pieces {
		if err := p.t.Put(layout.PieceKey(id, i), piece); err != nil {
			return id, err
		}
	}
	return id, nil
}

// writeRecords writes the records, and says what became of each.
func (p *group) writeRecords() error {
	for _, e := range p.fresh {
		if err := p.t.addRecord(e.Record); err != nil {
			return err
		}
		p.answer(e, false)
	}
	for _, e := range p.repeats {
		p.answer(e, true)
	}
	return nil
}

func (p *group) answer(e *intake.Entry, repeated bool) {
	c := p.contents[e.Record.Content.SHA256]
	mine := c.written && c.brought == e
	p.results[e.Index] = sdk.PutResult{
		Tombstone: e.Record.Tombstone, Content: c.row.Content,
		Deduplicated: !mine && !e.Purged(), Repaired: mine && c.repaired, Repeated: repeated,
	}
}

// addRecord writes a record and the keys by which it is found.
func (t tx) addRecord(r sdk.Record) error {
	for _, at := range []*time.Time{&r.ModTime, &r.ArchivedAt, &r.RetainUntil, &r.RetainAtStore} {
		*at = sdk.Time(*at)
	}
	r.PurgedAt = time.Time{} // takeOver sets it
	if err := t.save(layout.RecordKey(r.Tombstone), r); err != nil {
		return err
	}
	if err := t.Put(layout.EventKey(r.Event), r.Tombstone[:]); err != nil {
		return err
	}
	if err := t.mark(layout.LiveKey(r.Content.SHA256, r.Tombstone)); err != nil {
		return err
	}
	order := layout.OrderOf(r.ArchivedAt, r.Tombstone)
	for _, index := range layout.Indexes(&r) {
		if err := t.mark(append(index, order[:]...)); err != nil {
			return err
		}
	}
	return nil
}
