package plugin

import (
	"context"
	"errors"
	"fmt"

	"iter"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// undoTime is how long a Put that this side ends waits for the backend to
// say that everything is undone.
const undoTime = 5 * time.Second

// Put implements [sdk.Backend].
func (r *client) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	const op = "put"
	c, err := r.call(ctx, op)
	if err != nil {
		return nil, err
	}
	defer c.done()
	stream, err := r.stub.Put(c.ctx)
	if err != nil {
		return nil, r.process.failed(ctx, op, err, sdk.EffectNone)
	}
	o := &putWriter{out: packer[*archivepb.PutPart]{fresh: r.process.observed, send: func(parts []*archivepb.PutPart) error {
		return stream.Send(&archivepb.PutFrame{Parts: parts})
	}}}
	if local := o.all(items); local != nil {
		undo(stream, c.cancel)
		return nil, local
	}
	if !o.ended && ctx.Err() == nil && c.beginCommit() {
		o.commit()
	}
	// Whether everything went out or the backend has ended the stream before
	// (then Send gave io.EOF): the answer has it.
	reply, err := stream.CloseAndRecv()
	switch {
	case err != nil:
		return nil, r.process.failed(ctx, op, err, o.effect())
	case !o.committed:
		return nil, badReply(op, errors.New("it answered before the commit"), sdk.EffectMaybe)
	}
	stored, err := o.results(reply)
	if err != nil {
		return nil, badReply(op, err, sdk.EffectMaybe)
	}
	return stored, nil
}

// undo ends a Put without a commit and waits until the backend says that it
// has rolled back, so that nothing of it is under way when Put returns.
func undo(stream grpc.ClientStreamingClient[archivepb.PutFrame, archivepb.PutReply], cancel func()) {
	timer := time.AfterFunc(undoTime, cancel)
	defer timer.Stop()
	_, _ = stream.CloseAndRecv() // the caller's own error is the one to tell
}

// putWriter sends items.
type putWriter struct {
	out       packer[*archivepb.PutPart]
	sent      []sentItem
	history   int  // events and holds sent
	ended     bool // the backend has ended the stream; its answer tells why
	committed bool // the commit was handed to gRPC
}

// sentItem is what the answer to an item must be about.
type sentItem struct {
	tombstone sdk.Tombstone
	content   sdk.Digest
	size      int64
}

// results reads the answer: one for each item, in order.
func (o *putWriter) results(reply *archivepb.PutReply) ([]sdk.PutResult, error) {
	if len(reply.GetStored()) != len(o.sent) {
		return nil, fmt.Errorf("it answered for %d of %d", len(reply.GetStored()), len(o.sent))
	}
	results := make([]sdk.PutResult, len(o.sent))
	for i, m := range reply.GetStored() {
		result, err := toStored(m)
		if err != nil {
			return nil, err
		}
		c := result.Content
		if (o.sent[i] != sentItem{result.Tombstone, c.SHA256, c.Size}) || c.StoredSize < 0 || c.Codec == "" {
			return nil, fmt.Errorf("its answer for %s is about something else", o.sent[i].tombstone)
		}
		results[i] = result
	}
	return results, nil
}

// effect is what a Put that got no answer may have left behind: nothing before
// the commit was sent.
func (o *putWriter) effect() sdk.Effect {
	if o.committed {
		return sdk.EffectMaybe
	}
	return sdk.EffectNone
}

// all sends the items. It returns the error of the sequence, of a body or of an
// item that is not fit to be sent.
func (o *putWriter) all(items iter.Seq2[sdk.Item, error]) error {
	for item, err := range items {
		if err != nil {
			return err
		}
		o.ended, err = o.item(&item)
		if err != nil || o.ended {
			return err
		}
	}
	return nil
}

// commit sends what is left and the commit.
func (o *putWriter) commit() {
	o.committed = true
	commit := &archivepb.PutPart{Part: &archivepb.PutPart_Commit{Commit: &archivepb.Commit{Items: uint32(len(o.sent))}}}
	if o.out.add(commit, 0) == nil {
		_ = o.out.flush() // io.EOF: the answer tells
	}
}

// item sends one item. ended: the backend has ended the stream.
func (o *putWriter) item(item *sdk.Item) (ended bool, err error) {
	if len(o.sent) == sdk.MaxItems {
		return false, &sdk.Error{Kind: sdk.Limit, Op: "put", Msg: fmt.Sprintf("more than %d items in one call", sdk.MaxItems)}
	}
	record := &item.Record
	if err := item.Validate(); err != nil {
		return false, withOp(err, "put")
	}
	if o.history += item.History.Len(); o.history > sdk.MaxHistory {
		return false, &sdk.Error{Kind: sdk.Limit, Op: "put", Msg: fmt.Sprintf("more than %d events and holds in one call", sdk.MaxHistory)}
	}
	header := &archivepb.PutHeader{Record: RecordToProto(record), Body: item.Body != nil}
	if !item.Replaces.IsZero() {
		header.Replaces = item.Replaces[:]
	}
	if o.out.add(&archivepb.PutPart{Part: &archivepb.PutPart_Header{Header: header}}, proto.Size(header)) != nil {
		return true, nil
	}
	if o.sendHistory(&item.History) != nil {
		return true, nil
	}
	end := &archivepb.BodyEnd{}
	if item.Body != nil {
		end, err = o.out.addBody(item.Body, func(chunk []byte) *archivepb.PutPart {
			return &archivepb.PutPart{Part: &archivepb.PutPart_Chunk{Chunk: chunk}}
		})
		var torn *bodyError
		if errors.As(err, &torn) {
			return false, torn.err
		}
		if err != nil {
			return true, nil
		}
	}
	if o.out.add(&archivepb.PutPart{Part: &archivepb.PutPart_End{End: end}}, proto.Size(end)) != nil {
		return true, nil
	}
	o.sent = append(o.sent, sentItem{record.Tombstone, record.Content.SHA256, record.Content.Size})
	return false, nil
}

// sendHistory sends what became of a record in another archive.
func (o *putWriter) sendHistory(h *sdk.History) error {
	for i := range h.Events {
		m := fromEvent(&h.Events[i])
		if err := o.out.add(&archivepb.PutPart{Part: &archivepb.PutPart_Event{Event: m}}, proto.Size(m)); err != nil {
			return err
		}
	}
	for i := range h.Holds {
		m := fromHold(&h.Holds[i])
		if err := o.out.add(&archivepb.PutPart{Part: &archivepb.PutPart_Hold{Hold: m}}, proto.Size(m)); err != nil {
			return err
		}
	}
	return nil
}
