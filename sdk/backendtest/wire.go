package backendtest

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"github.com/codex-archive/codex/sdk/plugin"
)

func wireRules() []Rule {
	return []Rule{
		must("WIRE-01", "Describe answers before anything is open, the same each time: a name that a program can have, the protocol, schemes, limits.", description, needsWire),
		must("WIRE-10", "A program that is called codex-archive-NAME describes itself by NAME.", func(t *T) {
			file := strings.TrimSuffix(filepath.Base(t.target.Program.Path), ".exe")
			name, ok := strings.CutPrefix(file, "codex-archive-")
			if !ok {
				t.Skipf("a program that is called codex-archive-NAME, not %s", file)
			}
			d, err := t.connect(setup{}).Describe(t.ctx)
			if err != nil {
				t.Fatalf("describe: %v", err)
			}
			if d.Name != name {
				t.Errorf("the program %s describes itself as %q, want %q", file, d.Name, name)
			}
		}, needsProgram),
		must("WIRE-02", "A host of another protocol is refused as Unsupported.", func(t *T) {
			t.opensWith(func(r *archivepb.OpenRequest) { r.Protocol = 99 }, sdk.Unsupported)
		}, needsWire),
		must("WIRE-03", "Fields that the backend does not know are ignored.", unknownFields, needsWire),
		must("WIRE-04", "Parts of a Put mean the same however they are packed: one to a frame, with empty frames between.", func(t *T) {
			s := []sample{t.item(100), t.item(0), t.item(sdk.ChunkSize + 1)}
			t.put(t.openOver(setup{dial: altered(func(p *archivepb.PutPart) []*archivepb.PutPart { return []*archivepb.PutPart{p} })}), s...)
			t.same(t.backend(), s...)
		}, needsWire),
		must("WIRE-05", "A Put whose stream ends without a commit is Canceled and leaves nothing.", func(t *T) {
			t.putFails(isCommit, nothing, sdk.Unavailable) // as the host says it, which has canceled nothing
		}, needsWire),
		must("WIRE-06", "A commit for more or fewer items than came is Corrupt and leaves nothing.", func(t *T) {
			for _, off := range []int32{-1, 1} {
				t.putFails(isCommit, func(p *archivepb.PutPart) []*archivepb.PutPart {
					n := uint32(int32(p.GetCommit().GetItems()) + off)
					return []*archivepb.PutPart{{Part: &archivepb.PutPart_Commit{Commit: &archivepb.Commit{Items: n}}}}
				}, sdk.Corrupt)
			}
		}, needsWire),
		must("WIRE-07", "The end of a body that says another size or CRC than came is Corrupt and leaves nothing.", func(t *T) {
			t.putFails(isEnd, bodyEnd(func(e *archivepb.BodyEnd) { e.StoredSize++ }), sdk.Corrupt)
			t.putFails(isEnd, bodyEnd(func(e *archivepb.BodyEnd) { e.Crc32C ^= 1 }), sdk.Corrupt)
		}, needsWire),
		must("WIRE-08", "A part that is missing, unknown or out of its place is Invalid, or Corrupt, and leaves nothing.", func(t *T) {
			for _, is := range []func(*archivepb.PutPart) bool{isHeader, isEnd} {
				t.putFails(is, nothing, sdk.Invalid, sdk.Corrupt)
				t.putFails(is, twice, sdk.Invalid, sdk.Corrupt)
				t.putFails(is, func(p *archivepb.PutPart) []*archivepb.PutPart { return []*archivepb.PutPart{{}, p} }, sdk.Invalid)
			}
			t.putFails(isHeader, bodyless, sdk.Invalid, sdk.Corrupt)
		}, needsWire),
		must("WIRE-11", "A connection has one archive, from Open to Drain: a second Open is Invalid, and so is every call but Describe before and after. Another Drain is success.", oneArchive, needsWire),
		must("WIRE-09", "A chunk that Get sends has at most ChunkSize bytes.", func(t *T) {
			largest := 0
			b := t.openOver(setup{dial: (&tap{got: func(f *archivepb.GetFrame) {
				for _, p := range f.GetParts() {
					largest = max(largest, len(p.GetChunk()))
				}
			}}).options()})
			s := []sample{t.item(100), t.item(5*sdk.ChunkSize + 1)}
			t.put(b, s...)
			t.same(b, s...)
			if largest == 0 || largest > sdk.ChunkSize {
				t.Errorf("the largest chunk has %d bytes, allowed %d", largest, sdk.ChunkSize)
			}
		}, needsWire),
	}
}

func description(t *T) {
	process := t.connect(setup{})
	var first plugin.Description
	for i := range 2 {
		d, err := process.Describe(t.ctx)
		if err != nil {
			t.Fatalf("describe: %v", err)
		}
		if i == 0 {
			first = d
		}
		same := d.Name == first.Name && d.Version == first.Version && slices.Equal(d.Schemes, first.Schemes)
		if !same || !sdk.ValidBackendName(d.Name) || d.Version == "" || len(d.Schemes) == 0 || slices.Contains(d.Schemes, "") {
			t.Errorf("it describes itself as %+v, before as %+v", d, first)
		}
		if d.Protocol != sdk.ProtocolVersion || d.MaxItems != sdk.MaxItems || d.ChunkSize != sdk.ChunkSize {
			t.Errorf("protocol %d, items %d, chunk %d; want %d, %d, %d", d.Protocol, d.MaxItems, d.ChunkSize,
				sdk.ProtocolVersion, sdk.MaxItems, sdk.ChunkSize)
		}
	}
}

// oneArchive makes calls that no host makes, on a connection without an archive.
func oneArchive(t *T) {
	t.need(canOpen)
	var raw archivepb.ArchiveClient
	process := t.connect(setup{dial: (&tap{conn: func(c *grpc.ClientConn) { raw = archivepb.NewArchiveClient(c) }}).options()})
	if _, err := process.Describe(t.ctx); err != nil {
		t.Fatalf("describe: %v", err)
	}
	t.withoutArchive("before Open", raw)
	o := t.target.options(sdk.Options{URL: t.url, Mode: sdk.ReadWrite})
	if _, err := process.Open(t.ctx, o); err != nil {
		t.Fatalf("open: %v", err)
	}
	_, err := raw.Open(t.ctx, &archivepb.OpenRequest{
		Url: []byte(o.URL), Password: []byte(o.Password), Dir: []byte(o.Dir), Mode: archivepb.Mode_MODE_READ_WRITE,
		Parallel: uint32(o.Parallel), Protocol: uint32(process.Description().Protocol),
	})
	t.invalid("a second Open", err)
	for range 2 {
		if _, err := raw.Drain(t.ctx, &archivepb.DrainRequest{}); err != nil {
			t.Errorf("drain: %v", err)
		}
	}
	t.withoutArchive("after Drain", raw)
}

// withoutArchive checks that no call is answered.
func (t *T) withoutArchive(when string, raw archivepb.ArchiveClient) {
	_, err := raw.Missing(t.ctx, &archivepb.MissingRequest{})
	t.invalid("Missing "+when, err)
	_, err = raw.Append(t.ctx, &archivepb.AppendRequest{})
	t.invalid("Append "+when, err)
	_, err = raw.Purge(t.ctx, &archivepb.PurgeRequest{})
	t.invalid("Purge "+when, err)
	_, err = raw.Health(t.ctx, &archivepb.HealthRequest{})
	t.invalid("Health "+when, err)
	put, err := raw.Put(t.ctx)
	if err == nil {
		_, err = put.CloseAndRecv()
	}
	t.invalid("Put "+when, err)
	get, err := raw.Get(t.ctx, &archivepb.GetRequest{})
	if err == nil {
		_, err = get.Recv()
	}
	t.invalid("Get "+when, err)
	list, err := raw.List(t.ctx, &archivepb.ListRequest{})
	if err == nil {
		_, err = list.Recv()
	}
	t.invalid("List "+when, err)
}

// invalid checks the status of a call that was made past the host's half.
func (t *T) invalid(what string, err error) {
	if got := status.Code(err); got != codes.InvalidArgument {
		t.Errorf("%s: %v (%v), want %v", what, got, err, codes.InvalidArgument)
	}
}

// opensWith opens the archive with a request that change has altered.
func (t *T) opensWith(change func(*archivepb.OpenRequest), want sdk.Kind) {
	_, err := t.tryOpenOver(sdk.Options{URL: t.url, Mode: sdk.ReadWrite}, setup{dial: (&tap{open: change}).options()})
	if err == nil {
		t.Errorf("it opened the archive, want %v", want)
		return
	}
	t.kind(err, want)
}

// future is a field that no version has, in the form of the wire.
var future = protowire.AppendString(protowire.AppendTag(nil, 15000, protowire.BytesType), "of a later version")

func unknownFields(t *T) {
	s := []sample{t.item(100), t.item(sdk.ChunkSize + 1)}
	add := func(m proto.Message) { m.ProtoReflect().SetUnknown(future) }
	wire := &tap{
		open: func(r *archivepb.OpenRequest) { add(r) },
		put: func(f *archivepb.PutFrame) []*archivepb.PutFrame {
			add(f)
			for _, p := range f.GetParts() {
				if h := p.GetHeader(); h != nil {
					add(h)
					add(h.GetRecord())
					add(h.GetRecord().GetContent())
				}
				if c := p.GetCommit(); c != nil {
					add(c)
				}
			}
			return []*archivepb.PutFrame{f}
		},
	}
	b := t.openOver(setup{dial: wire.options()})
	t.put(b, s...)
	t.same(b, s...)
}

func isHeader(p *archivepb.PutPart) bool { return p.GetHeader() != nil }
func isEnd(p *archivepb.PutPart) bool    { return p.GetEnd() != nil }
func isCommit(p *archivepb.PutPart) bool { return p.GetCommit() != nil }

// Ways to alter a part.
func nothing(*archivepb.PutPart) []*archivepb.PutPart { return nil }
func twice(p *archivepb.PutPart) []*archivepb.PutPart { return []*archivepb.PutPart{p, p} }

func bodyless(p *archivepb.PutPart) []*archivepb.PutPart {
	p.GetHeader().Body = false
	return []*archivepb.PutPart{p}
}

func bodyEnd(change func(*archivepb.BodyEnd)) func(*archivepb.PutPart) []*archivepb.PutPart {
	return func(p *archivepb.PutPart) []*archivepb.PutPart {
		change(p.GetEnd())
		return []*archivepb.PutPart{p}
	}
}

// putFails puts three items, with the last part of the kind that is chooses
// altered, and checks that this fails in one of kinds, that nothing is visible,
// and that the same Put, unaltered, is fine afterwards.
func (t *T) putFails(is func(*archivepb.PutPart) bool, alter func(*archivepb.PutPart) []*archivepb.PutPart, kinds ...sdk.Kind) {
	s := t.items(3)
	for i := range s {
		s[i].Content.StoredSize = -1 // so that only the end of a body proves it
	}
	last := len(s)
	if is(&archivepb.PutPart{Part: &archivepb.PutPart_Commit{Commit: &archivepb.Commit{}}}) {
		last = 1
	}
	seen := 0
	b := t.openOver(setup{dial: altered(func(p *archivepb.PutPart) []*archivepb.PutPart {
		if !is(p) {
			return []*archivepb.PutPart{p}
		}
		if seen++; seen < last {
			return []*archivepb.PutPart{p}
		}
		return alter(p)
	})})
	stored, err := b.Put(t.ctx, sequence(s...))
	if err == nil || !slices.Contains(kinds, sdk.KindOf(err)) {
		t.Errorf("put answered %d items and %v, want one of %v", len(stored), err, kinds)
	}
	fresh := t.backend()
	t.unseen(fresh, s...)
	t.missing(fresh, s...)
	t.put(fresh, s...)
}

// altered returns the options of a connection on which each part of a Put goes
// out in a frame of its own, behind an empty frame, as change makes it.
func altered(change func(*archivepb.PutPart) []*archivepb.PutPart) []grpc.DialOption {
	wire := &tap{put: func(f *archivepb.PutFrame) []*archivepb.PutFrame {
		var frames []*archivepb.PutFrame
		for _, p := range f.GetParts() {
			for _, q := range change(p) {
				frames = append(frames, &archivepb.PutFrame{}, &archivepb.PutFrame{Parts: []*archivepb.PutPart{q}})
			}
		}
		return frames
	}}
	return wire.options()
}

// tap is on the wire between the kit and a backend.
type tap struct {
	conn func(*grpc.ClientConn)                          // is shown the connection; may be nil
	open func(*archivepb.OpenRequest)                    // alters a request; may be nil
	put  func(*archivepb.PutFrame) []*archivepb.PutFrame // what goes out in place of a frame; may be nil
	sent func(n int, commit bool)                        // is told that the n-th frame of a Put went out, and whether with the commit; may be nil
	got  func(*archivepb.GetFrame)                       // is shown what comes; may be nil
	fail func(error)                                     // is shown each error as it came, before the host's half has scrubbed it; may be nil
}

func (p *tap) options() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(p.unary), grpc.WithChainStreamInterceptor(p.stream)}
}

func (p *tap) unary(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, o ...grpc.CallOption) error {
	if open, ok := request.(*archivepb.OpenRequest); ok && p.open != nil {
		p.open(open)
	}
	if p.conn != nil {
		p.conn(conn)
	}
	err := call(ctx, method, request, reply, conn, o...)
	p.failed(err)
	return err
}

func (p *tap) failed(err error) {
	if err != nil && p.fail != nil {
		p.fail(err)
	}
}

func (p *tap) stream(ctx context.Context, d *grpc.StreamDesc, conn *grpc.ClientConn, method string, make grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := make(ctx, d, conn, method, o...)
	if err != nil {
		return nil, err
	}
	return &tapped{s, p, 0}, nil
}

// tapped is one stream.
type tapped struct {
	grpc.ClientStream
	tap    *tap
	frames int // sent
}

// SendMsg implements [grpc.ClientStream].
func (s *tapped) SendMsg(message any) error {
	frame, ok := message.(*archivepb.PutFrame)
	if !ok {
		return s.ClientStream.SendMsg(message)
	}
	frames := []*archivepb.PutFrame{frame}
	if s.tap.put != nil {
		frames = s.tap.put(frame)
	}
	for _, f := range frames {
		if err := s.ClientStream.SendMsg(f); err != nil {
			return err
		}
		s.frames++
		if s.tap.sent != nil {
			s.tap.sent(s.frames, slices.ContainsFunc(f.GetParts(), isCommit))
		}
	}
	return nil
}

// RecvMsg implements [grpc.ClientStream].
func (s *tapped) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	s.tap.failed(err)
	if frame, ok := message.(*archivepb.GetFrame); ok && err == nil && s.tap.got != nil {
		s.tap.got(frame)
	}
	return err
}
