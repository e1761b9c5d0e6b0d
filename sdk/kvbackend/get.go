package kvbackend

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Missing looks at the rows of contents only: whether a body is damaged shows when
// it is read.
func (b *backend) Missing(ctx context.Context, contents []sdk.Digest) (missing []sdk.Digest, err error) {
	if len(contents) > sdk.MaxItems {
		return nil, tooMany("missing", "contents")
	}
	err = b.view(ctx, "missing", func(t tx) error {
		for _, d := range contents {
			c, err := t.usable(d)
			if err != nil {
				return err
			}
			if c.Body.IsZero() {
				missing = append(missing, d)
			}
		}
		return nil
	})
	return missing, err
}

// Get reads each record in a transaction, with the first piece of its body, and the
// others while they are read.
func (b *backend) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		if len(ids) > sdk.MaxItems {
			yield(sdk.GetResult{}, tooMany("get", "tombstones"))
			return
		}
		if err := b.alive(ctx, "get"); err != nil {
			yield(sdk.GetResult{}, err)
			return
		}
		var buffer []byte
		for _, id := range ids {
			one, body, err := b.find(ctx, id, buffer)
			if err != nil {
				yield(sdk.GetResult{}, err)
				return
			}
			more := yield(one, nil)
			if body != nil {
				buffer = body.r.Memory()
				body.dead = true
			}
			if !more {
				return
			}
		}
	}
}

// find reads one record. The body, if there is one, is to be dead after the loop
// body.
func (b *backend) find(ctx context.Context, id sdk.Tombstone, buffer []byte) (sdk.GetResult, *storedBody, error) {
	one := sdk.GetResult{Record: sdk.Record{Tombstone: id}}
	var body *storedBody
	err := b.view(ctx, "get", func(t tx) error {
		r, err := t.row(id)
		switch {
		case sdk.KindOf(err) == sdk.Corrupt:
			one.Err = err
			return nil
		case err != nil:
			return err
		case r == nil:
			one.Err = sdk.Errorf(sdk.NotFound, "no such tombstone").About(id)
			return nil
		}
		one.Record = r.record
		if one.Err = bodiless(r); one.Err != nil {
			return nil
		}
		first, n, err := t.pieces(buffer[:0], r.content.Body, 0, 1)
		body = &storedBody{ctx: ctx, b: b, r: reader(ctx, r.content.Body, b.readPieces), body: r.content.Body, about: id}
		body.r.Begin(first, n)
		return err
	})
	if err != nil {
		return one, nil, err
	}
	if body != nil {
		checked := sdk.NewBodyReader(body, one.Record.Content.WithoutBodyHash(), id)
		checked.Explain = body.explain
		one.Body = checked
	} else {
		one.Err = b.wrap(ctx, "get", one.Err)
	}
	return one, body, nil
}

// bodiless says why there is no body to read; nil: there is one.
func bodiless(r *row) error {
	switch {
	case !r.record.PurgedAt.IsZero():
		return purged(&r.record)
	case r.record.Content.StoredSize < 0:
		return sdk.Errorf(sdk.Corrupt, "the row of its content cannot be read").About(r.record.Tombstone)
	case r.content.Body.IsZero():
		return sdk.Errorf(sdk.ContentAbsent, "the archive does not have its content").About(r.record.Tombstone)
	}
	return nil
}

func purged(r *sdk.Record) error {
	return sdk.Errorf(sdk.Purged, "its content was purged on %s", r.PurgedAt.Format(time.DateOnly)).About(r.Tombstone)
}

// storedBody reads the body of one record. It ends with the turn of the record in
// the loop.
type storedBody struct {
	ctx   context.Context // of the Get, which the loop body cannot outlive
	b     *backend
	r     *sdk.PieceReader
	body  sdk.ID
	about sdk.Tombstone
	dead  bool
}

var _ io.Reader = (*storedBody)(nil)

// Read implements [io.Reader].
func (s *storedBody) Read(p []byte) (int, error) {
	if s.dead {
		return 0, &sdk.Error{Kind: sdk.Invalid, Op: "get", Msg: "the body was read after its loop had gone on"}
	}
	if err := s.b.alive(s.ctx, "get"); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// explain says what a body means that is not what was recorded: the content may
// have been purged or replaced since the record was read.
func (s *storedBody) explain(corrupt error) error {
	err := s.b.view(s.ctx, "get", func(t tx) error {
		r, err := t.row(s.about)
		switch {
		case err != nil && sdk.KindOf(err) != sdk.Corrupt:
			return err
		case r != nil && !r.record.PurgedAt.IsZero():
			return purged(&r.record)
		case r != nil && r.content.Body != s.body:
			return sdk.Errorf(sdk.Busy, "its content was replaced while it was read").About(s.about)
		}
		return corrupt
	})
	return err
}
