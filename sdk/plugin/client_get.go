package plugin

import (
	"context"
	"errors"
	"io"
	"iter"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc/status"
)

// errCut is the error of a stream that ended without its last part.
var errCut = errors.New("the stream ended in the middle")

// parts takes the frames of a stream apart. It holds one frame.
type parts[F any, P any] struct {
	recv func() (F, error)
	of   func(F) []P
	done func() error // of the call's context: what is here already is not given out after its end
	rest []P
}

// next returns the next part, or the error of the stream, which is errCut when
// it ends.
func (p *parts[F, P]) next() (part P, err error) {
	for len(p.rest) == 0 {
		frame, err := p.recv()
		if err == io.EOF {
			return part, errCut
		}
		if err != nil {
			return part, err
		}
		p.rest = p.of(frame)
	}
	if err := p.done(); err != nil {
		return part, status.FromContextError(err).Err()
	}
	part = p.rest[0]
	p.rest = p.rest[1:]
	return part, nil
}

// Get implements [sdk.Backend].
func (r *remote) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	const op = "get"
	return func(yield func(sdk.GetResult, error) bool) {
		c, err := r.call(ctx, op)
		if err != nil {
			yield(sdk.GetResult{}, err)
			return
		}
		defer c.done()
		stream, err := r.client.Get(c.ctx, &archivepb.GetRequest{Tombstones: fromIDs(ids)})
		if err != nil {
			yield(sdk.GetResult{}, r.process.failed(ctx, op, err, sdk.EffectNone))
			return
		}
		g := &getting{
			parts:  parts[*archivepb.GetFrame, *archivepb.GetPart]{recv: stream.Recv, of: (*archivepb.GetFrame).GetParts, done: c.ctx.Err},
			failed: func(err error) error { return r.streamFailed(ctx, op, err) },
			yield:  func(f sdk.GetResult) bool { return yield(f, nil) },
		}
		if err := g.all(ids); err != nil {
			yield(sdk.GetResult{}, err)
		}
	}
}

// streamFailed is failed for streams, which may also end too early or hold
// nonsense.
func (r *remote) streamFailed(ctx context.Context, op string, err error) error {
	var e *sdk.Error
	switch {
	case errors.Is(err, errCut):
		return &sdk.Error{Kind: sdk.Unavailable, Op: op, Msg: "the backend's answer ended in the middle", Retry: true}
	case errors.As(err, &e):
		return badReply(op, e, sdk.EffectNone)
	}
	return r.process.failed(ctx, op, err, sdk.EffectNone)
}

// getting reads the answer to a Get.
type getting struct {
	parts[*archivepb.GetFrame, *archivepb.GetPart]
	failed func(error) error
	yield  func(sdk.GetResult) bool
}

// all yields what comes for each id. It returns nil also when yield asks to
// stop.
func (g *getting) all(ids []sdk.Tombstone) error {
	for _, id := range ids {
		part, err := g.next()
		if err != nil {
			return g.failed(err)
		}
		more := false
		switch p := part.GetPart().(type) {
		case *archivepb.GetPart_Header:
			more, err = g.found(id, p.Header)
		case *archivepb.GetPart_Failure:
			more = g.yield(sdk.GetResult{Record: sdk.Record{Tombstone: id}, Err: failureOf(p.Failure)})
		default:
			err = g.failed(sdk.Errorf(sdk.Internal, "%T where an item should begin", p))
		}
		if err != nil || !more {
			return err
		}
	}
	part, err := g.next()
	if err == nil && part.GetAll() == nil {
		err = sdk.Errorf(sdk.Internal, "%T where the answer should end", part.GetPart())
	}
	if err != nil {
		return g.failed(err)
	}
	g.recv() // the status, so that the backend's call is over as well
	return nil
}

// found yields one record and takes what is left of its body off the stream.
func (g *getting) found(id sdk.Tombstone, m *archivepb.Record) (more bool, err error) {
	record, err := toRecord(m)
	if err == nil && record.Tombstone != id {
		err = sdk.Errorf(sdk.Internal, "it was asked for %s and gave %s", id, record.Tombstone)
	}
	if err != nil {
		return false, g.failed(err)
	}
	var streamErr error // about the whole call, unlike what is wrong with the body
	b := &body{tombstone: id, content: record.Content}
	b.pull = func() ([]byte, *archivepb.BodyEnd, error) {
		chunk, end, err := g.chunk()
		var failure *itemError
		if err != nil && !errors.As(err, &failure) {
			streamErr = g.failed(err)
			return nil, nil, streamErr
		}
		if failure != nil {
			err = failure.err
		}
		return chunk, end, err
	}
	if !g.yield(sdk.GetResult{Record: record, Body: b}) {
		return false, nil
	}
	b.finish() // what is wrong with bytes that nobody read is nobody's concern
	return true, streamErr
}

// chunk returns the next part of a body.
func (g *getting) chunk() ([]byte, *archivepb.BodyEnd, error) {
	part, err := g.next()
	if err != nil {
		return nil, nil, err
	}
	switch p := part.GetPart().(type) {
	case *archivepb.GetPart_Chunk:
		return p.Chunk, nil, nil
	case *archivepb.GetPart_End:
		return nil, p.End, nil
	case *archivepb.GetPart_Failure:
		return nil, nil, &itemError{failureOf(p.Failure)}
	default:
		return nil, nil, sdk.Errorf(sdk.Internal, "%T in the middle of a body", p)
	}
}

// itemError is about one item of a Get, after which the stream goes on.
type itemError struct{ err error }

func (e *itemError) Error() string { return e.err.Error() }

func failureOf(m *archivepb.Failure) error {
	if m.GetError().GetKind() == archivepb.Kind_KIND_UNSPECIFIED {
		return &sdk.Error{Kind: sdk.Internal, Op: "get", Msg: clean(m.GetMessage())}
	}
	e := fromDetail(m.GetMessage(), m.GetError())
	if e.Op == "" {
		e.Op = "get"
	}
	return e
}

// List implements [sdk.Backend].
func (r *remote) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	const op = "list"
	return func(yield func(sdk.Entry, error) bool) {
		if err := checkText(&q); err != nil {
			yield(sdk.Entry{}, err)
			return
		}
		c, err := r.call(ctx, op)
		if err != nil {
			yield(sdk.Entry{}, err)
			return
		}
		defer c.done()
		stream, err := r.client.List(c.ctx, fromQuery(&q))
		if err != nil {
			yield(sdk.Entry{}, r.process.failed(ctx, op, err, sdk.EffectNone))
			return
		}
		l := &listing{
			parts: parts[*archivepb.ListFrame, *archivepb.ListPart]{recv: stream.Recv, of: (*archivepb.ListFrame).GetParts, done: c.ctx.Err},
			yield: func(e sdk.Entry) bool { return yield(e, nil) },
		}
		if err := l.all(); err != nil {
			yield(sdk.Entry{}, r.streamFailed(ctx, op, err))
		}
	}
}

// checkText refuses a query that the wire cannot carry.
func checkText(q *sdk.Query) error {
	for _, text := range []string{q.Prefix, q.Repo, q.Commit, q.Actor, q.Reason, q.Tag} {
		if !utf8.ValidString(text) {
			return &sdk.Error{Kind: sdk.Invalid, Op: "list", Msg: "the query is not UTF-8"}
		}
	}
	return nil
}

// listing reads the answer to a List.
type listing struct {
	parts[*archivepb.ListFrame, *archivepb.ListPart]
	yield func(sdk.Entry) bool
	entry *sdk.Entry // complete when the next one begins
}

// all yields the entries. It returns nil also when yield asks to stop.
func (l *listing) all() error {
	for {
		part, err := l.next()
		if err != nil {
			return err
		}
		switch p := part.GetPart().(type) {
		case *archivepb.ListPart_All:
			l.recv() // the status, so that the backend's call is over as well
			l.give()
			return nil
		case *archivepb.ListPart_Entry:
			if !l.give() {
				return nil
			}
			record, err := toRecord(p.Entry.GetRecord())
			if err != nil {
				return err
			}
			l.entry = &sdk.Entry{Record: record, Present: p.Entry.GetPresent()}
		default:
			if err := l.addTo(part); err != nil {
				return err
			}
		}
	}
}

// give yields the entry that is complete, if there is one.
func (l *listing) give() bool {
	if l.entry == nil {
		return true
	}
	e := *l.entry
	l.entry = nil
	return l.yield(e)
}

// addTo adds an event or a hold to the entry before.
func (l *listing) addTo(part *archivepb.ListPart) error {
	if l.entry == nil {
		return sdk.Errorf(sdk.Internal, "%T before the first entry", part.GetPart())
	}
	switch p := part.GetPart().(type) {
	case *archivepb.ListPart_Event:
		event, err := toEvent(p.Event)
		if err != nil {
			return err
		}
		l.entry.Events = append(l.entry.Events, event)
	case *archivepb.ListPart_Hold:
		l.entry.Holds = append(l.entry.Holds, toHold(p.Hold))
	default:
		return sdk.Errorf(sdk.Internal, "%T in a list", p)
	}
	return nil
}
