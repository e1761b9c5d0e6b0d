package plugin

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"time"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// errCut is the error of a stream that ended without its last part.
var errCut = errors.New("the stream ended in the middle")

// maxEmpty is how many frames without parts, or chunks without bytes, may follow
// each other: what has nothing to say forever is not waited for.
const maxEmpty = 1 << 15

// parts takes the frames of a stream apart. It holds one frame.
type parts[F any, P any] struct {
	recv func() (F, error)
	of   func(F) []P
	done func() error // of the call's context: what is here already is not returned after its end
	rest []P
}

// next returns the next part, or the error of the stream, which is errCut when
// it ends.
func (p *parts[F, P]) next() (part P, err error) {
	for empty := 0; len(p.rest) == 0; empty++ {
		if empty > maxEmpty {
			return part, sdk.Errorf(sdk.Internal, "%d frames without anything in them", empty)
		}
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
func (r *client) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	const op = "get"
	return func(yield func(sdk.GetResult, error) bool) {
		c, err := r.call(ctx, op)
		if err != nil {
			yield(sdk.GetResult{}, err)
			return
		}
		defer c.done()
		stream, err := r.stub.Get(c.ctx, &archivepb.GetRequest{Tombstones: fromIDs(ids)})
		if err != nil {
			yield(sdk.GetResult{}, r.process.failed(ctx, op, err, sdk.EffectNone))
			return
		}
		g := &getReader{
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
func (r *client) streamFailed(ctx context.Context, op string, err error) error {
	var e *sdk.Error
	switch {
	case errors.Is(err, errCut):
		return &sdk.Error{Kind: sdk.Unavailable, Op: op, Msg: "the backend's answer ended in the middle", Retry: true}
	case errors.As(err, &e):
		return badReply(op, e, sdk.EffectNone)
	}
	return r.process.failed(ctx, op, err, sdk.EffectNone)
}

// getReader reads the answer to a Get.
type getReader struct {
	parts  parts[*archivepb.GetFrame, *archivepb.GetPart]
	failed func(error) error
	yield  func(sdk.GetResult) bool
}

// all yields what comes for each id. It returns nil also when yield asks to
// stop.
func (g *getReader) all(ids []sdk.Tombstone) error {
	for _, id := range ids {
		part, err := g.parts.next()
		if err != nil {
			return g.failed(err)
		}
		more := false
		switch p := part.GetPart().(type) {
		case *archivepb.GetPart_Header:
			more, err = g.record(id, p.Header)
		case *archivepb.GetPart_Failure:
			more = g.yield(sdk.GetResult{Record: sdk.Record{Tombstone: id}, Err: failureOf("get", id, p.Failure)})
		default:
			err = g.failed(sdk.Errorf(sdk.Internal, "%T where an item should begin", p))
		}
		if err != nil || !more {
			return err
		}
	}
	part, err := g.parts.next()
	if err == nil && part.GetAll() == nil {
		err = sdk.Errorf(sdk.Internal, "%T where the answer should end", part.GetPart())
	}
	if err != nil {
		return g.failed(err)
	}
	_, _ = g.parts.recv() // the status, so that the backend's call is over as well
	return nil
}

// maxExcess is how much longer than its record says a body may be, in bytes. The
// items after one that is damaged are to be returned, too, and some bodies have no
// end.
const maxExcess = 16 << 20

// record yields one record, with what follows it as its body.
func (g *getReader) record(id sdk.Tombstone, m *archivepb.Record) (more bool, err error) {
	record, err := receiveRecord(m)
	if err == nil && record.Tombstone != id {
		return false, g.failed(sdk.Errorf(sdk.Internal, "it was asked for %s and answered %s", id, record.Tombstone))
	}
	if err == nil && record.Content.StoredSize < 0 {
		err = sdk.Errorf(sdk.Invalid, "stored size is missing")
	}
	result := sdk.GetResult{Record: record}
	var streamErr error                                      // about the whole call, unlike a fault of the body
	room, empty := max(m.GetContent().GetStoredSize(), 0), 0 // of the body; chunks without a byte
	b := newIncomingBody(id, record.Content.WithoutBodyHash(), func() ([]byte, *archivepb.BodyEnd, error) {
		chunk, end, err := g.chunk(id)
		empty++
		if len(chunk) > 0 {
			empty = 0
		}
		switch room -= int64(len(chunk)); {
		case err != nil:
		case room < -maxExcess:
			err = sdk.Errorf(sdk.Internal, "the body of %s goes on after its %d bytes", id, m.GetContent().GetStoredSize())
		case empty > maxEmpty:
			err = sdk.Errorf(sdk.Internal, "the body of %s has %d chunks without a byte", id, empty)
		}
		var failure *itemError
		switch {
		case errors.As(err, &failure):
			err = failure.err
		case err != nil:
			streamErr = g.failed(err)
			err = streamErr
		}
		return chunk, end, err
	})
	if err != nil {
		result = sdk.GetResult{Record: sdk.Record{Tombstone: id}, Err: unreadable("get", id, err)}
	} else {
		result.Body = b.reader
	}
	if !g.yield(result) {
		return false, nil
	}
	b.skip()
	return true, streamErr
}

// chunk returns the next part of a body.
func (g *getReader) chunk(id sdk.Tombstone) ([]byte, *archivepb.BodyEnd, error) {
	part, err := g.parts.next()
	if err != nil {
		return nil, nil, err
	}
	switch p := part.GetPart().(type) {
	case *archivepb.GetPart_Chunk:
		return p.Chunk, nil, nil
	case *archivepb.GetPart_End:
		return nil, p.End, nil
	case *archivepb.GetPart_Failure:
		return nil, nil, &itemError{failureOf("get", id, p.Failure)}
	default:
		return nil, nil, sdk.Errorf(sdk.Internal, "%T in the middle of a body", p)
	}
}

// itemError is about one item of a Get, after which the stream goes on.
type itemError struct{ err error }

func (e *itemError) Error() string { return e.err.Error() }

// failureOf returns what is wrong with a row. It names the row.
func failureOf(op string, id sdk.Tombstone, m *archivepb.Failure) error {
	e := &sdk.Error{Kind: sdk.Internal, Msg: brief(m.GetMessage())}
	if m.GetError().GetKind() != archivepb.Kind_KIND_UNSPECIFIED {
		e = fromDetail(m.GetMessage(), m.GetError())
	}
	if e.Kind == sdk.Canceled { // as an item cannot be
		e.Kind, e.Retry = sdk.Unavailable, true
	}
	if e.Op == "" {
		e.Op = op
	}
	if len(e.Tombstones) == 0 && !id.IsZero() { // else it is an event of the archive
		e.Tombstones = []sdk.Tombstone{id}
	}
	return e
}

// List implements [sdk.Backend].
func (r *client) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
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
		stream, err := r.stub.List(c.ctx, fromQuery(&q))
		if err != nil {
			yield(sdk.Entry{}, r.process.failed(ctx, op, err, sdk.EffectNone))
			return
		}
		l := &listReader{
			parts: parts[*archivepb.ListFrame, *archivepb.ListPart]{recv: stream.Recv, of: (*archivepb.ListFrame).GetParts, done: c.ctx.Err},
			yield: func(e sdk.Entry) bool { return yield(e, nil) }, query: &q, most: mostEntries(&q),
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

// listReader reads the answer to a List.
type listReader struct {
	parts parts[*archivepb.ListFrame, *archivepb.ListPart]
	yield func(sdk.Entry) bool
	entry *sdk.Entry // complete when the next one begins
	size  int        // bytes of its events and holds on the wire

	query *sdk.Query // where it is OfArchive, entries have no record
	most  int        // entries that it can have; 0: any number
	n     int        // entries that came

	lastAt time.Time // of the entry before
	lastID sdk.ID    // zero before the first
	astray int       // entries that are not where they must be
}

// mostEntries returns how many entries the answer to q can have; 0: any number.
func mostEntries(q *sdk.Query) int {
	n := len(q.Tombstones)
	if q.OfArchive {
		n = len(q.Events)
	}
	if n > 0 && (q.Limit == 0 || n < q.Limit) {
		return n
	}
	return q.Limit
}

// maxEntry bounds the events and holds of one entry, which are in memory together,
// in bytes: some hundred thousand.
const maxEntry = 64 << 20

// all yields the entries. It returns nil also when yield asks to stop.
func (l *listReader) all() error {
	for {
		part, err := l.parts.next()
		if err != nil {
			return err
		}
		switch p := part.GetPart().(type) {
		case *archivepb.ListPart_All:
			_, _ = l.parts.recv() // the status, so that the backend's call is over as well
			l.flush()
			return nil
		case *archivepb.ListPart_Entry:
			empty := l.query.OfArchive && l.entry != nil && l.entry.Err == nil && len(l.entry.Events) == 0
			if err := l.count(empty); err != nil {
				return err
			}
			if !l.flush() {
				return nil
			}
			l.entry, l.size = &sdk.Entry{}, 0
			if l.n++; l.most > 0 && l.n > l.most {
				l.entry = nil
				return sdk.Errorf(sdk.Internal, "more than the %d entries that were asked for", l.most)
			}
			if l.query.OfArchive {
				break
			}
			l.entry = receiveEntry(p.Entry)
			l.compare()
			if err := l.follows(l.entry.Record.ArchivedAt, l.entry.Record.Tombstone); err != nil {
				return err
			}
		case *archivepb.ListPart_Failure:
			if !l.flush() {
				return nil
			}
			l.entry, l.size = &sdk.Entry{}, 0
			copy(l.entry.Record.Tombstone[:], p.Failure.GetTombstone())
			l.entry.Err = failureOf("list", l.entry.Record.Tombstone, p.Failure)
			if err := l.follows(time.Time{}, l.entry.Record.Tombstone); err != nil {
				return err
			}
		default:
			if err := l.addTo(part); err != nil {
				return err
			}
		}
	}
}

// compare makes an entry unreadable that is not of the query: the host acts on what
// it has asked for.
func (l *listReader) compare() {
	r := &l.entry.Record
	if l.entry.Err == nil && !l.query.Matches(r) {
		err := sdk.Errorf(sdk.Invalid, "it is not what the list was asked for")
		l.entry = &sdk.Entry{Record: sdk.Record{Tombstone: r.Tombstone}, Err: unreadable("list", r.Tombstone, err)}
	}
}

// maxAstray is how many entries may come twice, or not newest first. A row that was
// tampered with may be one, and a list that begins again and again has no end.
const maxAstray = 1000

// follows notes the time and the id of an entry, by which lists are in order: newest
// first, then by id, descending. The time of a row that cannot be read is zero.
func (l *listReader) follows(at time.Time, id sdk.ID) error {
	order := cmp.Or(at.Compare(l.lastAt), bytes.Compare(id[:], l.lastID[:]))
	later := order > 0 && !at.IsZero() && !l.lastAt.IsZero()
	stray := !l.lastID.IsZero() && (later || id == l.lastID)
	l.lastAt, l.lastID = at, id
	return l.count(stray)
}

// count notes whether an entry is not where it must be.
func (l *listReader) count(stray bool) error {
	if stray {
		l.astray++
	}
	if l.astray <= maxAstray {
		return nil
	}
	l.entry = nil
	return sdk.Errorf(sdk.Internal, "more than %d of its entries come twice, or not newest first", maxAstray)
}

// flush yields the entry that is complete, if there is one.
func (l *listReader) flush() bool {
	if l.entry == nil {
		return true
	}
	e := *l.entry
	l.entry = nil
	return l.yield(e)
}

// addTo adds an event or a hold to the entry before. One that cannot be right
// makes its entry unreadable.
func (l *listReader) addTo(part *archivepb.ListPart) error {
	if l.entry == nil {
		return sdk.Errorf(sdk.Internal, "%T before the first entry", part.GetPart())
	}
	id := l.entry.Record.Tombstone
	if l.size += proto.Size(part); l.size > maxEntry {
		return sdk.Errorf(sdk.Limit, "more than %d MiB of events and holds of one entry", maxEntry>>20)
	}
	var err error
	switch p := part.GetPart().(type) {
	case *archivepb.ListPart_Event:
		var event sdk.Event
		event, err = receiveEvent(p.Event, id)
		if l.query.OfArchive && err == nil {
			if err := l.follows(event.At, event.ID); err != nil {
				return err
			}
		}
		l.entry.Events = append(l.entry.Events, event)
	case *archivepb.ListPart_Hold:
		hold := toHold(p.Hold)
		err = hold.Validate()
		l.entry.Holds = append(l.entry.Holds, hold)
	default:
		return sdk.Errorf(sdk.Internal, "%T in a list", p)
	}
	if err != nil && l.entry.Err == nil {
		l.entry.Err = unreadable("list", id, err)
	}
	if l.entry.Err != nil { // nothing else counts then
		*l.entry = sdk.Entry{Record: sdk.Record{Tombstone: id}, Err: l.entry.Err}
	}
	return nil
}
