// Package intake reads the sequence of one Put to its end, before the transaction
// that writes it.
package intake

import (
	"bytes"
	"context"
	"io"
	"iter"

	"github.com/codex-archive/codex/sdk"
)

// Held is how much of the bodies of one Put is kept in memory, in bytes. What
// does not fit is spilled.
const Held = sdk.StagedBody

// Spill takes the bodies that memory has no room for. Its methods are called by
// [Take] only, one after the other.
type Spill interface {
	// Stays reports whether the archive has a body of the content of b that b does
	// not replace, and this call has read it and found it intact. What is left of b
	// is then checked, and not kept.
	Stays(ctx context.Context, b *Body) (bool, error)
	// Add takes over the next piece of b, whose earlier pieces it has.
	Add(ctx context.Context, b *Body, piece []byte) error
	// Flush is called once, after the last item.
	Flush(ctx context.Context) error
}

// Entry is one item of a Put, its body read and checked.
type Entry struct {
	Index  int        // in the sequence
	Record sdk.Record // its content says what the body turned out to be; see Purged
	Body   *Body      // nil: no body, or an earlier entry brought the same content
	Item   sdk.Item   // as it came; its body is read
}

// Purged reports whether the history of e says that its record was purged. Then
// Record.PurgedAt says when, and e needs no content.
func (e *Entry) Purged() bool { return !e.Record.PurgedAt.IsZero() }

// Body is the bytes of one content on their way into an archive.
type Body struct {
	Content  sdk.Content   // complete once the body is read; its SHA-256 and size are known before
	Replaces sdk.Digest    // see [sdk.Item]
	Owner    sdk.Tombstone // of the entry that brought it
	Pieces   [][]byte      // in memory: of [sdk.ChunkSize], the last one shorter
	Spilled  bool          // the Spill has all pieces
	// Dropped says that the archive had the content intact when the body was read,
	// and that the body is too large to be kept in case that changes.
	Dropped bool
}

// HostError carries an error of the sequence, or of the reader of a body, which
// Put returns unchanged.
type HostError struct{ Err error }

// Error returns the text of the host's error.
func (e HostError) Error() string { return e.Err.Error() }

// Take reads items to their end. It checks number, records and bodies, and keeps
// each content once. Its errors are a [HostError], an [sdk.Error] about an item,
// an error of s, or that of ctx.
func Take(ctx context.Context, items iter.Seq2[sdk.Item, error], s Spill) ([]*Entry, error) {
	t := taker{spill: s, bodies: map[sdk.Digest]*Body{}}
	for item, err := range items {
		if err != nil {
			return nil, HostError{err}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := t.take(ctx, item); err != nil {
			return nil, err
		}
	}
	return t.entries, s.Flush(ctx)
}

// taker is a Take under way.
type taker struct {
	spill   Spill
	entries []*Entry
	bodies  map[sdk.Digest]*Body
	held    int    // bytes in pieces
	history int    // events and holds
	buffer  []byte // of pieces that are not kept
}

// take reads one item.
func (t *taker) take(ctx context.Context, item sdk.Item) error {
	if len(t.entries) == sdk.MaxItems {
		return sdk.Errorf(sdk.Limit, "more than %d items", sdk.MaxItems)
	}
	if err := item.Validate(); err != nil {
		return err
	}
	if t.history += item.History.Len(); t.history > sdk.MaxHistory {
		return sdk.Errorf(sdk.Limit, "more than %d events and holds", sdk.MaxHistory)
	}
	e := &Entry{Index: len(t.entries), Record: item.Record, Item: item}
	e.Record.PurgedAt = item.PurgedAt()
	t.entries = append(t.entries, e)
	if item.Body == nil {
		return nil
	}
	return t.takeBody(ctx, e, item.Body)
}

// takeBody reads a body to its end, checks it, and keeps it if it is the first
// of its content.
func (t *taker) takeBody(ctx context.Context, e *Entry, r io.Reader) error {
	c := &e.Record.Content
	if t.bodies[c.SHA256] == nil {
		e.Body = &Body{Content: *c, Replaces: e.Item.Replaces, Owner: e.Record.Tombstone}
		t.bodies[c.SHA256] = e.Body
	}
	body := sdk.NewBodyReader(r, *c, e.Record.Tombstone)
	if err := t.read(ctx, body, e); err != nil {
		return err
	}
	*c = body.Content()
	if e.Body != nil {
		e.Body.Content = *c
	}
	return nil
}

// read reads r in pieces of ChunkSize and keeps those of e where that is to be.
func (t *taker) read(ctx context.Context, r io.Reader, e *Entry) error {
	left := e.Record.Content.StoredSize // may be -1
	for end := false; !end; {
		keep := e.Body != nil && !e.Body.Dropped
		var piece []byte
		if keep && left >= 0 {
			piece = make([]byte, min(max(left, 1), sdk.ChunkSize)) // one byte finds the end
		} else {
			piece = t.scratch()
		}
		var n int
		var err error
		if n, end, err = fill(r, piece); err != nil {
			return HostError{err}
		}
		if n == 0 {
			break
		}
		switch {
		case keep && left >= 0:
			err = t.keep(ctx, e, piece[:n])
			left -= int64(n)
		case keep:
			err = t.keep(ctx, e, bytes.Clone(piece[:n]))
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// scratch is memory for a piece that is not kept as it is.
func (t *taker) scratch() []byte {
	if t.buffer == nil {
		t.buffer = make([]byte, sdk.ChunkSize)
	}
	return t.buffer
}

// fill reads until p is full or r has ended. Unlike io.ReadFull it tells the
// end of r from an io.ErrUnexpectedEOF that r reports.
func fill(r io.Reader, p []byte) (n int, end bool, err error) {
	for idle := 0; n < len(p) && err == nil; idle++ {
		var m int
		m, err = r.Read(p[n:])
		n += m
		if m > 0 {
			idle = 0
		} else if err == nil && idle == 100 {
			err = io.ErrNoProgress
		}
	}
	if err == io.EOF {
		return n, true, nil
	}
	return n, false, err
}

// keep holds a piece of e while there is room, else spills it, together with what
// was held of e before.
func (t *taker) keep(ctx context.Context, e *Entry, piece []byte) error {
	body := e.Body
	if !body.Spilled && t.held+len(piece) > Held {
		if err := t.overflow(ctx, e); err != nil || body.Dropped {
			return err
		}
	}
	if body.Spilled {
		return t.spill.Add(ctx, body, piece)
	}
	body.Pieces = append(body.Pieces, piece)
	t.held += len(piece)
	return nil
}

// overflow spills what is held of e, or drops it if the archive has the content
// intact.
func (t *taker) overflow(ctx context.Context, e *Entry) (err error) {
	body, pieces := e.Body, e.Body.Pieces
	body.Pieces = nil
	for _, piece := range pieces {
		t.held -= len(piece)
	}
	if body.Dropped, err = t.spill.Stays(ctx, body); err != nil || body.Dropped {
		return err
	}
	body.Spilled = true
	for _, piece := range pieces {
		if err := t.spill.Add(ctx, body, piece); err != nil {
			return err
		}
	}
	return nil
}
