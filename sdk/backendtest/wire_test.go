package backendtest_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/codex-archive/codex/sdk/archivepb"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/memory"
	"github.com/codex-archive/codex/sdk/plugin"
)

// The backends below speak the protocol with one fault each: the reference
// behind a server that alters what comes or goes.

var wireFaults = []struct {
	name  string
	rule  string
	wire  wireFault
	clean string // a rule that a backend with this fault still passes
}{
	{"forgets the end of a Get", "GET-01", wireFault{send: withoutGetEnd}, "LIST-01"},
	{"forgets the end of a List", "LIST-01", wireFault{send: withoutListEnd}, "GET-01"},
	{"takes the end of a stream for a commit", "WIRE-05", wireFault{recv: eagerly}, "PUT-01"},
	{"does not count what a commit counts", "WIRE-06", wireFault{recv: uncounted}, "WIRE-05"},
	{"believes the end of a body", "WIRE-07", wireFault{recv: believing}, "WIRE-05"},
	{"passes over parts that it does not know", "WIRE-08", wireFault{recv: tolerant}, "WIRE-05"},
	{"takes one frame for one item", "WIRE-04", wireFault{recv: needsWholeItems}, "WIRE-02"},
	{"chokes on a field of a later version", "WIRE-03", wireFault{unary: strict}, "WIRE-02"},
	{"speaks to hosts of any version", "WIRE-02", wireFault{unary: polyglot}, "WIRE-03"},
	{"sends bodies in large chunks", "WIRE-09", wireFault{send: merged}, "WIRE-05"},
	{"describes itself differently each time", "WIRE-01", wireFault{unary: fickle}, "WIRE-02"},
	{"answers without an archive", "WIRE-11", wireFault{unary: forgiving("Health")}, "WIRE-02"},
	{"opens twice", "WIRE-11", wireFault{unary: forgiving("Open")}, "WIRE-05"},
	{"drains once", "WIRE-11", wireFault{unary: drainsOnce}, "CLOSE-01"},
	{"tells its URL in plain statuses", "SECRET-01", wireFault{unary: gossip}, "PUT-01"},
}

func TestBrokenWires(t *testing.T) {
	for _, f := range wireFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			target := backendtest.Target{Address: "tcp:" + serveFaulty(t, f.wire), URL: memoryTarget().URL}
			catches(t, target, f.rule)
			if r := runOnly(t, target, f.clean); r.Status != backendtest.Passed {
				t.Errorf("%s, which has nothing to do with the fault: %s\n%s", f.clean, r.Status, r.Why)
			}
		})
	}
}

func catches(t *testing.T, target backendtest.Target, rule string) {
	t.Helper()
	r := runOnly(t, target, rule)
	if r.Status != backendtest.Failed {
		t.Errorf("%s did not catch it: %s %s", rule, r.Status, r.Why)
	}
	t.Logf("%s says:\n%s", rule, r.Why)
}

// runOnly runs one rule.
func runOnly(t *testing.T, target backendtest.Target, rule string) backendtest.Result {
	t.Helper()
	o := backendtest.Options{Run: func(id string) bool { return id == rule }}
	rep, err := backendtest.RunRules(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Results) != 1 {
		t.Fatalf("%d rules are called %s", len(rep.Results), rule)
	}
	return rep.Results[0]
}

// wireFault is what a server does to messages. Its functions may be nil.
type wireFault struct {
	recv  func(*faultyStream, *archivepb.PutFrame, error) error // after a frame came, or none did
	send  func(message any)                                     // before a frame goes
	unary grpc.UnaryServerInterceptor
}

// serveFaulty serves the reference backend until t ends.
func serveFaulty(t *testing.T, f wireFault) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options := []grpc.ServerOption{grpc.ChainStreamInterceptor(func(service any, s grpc.ServerStream, _ *grpc.StreamServerInfo, call grpc.StreamHandler) error {
		return call(service, &faultyStream{ServerStream: s, fault: f})
	})}
	if f.unary != nil {
		options = append(options, grpc.ChainUnaryInterceptor(f.unary))
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- plugin.ServeListener(ctx, memory.Driver(), l, options...) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}

// faultyStream is one stream, and what a fault remembers of it.
type faultyStream struct {
	grpc.ServerStream
	fault     wireFault
	committed bool
	items     uint32
	size      int64
	crc       uint32
}

func (s *faultyStream) RecvMsg(message any) error {
	err := s.ServerStream.RecvMsg(message)
	if frame, ok := message.(*archivepb.PutFrame); ok && s.fault.recv != nil {
		return s.fault.recv(s, frame, err)
	}
	return err
}

func (s *faultyStream) SendMsg(message any) error {
	if s.fault.send != nil {
		s.fault.send(message)
	}
	return s.ServerStream.SendMsg(message)
}

func withoutGetEnd(message any) {
	if frame, ok := message.(*archivepb.GetFrame); ok {
		if last := len(frame.Parts) - 1; last >= 0 && frame.Parts[last].GetAll() != nil {
			frame.Parts = frame.Parts[:last]
		}
	}
}

func withoutListEnd(message any) {
	if frame, ok := message.(*archivepb.ListFrame); ok {
		if last := len(frame.Parts) - 1; last > 0 && frame.Parts[last].GetAll() != nil {
			frame.Parts = frame.Parts[:last]
		}
	}
}

// eagerly makes up the commit that did not come.
func eagerly(s *faultyStream, frame *archivepb.PutFrame, err error) error {
	for _, p := range frame.GetParts() {
		if p.GetEnd() != nil {
			s.items++
		}
		s.committed = s.committed || p.GetCommit() != nil
	}
	if err == io.EOF && !s.committed {
		s.committed = true
		frame.Parts = []*archivepb.PutPart{{Part: &archivepb.PutPart_Commit{Commit: &archivepb.Commit{Items: s.items}}}}
		return nil
	}
	return err
}

// uncounted makes each commit count what came.
func uncounted(s *faultyStream, frame *archivepb.PutFrame, err error) error {
	for _, p := range frame.GetParts() {
		if p.GetEnd() != nil {
			s.items++
		}
		if c := p.GetCommit(); c != nil {
			c.Items = s.items
		}
	}
	return err
}

// believing makes each body what its end says.
func believing(s *faultyStream, frame *archivepb.PutFrame, err error) error {
	for _, p := range frame.GetParts() {
		if p.GetHeader() != nil {
			s.size, s.crc = 0, 0
		}
		s.size += int64(len(p.GetChunk()))
		s.crc = crc32.Update(s.crc, crc32.MakeTable(crc32.Castagnoli), p.GetChunk())
		if e := p.GetEnd(); e != nil {
			e.StoredSize, e.Crc32C = s.size, s.crc
		}
	}
	return err
}

func tolerant(_ *faultyStream, frame *archivepb.PutFrame, err error) error {
	var known []*archivepb.PutPart
	for _, p := range frame.GetParts() {
		if p.GetPart() != nil {
			known = append(known, p)
		}
	}
	frame.Parts = known
	return err
}

func needsWholeItems(_ *faultyStream, frame *archivepb.PutFrame, err error) error {
	if err == nil && len(frame.GetParts()) == 0 {
		return status.Error(codes.InvalidArgument, "an empty frame")
	}
	return err
}

func strict(ctx context.Context, request any, _ *grpc.UnaryServerInfo, call grpc.UnaryHandler) (any, error) {
	if open, ok := request.(*archivepb.OpenRequest); ok && len(open.ProtoReflect().GetUnknown()) > 0 {
		return nil, status.Error(codes.InvalidArgument, "an unknown field")
	}
	return call(ctx, request)
}

func polyglot(ctx context.Context, request any, _ *grpc.UnaryServerInfo, call grpc.UnaryHandler) (any, error) {
	if open, ok := request.(*archivepb.OpenRequest); ok {
		open.Protocol = 1
	}
	return call(ctx, request)
}

// merged puts the chunks of a frame together with more of the same.
func merged(message any) {
	frame, ok := message.(*archivepb.GetFrame)
	if !ok {
		return
	}
	for _, p := range frame.Parts {
		if chunk, ok := p.GetPart().(*archivepb.GetPart_Chunk); ok {
			chunk.Chunk = append(chunk.Chunk[:len(chunk.Chunk):len(chunk.Chunk)], make([]byte, 1<<20)...)
		}
	}
}

var described atomic.Int64

func fickle(ctx context.Context, request any, _ *grpc.UnaryServerInfo, call grpc.UnaryHandler) (any, error) {
	reply, err := call(ctx, request)
	if d, ok := reply.(*archivepb.DescribeReply); ok {
		d.Description.Version = strconv.FormatInt(described.Add(1), 10)
	}
	return reply, err
}

// forgiving answers a call that is invalid.
func forgiving(method string) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, call grpc.UnaryHandler) (any, error) {
		reply, err := call(ctx, request)
		if path.Base(info.FullMethod) != method || status.Code(err) != codes.InvalidArgument {
			return reply, err
		}
		if method == "Open" {
			return &archivepb.OpenReply{}, nil
		}
		return &archivepb.HealthReply{}, nil
	}
}

// drained are the connections that were drained, by the address of the other side.
var drained sync.Map

func drainsOnce(ctx context.Context, request any, _ *grpc.UnaryServerInfo, call grpc.UnaryHandler) (any, error) {
	if _, ok := request.(*archivepb.DrainRequest); ok {
		p, _ := peer.FromContext(ctx)
		if _, twice := drained.LoadOrStore(p.Addr.String(), true); twice {
			return nil, status.Error(codes.InvalidArgument, "the archive is closed")
		}
	}
	return call(ctx, request)
}

func gossip(ctx context.Context, request any, _ *grpc.UnaryServerInfo, call grpc.UnaryHandler) (any, error) {
	reply, err := call(ctx, request)
	if open, ok := request.(*archivepb.OpenRequest); ok && err != nil {
		err = status.Error(codes.NotFound, fmt.Sprintf("cannot open %s", open.GetUrl()))
	}
	return reply, err
}
