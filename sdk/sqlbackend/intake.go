package sqlbackend

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// heldBytes is how much of the bodies of one Put is kept in memory until its
// transaction. What does not fit is staged.
const heldBytes = sdk.StagedBody

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry is one item of a Put, its body read and checked.
type entry struct {
	index  int        // in the sequence
	record sdk.Record // its content says what the body turned out to be
	body   *body      // nil: no body, or another entry has the same content
}

// body is the bytes of one content on their way into the archive: held in
// pieces, or staged.
type body struct {
	content sdk.Content
	pieces  [][]byte // of ChunkSize, the last one shorter
	staged  *staged
	// dropped says that the content was present when the body was read, and
	// too large to be kept in case it is gone by the end.
	dropped bool
}

// whole returns a body of at most one piece, which is not nil if it is empty.
func (b *body) whole() []byte {
	if len(b.pieces) == 0 {
		return []byte{}
	}
	return b.pieces[0]
}

// intake takes in the sequence of one Put.
type intake struct {
	b       *Backend
	entries []*entry
	bodies  map[sdk.Digest]*body
	held    int      // bytes in pieces
	staging *staging // of the bodies that did not fit
	buffer  []byte   // a piece being read
}

func (b *Backend) newIntake() *intake {
	return &intake{b: b, bodies: map[sdk.Digest]*body{}, staging: &staging{b: b}}
}

// take reads one item.
func (in *intake) take(ctx context.Context, it sdk.Item) error {
	if len(in.entries) == sdk.MaxItems {
		return sdk.Errorf(sdk.Limit, "more than %d items", sdk.MaxItems)
	}
	if err := it.Record.Validate(); err != nil {
		return err
	}
	e := &entry{index: len(in.entries), record: it.Record}
	e.record.PurgedAt = time.Time{}
	in.entries = append(in.entries, e)
	if it.Body == nil {
		return nil
	}
	return in.takeBody(ctx, e, it.Body)
}

// takeBody reads a body to its end, checks it, and keeps it if it is the first
// of its content.
func (in *intake) takeBody(ctx context.Context, e *entry, r io.Reader) error {
	c := &e.record.Content
	keep := func(context.Context, []byte) error { return nil }
	if have := in.bodies[c.SHA256]; have == nil {
		e.body = &body{}
		in.bodies[c.SHA256] = e.body
		keep = in.keeper(e)
	}
	body := sdk.NewBodyReader(r, *c, e.record.Tombstone)
	if err := in.read(ctx, body, keep); err != nil {
		return err
	}
	*c = body.Content()
	if e.body != nil {
		e.body.content = *c
	}
	return nil
}

// foreignError carries an error of the host's reader through Put unchanged.
type foreignError struct{ error }

// read hands what r yields to keep, in pieces of ChunkSize, which are valid
// during the call.
func (in *intake) read(ctx context.Context, r io.Reader, keep func(context.Context, []byte) error) error {
	if in.buffer == nil {
		in.buffer = make([]byte, sdk.ChunkSize)
	}
	for end := false; !end; {
		var n int
		var err error
		if n, end, err = fill(r, in.buffer); err != nil {
			return foreignError{err}
		}
		if n == 0 {
			break
		}
		if err := keep(ctx, in.buffer[:n]); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
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

// keeper returns what becomes of the pieces of e: held while there is room,
// else staged, together with what was held of e before.
func (in *intake) keeper(e *entry) func(context.Context, []byte) error {
	return func(ctx context.Context, piece []byte) error {
		body := e.body
		if body.dropped {
			return nil
		}
		if body.staged == nil && in.held+len(piece) > heldBytes {
			if err := in.overflow(ctx, e); err != nil || body.dropped {
				return err
			}
		}
		piece = bytes.Clone(piece)
		if body.staged != nil {
			return in.staging.add(ctx, body.staged, piece)
		}
		body.pieces = append(body.pieces, piece)
		in.held += len(piece)
		return nil
	}
}

// overflow moves what is held of e to staging, or drops it if the content is
// present.
func (in *intake) overflow(ctx context.Context, e *entry) error {
	body, pieces := e.body, e.body.pieces
	body.pieces = nil
	for _, piece := range pieces {
		in.held -= len(piece)
	}
	missing, err := in.b.Missing(ctx, []sdk.Digest{e.record.Content.SHA256})
	if err != nil {
		return err
	}
	if body.dropped = len(missing) == 0; body.dropped {
		return nil
	}
	body.staged = &staged{owner: e.record.Tombstone}
	for _, piece := range pieces {
		if err := in.staging.add(ctx, body.staged, piece); err != nil {
			return err
		}
	}
	return nil
}
