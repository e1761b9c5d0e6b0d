package plugin

import (
	"context"
	"io"
	"iter"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc"
)

// Put implements the RPC of that name.
func (s *server) Put(stream grpc.ClientStreamingServer[archivepb.PutFrame, archivepb.PutReply]) error {
	b, ctx, leave, err := stateOf(stream.Context()).enter(stream.Context())
	if err != nil {
		return err
	}
	defer leave()
	in := &putReader{recv: stream.Recv}
	stored, err := b.Put(ctx, in.items())
	if in.err != nil && err == nil {
		return &sdk.Error{Kind: sdk.Internal, Msg: "a bug in the backend: it stored what had failed: " + in.err.Error(), Effect: sdk.EffectMaybe}
	}
	if in.err != nil {
		return in.err // what the backend made of it has less to say
	}
	if err != nil {
		return err
	}
	if !in.committed {
		return &sdk.Error{Kind: sdk.Internal, Msg: "a bug in the backend: it stored before the commit", Effect: sdk.EffectMaybe}
	}
	reply := &archivepb.PutReply{}
	for i := range stored {
		reply.Stored = append(reply.Stored, fromStored(&stored[i]))
	}
	return stream.SendAndClose(reply)
}

// putReader turns the frames of a Put into a sequence of items. It receives in
// the goroutine that ranges over the items and holds one frame.
type putReader struct {
	recv      func() (*archivepb.PutFrame, error)
	parts     []*archivepb.PutPart // of the frame, not yet looked at
	ranged    bool
	committed bool
	history   int   // events and holds that came
	err       error // why the sequence ended early
}

// items returns the sequence. It can be ranged over once.
func (in *putReader) items() iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		if in.ranged {
			yield(sdk.Item{}, sdk.Errorf(sdk.Internal, "a bug in the backend: it ranged over the items twice"))
			return
		}
		in.ranged = true
		if err := in.each(func(item sdk.Item) bool { return yield(item, nil) }); err != nil {
			in.err = err
			yield(sdk.Item{}, err)
		}
	}
}

// each calls yield for every item until the commit. It returns nil also when
// yield asks to stop.
func (in *putReader) each(yield func(sdk.Item) bool) error {
	for count := uint32(0); ; count++ {
		part, err := in.next()
		if err != nil {
			return err
		}
		switch p := part.GetPart().(type) {
		case *archivepb.PutPart_Header:
			if count == sdk.MaxItems {
				return sdk.Errorf(sdk.Limit, "more than %d items in one call", sdk.MaxItems)
			}
			if more, err := in.item(p.Header, yield); err != nil || !more {
				return err
			}
		case *archivepb.PutPart_Commit:
			return in.commit(p.Commit.GetItems(), count)
		default:
			return sdk.Errorf(sdk.Invalid, "%T where a header or the commit should be", p)
		}
	}
}

// item yields one item and takes what is left of its body off the stream.
func (in *putReader) item(h *archivepb.PutHeader, yield func(sdk.Item) bool) (more bool, err error) {
	record, err := RecordFromProto(h.GetRecord())
	if err != nil {
		return false, err
	}
	var d decoder
	item := sdk.Item{Record: record, Replaces: d.optionalDigest("replaced SHA-256", h.GetReplaces())}
	if d.err != nil {
		return false, d.err
	}
	if item.History, err = in.readHistory(); err != nil {
		return false, err
	}
	content := sdk.Content{} // without a body nothing may follow but the end of nothing
	if h.GetBody() {
		content = record.Content
	}
	b := newIncomingBody(record.Tombstone, content, in.chunk)
	if h.GetBody() {
		item.Body = b.reader
	}
	if yield(item) {
		return true, b.finish()
	}
	in.err = b.reader.Err() // what made the backend stop, if the body did
	return false, nil
}

// readHistory takes the events and holds of an item off the stream.
func (in *putReader) readHistory() (h sdk.History, err error) {
	for ; ; in.history++ {
		part, err := in.peek()
		if err != nil {
			return h, err
		}
		switch p := part.GetPart().(type) {
		case *archivepb.PutPart_Event:
			event, err := toEvent(p.Event)
			if err != nil {
				return h, err
			}
			h.Events = append(h.Events, event)
		case *archivepb.PutPart_Hold:
			h.Holds = append(h.Holds, toHold(p.Hold))
		default:
			return h, nil
		}
		if in.history == sdk.MaxHistory {
			return h, sdk.Errorf(sdk.Limit, "more than %d events and holds in one call", sdk.MaxHistory)
		}
		in.parts = in.parts[1:]
	}
}

func (in *putReader) commit(announced, count uint32) error {
	if announced != count {
		return sdk.Errorf(sdk.Corrupt, "the commit is for a number of %d, and %d came", announced, count)
	}
	in.committed = true
	return nil
}

// chunk returns the next part of a body.
func (in *putReader) chunk() ([]byte, *archivepb.BodyEnd, error) {
	part, err := in.next()
	if err != nil {
		return nil, nil, err
	}
	switch p := part.GetPart().(type) {
	case *archivepb.PutPart_Chunk:
		return p.Chunk, nil, nil
	case *archivepb.PutPart_End:
		return nil, p.End, nil
	default:
		return nil, nil, sdk.Errorf(sdk.Invalid, "%T in the middle of a body", p)
	}
}

// next takes the next part off the stream.
func (in *putReader) next() (*archivepb.PutPart, error) {
	part, err := in.peek()
	if err == nil {
		in.parts = in.parts[1:]
	}
	return part, err
}

// peek returns the next part of the stream, which stays there.
func (in *putReader) peek() (*archivepb.PutPart, error) {
	for len(in.parts) == 0 {
		frame, err := in.recv()
		if err == io.EOF {
			return nil, &sdk.Error{Kind: sdk.Canceled, Msg: "the stream ended without a commit"}
		}
		if err != nil {
			return nil, lostHost(err)
		}
		in.parts = frame.GetParts()
	}
	return in.parts[0], nil
}

// lostHost is the error of a stream on which no more is heard of the host.
func lostHost(err error) error {
	e, _ := fromStatus(err)
	switch e.Kind {
	case sdk.Canceled:
		e.Err = context.Canceled
	case sdk.Timeout:
		e.Err = context.DeadlineExceeded
	}
	return e
}
