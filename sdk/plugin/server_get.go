package plugin

import (
	"errors"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Get implements the RPC of that name.
func (s *server) Get(r *archivepb.GetRequest, stream grpc.ServerStreamingServer[archivepb.GetFrame]) error {
	b, ctx, leave, err := stateOf(stream.Context()).enter(stream.Context())
	if err != nil {
		return err
	}
	defer leave()
	ids, err := toIDs("tombstone", r.GetTombstones())
	if err != nil {
		return err
	}
	out := &packer[*archivepb.GetPart]{fresh: s.observed, send: func(parts []*archivepb.GetPart) error {
		return stream.Send(&archivepb.GetFrame{Parts: parts})
	}}
	for found, err := range b.Get(ctx, ids) {
		if err != nil {
			return err
		}
		if err := s.send(out, &found); err != nil {
			return err
		}
	}
	if err := out.add(&archivepb.GetPart{Part: &archivepb.GetPart_All{All: &archivepb.End{}}}, 0); err != nil {
		return err
	}
	return out.flush()
}

// send sends one record with its body, or what went wrong with it.
func (s *server) send(out *packer[*archivepb.GetPart], found *sdk.GetResult) error {
	if found.Err != nil || found.Body == nil {
		return s.sendFailure(out, found.Record.Tombstone, found.Err)
	}
	if err := found.Record.Validate(); err != nil { // it may not even fit a message
		return s.sendFailure(out, found.Record.Tombstone, unreadable("get", found.Record.Tombstone, err))
	}
	header := RecordToProto(&found.Record)
	if err := out.add(&archivepb.GetPart{Part: &archivepb.GetPart_Header{Header: header}}, proto.Size(header)); err != nil {
		return err
	}
	body := sdk.NewBodyReader(found.Body, found.Record.Content.WithoutBodyHash(), found.Record.Tombstone)
	end, err := out.addBody(body, func(chunk []byte) *archivepb.GetPart {
		return &archivepb.GetPart{Part: &archivepb.GetPart_Chunk{Chunk: chunk}}
	})
	var torn *bodyError
	if errors.As(err, &torn) {
		return s.sendFailure(out, found.Record.Tombstone, torn.err)
	}
	if err != nil {
		return err
	}
	return out.add(&archivepb.GetPart{Part: &archivepb.GetPart_End{End: end}}, proto.Size(end))
}

func (s *server) sendFailure(out *packer[*archivepb.GetPart], id sdk.Tombstone, err error) error {
	if err == nil {
		err = sdk.Errorf(sdk.Internal, "a bug in the backend: neither a body nor an error")
	}
	failure := s.failure(id, err)
	return out.add(&archivepb.GetPart{Part: &archivepb.GetPart_Failure{Failure: failure}}, proto.Size(failure))
}

// failure is what is wrong with one row.
func (s *server) failure(id sdk.Tombstone, err error) *archivepb.Failure {
	e := sdk.AsError(err)
	return &archivepb.Failure{Tombstone: id[:], Message: s.secrets.text(e), Error: s.secrets.detail(e)}
}

// List implements the RPC of that name.
func (s *server) List(r *archivepb.ListRequest, stream grpc.ServerStreamingServer[archivepb.ListFrame]) error {
	b, ctx, leave, err := stateOf(stream.Context()).enter(stream.Context())
	if err != nil {
		return err
	}
	defer leave()
	query, err := toQuery(r)
	if err != nil {
		return err
	}
	out := &packer[*archivepb.ListPart]{fresh: s.observed, send: func(parts []*archivepb.ListPart) error {
		return stream.Send(&archivepb.ListFrame{Parts: parts})
	}}
	for entry, err := range b.List(ctx, query) {
		if err != nil {
			return err
		}
		if err := s.sendEntry(out, &entry, query.OfArchive); err != nil {
			return err
		}
	}
	if err := out.add(&archivepb.ListPart{Part: &archivepb.ListPart_All{All: &archivepb.End{}}}, 0); err != nil {
		return err
	}
	return out.flush()
}

// sendEntry sends an entry, its events and its holds, each as a part, because
// a record's history has no bound. Of a row that cannot be read or sent it says
// so.
func (s *server) sendEntry(out *packer[*archivepb.ListPart], e *sdk.Entry, ofArchive bool) error {
	if err := checkEntry(e, ofArchive); err != nil {
		failure := s.failure(e.Record.Tombstone, err)
		return out.add(&archivepb.ListPart{Part: &archivepb.ListPart_Failure{Failure: failure}}, proto.Size(failure))
	}
	m := &archivepb.Entry{}
	if !ofArchive {
		m.Record, m.Present = RecordToProto(&e.Record), e.Present
	}
	if err := out.add(&archivepb.ListPart{Part: &archivepb.ListPart_Entry{Entry: m}}, proto.Size(m)); err != nil {
		return err
	}
	for i := range e.Events {
		m := fromEvent(&e.Events[i])
		if err := out.add(&archivepb.ListPart{Part: &archivepb.ListPart_Event{Event: m}}, proto.Size(m)); err != nil {
			return err
		}
	}
	for i := range e.Holds {
		m := fromHold(&e.Holds[i])
		if err := out.add(&archivepb.ListPart{Part: &archivepb.ListPart_Hold{Hold: m}}, proto.Size(m)); err != nil {
			return err
		}
	}
	return nil
}
