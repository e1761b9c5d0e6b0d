package sqlbackend

import (
	"bytes"
	"context"
	"io"

	"github.com/codex-archive/codex/sdk"
)

// heldBytes is how much of the bodies of one Put is kept in memory until its
// transaction. What does not fit is staged.
const heldBytes = sdk.StagedBody

// entry is one item of a Put, its body read and checked.
type entry struct {
	index  int        // in the sequence
	record sdk.Record // its content says what the body turned out to be; purged if its history says so
	body   *body      // nil: no body, or another entry has the same content
	item   sdk.Item   // as it came; its body is read
	origin origin     // of the record: known once that is to be stored
}

// purged reports whether the history of e says that its record was purged. Then
// it needs no content.
func (e *entry) purged() bool { return !e.record.PurgedAt.IsZero() }

// body is the bytes of one content on their way into the archive: held in
// pieces, or staged.
type body struct {
	content sdk.Content
	pieces  [][]byte // of ChunkSize, the last one shorter
	staged  *staged
	// dropped says that the archive had the content intact when the body was read,
	// and that the body is too large to be kept in case that changes.
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
	history int      // events and holds
	staging *staging // of the bodies that did not fit
	survey  survey
	buffer  []byte // of pieces that are not kept
}

func (b *Backend) newIntake() *intake {
	return &intake{b: b, bodies: map[sdk.Digest]*body{}, survey: survey{}, staging: &staging{b: b}}
}

// take reads one item.
func (in *intake) take(ctx context.Context, it sdk.Item) error {
	if len(in.entries) == sdk.MaxItems {
		return sdk.Errorf(sdk.Limit, "more than %d items", sdk.MaxItems)
	}
	if err := it.Validate(); err != nil {
		return err
	}
	if in.history += it.History.Len(); in.history > sdk.MaxHistory {
		return sdk.Errorf(sdk.Limit, "more than %d events and holds", sdk.MaxHistory)
	}
	e := &entry{index: len(in.entries), record: it.Record, item: it}
	e.record.PurgedAt = it.PurgedAt()
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
	if in.bodies[c.SHA256] == nil {
		e.body = &body{}
		in.bodies[c.SHA256] = e.body
	}
	body := sdk.NewBodyReader(r, *c, e.record.Tombstone)
	if err := in.read(ctx, body, e); err != nil {
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

// read reads r in pieces of ChunkSize and keeps those of e where that is to be.
func (in *intake) read(ctx context.Context, r io.Reader, e *entry) error {
	left := e.record.Content.StoredSize // may be -1
	for end := false; !end; {
		keep := e.body != nil && !e.body.dropped
		var piece []byte
		if keep && left >= 0 {
			piece = make([]byte, min(max(left, 1), sdk.ChunkSize)) // one byte finds the end
		} else {
			piece = in.scratch()
		}
		var n int
		var err error
		if n, end, err = fill(r, piece); err != nil {
			return foreignError{err}
		}
		if n == 0 {
			break
		}
		switch {
		case keep && left >= 0:
			err = in.keep(ctx, e, piece[:n])
			left -= int64(n)
		case keep:
			err = in.keep(ctx, e, bytes.Clone(piece[:n]))
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
func (in *intake) scratch() []byte {
	if in.buffer == nil {
		in.buffer = make([]byte, sdk.ChunkSize)
	}
	return in.buffer
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

// keep holds a piece of e while there is room, else stages it, together with what
// was held of e before.
func (in *intake) keep(ctx context.Context, e *entry, piece []byte) error {
	body := e.body
	if body.staged == nil && in.held+len(piece) > heldBytes {
		if err := in.overflow(ctx, e); err != nil || body.dropped {
			return err
		}
	}
	if body.staged != nil {
		return in.staging.add(ctx, body.staged, piece)
	}
	body.pieces = append(body.pieces, piece)
	in.held += len(piece)
	return nil
}

// overflow moves what is held of e to staging, or drops it if the archive has the
// content intact.
func (in *intake) overflow(ctx context.Context, e *entry) error {
	body, pieces, digest := e.body, e.body.pieces, e.record.Content.SHA256
	body.pieces = nil
	for _, piece := range pieces {
		in.held -= len(piece)
	}
	if err := in.survey.look(ctx, in.b, []sdk.Digest{digest}); err != nil {
		return err
	}
	if k := in.survey[digest]; k != nil && k.intact {
		body.dropped = true
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
