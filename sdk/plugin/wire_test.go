package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"github.com/codex-archive/codex/sdk/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// dial serves d on a socket and returns a connection to it.
func dial(t testing.TB, d sdk.Driver) *Process {
	t.Helper()
	address, end := serveHere(t, d)
	t.Cleanup(end)
	return attach(t, address)
}

// serveHere serves d on a socket, until end is called.
func serveHere(t testing.TB, d sdk.Driver) (address net.Addr, end func()) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(shortDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- ServeListener(ctx, d, l) }() // ends with ctx
	return l.Addr(), func() {
		t.Helper()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

func attach(t testing.TB, a net.Addr) *Process {
	t.Helper()
	p, err := Attach(t.Context(), a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func open(t testing.TB, p *Process) sdk.Backend {
	t.Helper()
	b, err := p.Open(t.Context(), sdk.Options{URL: "memory://x", Mode: sdk.Create, Parallel: 8})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEveryKindThereAndBack sends an error of each kind, with each field, from
// every method that can return one.
func TestEveryKindThereAndBack(t *testing.T) {
	var send *sdk.Error
	b := open(t, dial(t, driver(&faulty{
		health: func() (sdk.Health, error) { return sdk.Health{}, send },
		put: func(items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
			for range items {
			}
			return nil, send
		},
		get: func(ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
			return func(yield func(sdk.GetResult, error) bool) {
				if yield(sdk.GetResult{Record: sdk.Record{Tombstone: ids[0]}, Err: send}, nil) {
					yield(sdk.GetResult{}, send)
				}
			}
		},
	})))
	for i, kind := range sdk.Kinds() {
		if kind == sdk.Canceled {
			continue // see TestOnlyTheCallerCancels
		}
		send = &sdk.Error{
			Kind: kind, Op: "op", Msg: "what happened ✓", Retry: i%2 == 0, Effect: sdk.Effect(i % 3), Native: "4000" + string(rune('0'+i%10)),
			Tombstones: []sdk.Tombstone{{1}, {2}}, Err: errors.New("stays inside"),
		}
		want := *send
		want.Err = nil
		check := func(where string, err error) {
			if got, ok := err.(*sdk.Error); !ok || !reflect.DeepEqual(*got, want) {
				t.Errorf("%v from %s: %+v, want %+v", kind, where, err, want)
			}
		}
		_, err := b.Health(t.Context())
		check("health", err)
		_, err = b.Put(t.Context(), sequence())
		check("put", err)
		for found, err := range b.Get(t.Context(), []sdk.Tombstone{{1}, {2}}) {
			if err != nil {
				check("get", err)
			} else {
				check("found", found.Err)
			}
		}
	}
}

func TestEveryKindHasACode(t *testing.T) {
	hidden := &secrets{}
	for _, kind := range sdk.Kinds() {
		code, ok := codeOf[kind]
		if !ok {
			t.Errorf("%v has no code", kind)
		}
		if got := status.Code(hidden.toStatus(&sdk.Error{Kind: kind})); got != code {
			t.Errorf("%v travels as %v, want %v", kind, got, code)
		}
		if name, want := archivepb.Kind(kind).String(), "KIND_"+strings.ToUpper(kind.String()); name != want {
			t.Errorf("on the wire %v is %s", kind, name)
		}
	}
	if archivepb.Kind(len(sdk.Kinds())+1).String() != fmt.Sprint(len(sdk.Kinds())+1) {
		t.Error("the wire knows a kind that package sdk does not")
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		if _, ok := kindOf[code]; !ok {
			t.Errorf("%v has no kind", code)
		}
	}
}

// TestTimeoutOfTheOtherSide: gRPC's words for a deadline that the backend's
// clock saw first are nothing for people; a backend's own are kept.
func TestTimeoutOfTheOtherSide(t *testing.T) {
	for said, want := range map[string]string{
		"stream terminated by RST_STREAM with error code: CANCEL": "the time allowed is over",
		"the tape is slow": "the tape is slow",
	} {
		e, detailed := fromStatus(status.Error(codes.DeadlineExceeded, said))
		if e.Kind != sdk.Timeout || !e.Retry || e.Msg != want || detailed {
			t.Errorf("%q: %+v, want %q", said, e, want)
		}
	}
}

func TestErrorsOfEveryShape(t *testing.T) {
	tests := map[string]struct {
		err  error
		kind sdk.Kind
		says string
	}{
		"plain":        {errors.New("plain"), sdk.Internal, "health: plain"},
		"wrapped":      {fmt.Errorf("around: %w", sdk.Errorf(sdk.Busy, "busy")), sdk.Busy, "busy"},
		"canceled":     {context.Canceled, sdk.Unavailable, "health: the backend ended the call: context canceled"},
		"unknown kind": {&sdk.Error{Kind: 999, Msg: "from the future"}, 999, "from the future"},
		"not UTF-8":    {sdk.Errorf(sdk.Invalid, "a\xffb"), sdk.Invalid, "a\uFFFDb"},
		"many lines":   {sdk.Errorf(sdk.Invalid, "a\nb\x1b"), sdk.Invalid, "health: ab"},
		"cause only":   {&sdk.Error{Kind: sdk.PermissionDenied, Err: errors.New("the cause")}, sdk.PermissionDenied, "the cause"},
		"very long":    {sdk.Errorf(sdk.Full, "%s", strings.Repeat("ü", 1<<20)), sdk.Full, "üü…"},
		"nothing":      {&sdk.Error{Kind: sdk.Full}, sdk.Full, "health: full"},
		"many culprits": {&sdk.Error{Kind: sdk.Conflict, Msg: "taken", Tombstones: make([]sdk.Tombstone, 1000)},
			sdk.Conflict, fmt.Sprintf("and %d more", sdk.MaxCulprits-3)},
	}
	var send error
	b := open(t, dial(t, driver(&faulty{health: func() (sdk.Health, error) { return sdk.Health{}, send }})))
	for name, test := range tests {
		send = test.err
		_, err := b.Health(t.Context())
		if sdk.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) || len(err.Error()) > maxText+1000 {
			t.Errorf("%s: kind %v: %.200v", name, sdk.KindOf(err), err)
		}
	}
}

// foreign is a backend in another language: it sets what it likes.
type foreign struct {
	archivepb.UnimplementedArchiveServer
	err      error
	protocol uint32
	get      []*archivepb.GetPart
	list     []*archivepb.ListPart
	put      *archivepb.PutReply
	early    bool // answer Put at once
	endless  bool // the last part of get or list is sent again and again
}

// sent sends parts, each in a frame of its own.
func sent[P any](f *foreign, parts []P, send func(P) error) error {
	for _, part := range parts {
		if err := send(part); err != nil {
			return err
		}
	}
	for f.endless {
		if err := send(parts[len(parts)-1]); err != nil {
			return err
		}
	}
	return f.err
}

func (f *foreign) Open(context.Context, *archivepb.OpenRequest) (*archivepb.OpenReply, error) {
	return &archivepb.OpenReply{Description: &archivepb.Description{Protocol: f.protocol}}, nil
}

func (f *foreign) Drain(context.Context, *archivepb.DrainRequest) (*archivepb.DrainReply, error) {
	return &archivepb.DrainReply{}, nil
}

func (f *foreign) Health(context.Context, *archivepb.HealthRequest) (*archivepb.HealthReply, error) {
	return &archivepb.HealthReply{}, f.err
}

func (f *foreign) Missing(context.Context, *archivepb.MissingRequest) (*archivepb.MissingReply, error) {
	return &archivepb.MissingReply{}, f.err
}

func (f *foreign) Purge(context.Context, *archivepb.PurgeRequest) (*archivepb.PurgeReply, error) {
	return &archivepb.PurgeReply{}, f.err
}

func (f *foreign) Append(context.Context, *archivepb.AppendRequest) (*archivepb.AppendReply, error) {
	return &archivepb.AppendReply{}, f.err
}

func (f *foreign) Put(stream grpc.ClientStreamingServer[archivepb.PutFrame, archivepb.PutReply]) error {
	for !f.early {
		if _, err := stream.Recv(); err != nil {
			break
		}
	}
	if f.err != nil {
		return f.err
	}
	return stream.SendAndClose(f.put)
}

func (f *foreign) Get(_ *archivepb.GetRequest, stream grpc.ServerStreamingServer[archivepb.GetFrame]) error {
	return sent(f, f.get, func(part *archivepb.GetPart) error {
		return stream.Send(&archivepb.GetFrame{Parts: slices.DeleteFunc([]*archivepb.GetPart{part}, func(p *archivepb.GetPart) bool { return p == nil })})
	})
}

func (f *foreign) List(_ *archivepb.ListRequest, stream grpc.ServerStreamingServer[archivepb.ListFrame]) error {
	return sent(f, f.list, func(part *archivepb.ListPart) error {
		return stream.Send(&archivepb.ListFrame{Parts: slices.DeleteFunc([]*archivepb.ListPart{part}, func(p *archivepb.ListPart) bool { return p == nil })})
	})
}

// serveForeign returns an opened connection to f.
func serveForeign(t *testing.T, f *foreign) sdk.Backend {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(shortDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	archivepb.RegisterArchiveServer(g, f)
	go g.Serve(l)
	t.Cleanup(g.Stop)
	return open(t, attach(t, l.Addr()))
}

// TestCodesWithoutDetail is the table of archive.proto.
func TestCodesWithoutDetail(t *testing.T) {
	f := &foreign{protocol: sdk.ProtocolVersion, put: &archivepb.PutReply{}}
	b := serveForeign(t, f)
	for code, want := range kindOf {
		f.err = status.Error(code, "by its code")
		for op, effect := range map[string]sdk.Effect{"health": sdk.EffectNone, "append": sdk.EffectMaybe, "put": sdk.EffectMaybe} {
			var err error
			switch op {
			case "health":
				_, err = b.Health(t.Context())
			case "append":
				err = b.Append(t.Context(), nil)
			case "put":
				_, err = b.Put(t.Context(), sequence())
			}
			if want.surely {
				effect = sdk.EffectNone
			}
			if want.kind == sdk.Canceled { // not by the caller
				want.kind = sdk.Unavailable
			}
			e, ok := err.(*sdk.Error)
			if !ok || e.Kind != want.kind || e.Retry != want.kind.Temporary() || e.Effect != effect || e.Op != op {
				t.Errorf("%v from %s: %+v, want %v with effect %v", code, op, err, want.kind, effect)
			}
		}
	}
}

func TestNotFoundFromOpen(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(shortDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(grpc.UnaryInterceptor(func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
		return nil, status.Error(codes.NotFound, "no such file")
	}))
	archivepb.RegisterArchiveServer(g, &foreign{})
	go g.Serve(l)
	t.Cleanup(g.Stop)
	_, err = attach(t, l.Addr()).Open(t.Context(), sdk.Options{})
	if sdk.KindOf(err) != sdk.NoArchive {
		t.Errorf("%v", err)
	}
}

func TestOtherProtocol(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(shortDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	archivepb.RegisterArchiveServer(g, &foreign{protocol: 2})
	go g.Serve(l)
	t.Cleanup(g.Stop)
	_, err = attach(t, l.Addr()).Open(t.Context(), sdk.Options{})
	if sdk.KindOf(err) != sdk.NotStarted {
		t.Errorf("kind %v", sdk.KindOf(err))
	}
	oneLine(t, err, "this plugin speaks protocol 2, this host 1")

	// And a host of another version is refused by ours.
	p := dial(t, memory.Driver())
	_, err = p.stub.Open(t.Context(), &archivepb.OpenRequest{Protocol: 2, Url: []byte("memory://x")})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "speaks protocol 1, this host 2") {
		t.Errorf("%v", err)
	}
}

// TestOnlyTheCallerCancels: whatever a backend answers, and whatever Close cuts
// off, is not an error of kind Canceled while the caller's context lasts.
func TestOnlyTheCallerCancels(t *testing.T) {
	r := record(1, []byte("a"))
	canceled := &archivepb.ErrorDetail{Kind: archivepb.Kind_KIND_CANCELED}
	failure := &archivepb.Failure{Tombstone: r.Tombstone[:], Error: canceled}
	answer, err := status.New(codes.Canceled, "for a reason of its own").WithDetails(canceled)
	if err != nil {
		t.Fatal(err)
	}
	f := &foreign{
		protocol: sdk.ProtocolVersion, err: answer.Err(),
		get:  []*archivepb.GetPart{{Part: &archivepb.GetPart_Failure{Failure: failure}}},
		list: []*archivepb.ListPart{{Part: &archivepb.ListPart_Failure{Failure: failure}}},
	}
	b := serveForeign(t, f)
	for name, call := range calls(t.Context(), r) {
		if err := call(b); sdk.KindOf(err) != sdk.Unavailable || errors.Is(err, context.Canceled) {
			t.Errorf("%s answered Canceled: %+v", name, err)
		}
	}
}

// TestCloseIsNoInterrupt: a call that Close cuts off says that the archive is
// closed.
func TestCloseIsNoInterrupt(t *testing.T) {
	for _, name := range []string{"health", "get", "list"} {
		entered, release := make(chan struct{}), make(chan struct{})
		hang := func() { close(entered); <-release }
		b := open(t, dial(t, driver(&faulty{
			health: func() (sdk.Health, error) { hang(); return sdk.Health{}, nil },
			get: func([]sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
				hang()
				return func(func(sdk.GetResult, error) bool) {}
			},
			list: func() iter.Seq2[sdk.Entry, error] { hang(); return func(func(sdk.Entry, error) bool) {} },
		})))
		closed := make(chan error)
		go func() {
			<-entered
			closed <- b.Close()
		}()
		err := calls(t.Context(), record(1, nil))[name](b)
		if sdk.KindOf(err) != sdk.Invalid || errors.Is(err, context.Canceled) {
			t.Errorf("%s cut off by Close: %+v", name, err)
		}
		close(release)
		if err := <-closed; err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}

// calls are the methods of a backend, each with the error that it ends in.
func calls(ctx context.Context, r sdk.Record) map[string]func(sdk.Backend) error {
	return map[string]func(sdk.Backend) error{
		"health":  func(b sdk.Backend) error { _, err := b.Health(ctx); return err },
		"missing": func(b sdk.Backend) error { _, err := b.Missing(ctx, []sdk.Digest{{}}); return err },
		"append":  func(b sdk.Backend) error { return b.Append(ctx, nil) },
		"purge":   func(b sdk.Backend) error { _, err := b.Purge(ctx, sdk.Purge{Actor: "a"}); return err },
		"put":     func(b sdk.Backend) error { _, err := b.Put(ctx, sequence()); return err },
		"get": func(b sdk.Backend) (last error) {
			for found, err := range b.Get(ctx, []sdk.Tombstone{r.Tombstone}) {
				if last = err; err == nil {
					last = found.Err
				}
			}
			return last
		},
		"list": func(b sdk.Backend) (last error) {
			for entry, err := range b.List(ctx, sdk.Query{}) {
				if last = err; err == nil {
					last = entry.Err
				}
			}
			return last
		},
	}
}

// getParts are the parts of a whole answer to a Get of one record.
func getParts(r sdk.Record, body []byte) []*archivepb.GetPart {
	return []*archivepb.GetPart{
		{Part: &archivepb.GetPart_Header{Header: RecordToProto(&r)}},
		{Part: &archivepb.GetPart_Chunk{Chunk: body}},
		{Part: &archivepb.GetPart_End{End: &archivepb.BodyEnd{StoredSize: int64(len(body)), Crc32C: crc32.Checksum(body, castagnoli)}}},
		{Part: &archivepb.GetPart_All{All: &archivepb.End{}}},
	}
}

// TestTornGet takes parts out of an answer, or spoils them.
func TestTornGet(t *testing.T) {
	body := []byte("the stored bytes")
	r := record(1, body)
	whole := func() []*archivepb.GetPart { return getParts(r, body) }
	tests := map[string]struct {
		parts     []*archivepb.GetPart
		item, all sdk.Kind // what reading the body, and the whole call, end in
	}{
		"whole":         {whole(), 0, 0},
		"nothing":       {nil, 0, sdk.Unavailable},
		"no chunk":      {append(whole()[:1], whole()[2:]...), sdk.Corrupt, 0},
		"no end":        {whole()[:2], sdk.Unavailable, sdk.Unavailable},
		"no last":       {whole()[:3], 0, sdk.Unavailable},
		"chunk twice":   {append(whole()[:2], whole()[1:]...), sdk.Corrupt, 0},
		"other record":  {getParts(record(2, body), body), 0, sdk.Internal},
		"item too many": {append(whole()[:3], whole()...), 0, sdk.Internal},
		"bytes altered": {getParts(r, []byte("The stored bytes")), sdk.Corrupt, 0},
		"starts wrong":  {whole()[1:], 0, sdk.Internal},
		"header twice":  {append(whole()[:1], whole()...), sdk.Internal, sdk.Internal},
		"part unknown":  {[]*archivepb.GetPart{{}}, 0, sdk.Internal},
		"failure in the middle": {append(whole()[:2], &archivepb.GetPart{Part: &archivepb.GetPart_Failure{Failure: &archivepb.Failure{
			Tombstone: r.Tombstone[:], Message: "bad block", Error: &archivepb.ErrorDetail{Kind: archivepb.Kind_KIND_CORRUPT}}}}, whole()[3]), sdk.Corrupt, 0},
		"failure without kind": {[]*archivepb.GetPart{{Part: &archivepb.GetPart_Failure{Failure: &archivepb.Failure{Message: "x"}}}, whole()[3]}, sdk.Internal, 0},
	}
	f := &foreign{protocol: sdk.ProtocolVersion}
	b := serveForeign(t, f)
	for name, test := range tests {
		f.get = test.parts
		var item, all error
		for found, err := range b.Get(t.Context(), []sdk.Tombstone{r.Tombstone}) {
			switch {
			case err != nil:
				all = err
			case found.Err != nil:
				item = found.Err
			default:
				_, item = io.Copy(io.Discard, found.Body)
			}
		}
		if sdk.KindOf(item) != test.item || sdk.KindOf(all) != test.all {
			t.Errorf("%s: item %v, call %v; want %v, %v", name, item, all, test.item, test.all)
		}
	}
}

// listEntry is the entry of a record of body n; a higher n comes first.
func listEntry(n uint64) *archivepb.ListPart {
	r := record(n, nil)
	return &archivepb.ListPart{Part: &archivepb.ListPart_Entry{Entry: &archivepb.Entry{Record: RecordToProto(&r)}}}
}

func TestTornList(t *testing.T) {
	entry, older := listEntry(2), listEntry(1)
	hold := &archivepb.ListPart{Part: &archivepb.ListPart_Hold{Hold: &archivepb.Hold{Case: "c", PlacedBy: "me", Placed: new(int64)}}}
	last := &archivepb.ListPart{Part: &archivepb.ListPart_All{All: &archivepb.End{}}}
	f := &foreign{protocol: sdk.ProtocolVersion}
	b := serveForeign(t, f)
	for name, test := range map[string]struct {
		parts []*archivepb.ListPart
		kind  sdk.Kind
		n     int
	}{
		"whole":      {[]*archivepb.ListPart{entry, hold, older, last}, 0, 2},
		"no last":    {[]*archivepb.ListPart{entry, older}, sdk.Unavailable, 1},
		"hold first": {[]*archivepb.ListPart{hold, last}, sdk.Internal, 0},
		"unknown":    {[]*archivepb.ListPart{entry, {}, last}, sdk.Internal, 0},
	} {
		f.list = test.parts
		n := 0
		var last error
		for _, err := range b.List(t.Context(), sdk.Query{}) {
			if last = err; err == nil {
				n++
			}
		}
		if sdk.KindOf(last) != test.kind || n != test.n {
			t.Errorf("%s: %d entries, %v", name, n, last)
		}
	}
}

// TestEndlessAnswers: an answer that goes on after all that it can have is over is
// a bug of the backend. The host read on forever, or until it had no memory.
func TestEndlessAnswers(t *testing.T) {
	f := &foreign{protocol: sdk.ProtocolVersion, endless: true}
	b := serveForeign(t, f)
	body := bytes.Repeat([]byte("x"), 1<<20)
	r := record(1, body)
	header := getParts(r, body)[0]
	for says, chunk := range map[string][]byte{"goes on after its 1048576 bytes": body, "chunks without a byte": {}} {
		f.get = []*archivepb.GetPart{header, {Part: &archivepb.GetPart_Chunk{Chunk: chunk}}}
		var item, all error
		for found, err := range b.Get(t.Context(), []sdk.Tombstone{r.Tombstone}) {
			if all = err; err == nil {
				_, item = io.Copy(io.Discard, found.Body)
			}
		}
		if item == nil || sdk.KindOf(all) != sdk.Internal || !strings.Contains(all.Error(), says) {
			t.Errorf("get: %v, %v", item, all)
		}
	}
	f.get, f.list = []*archivepb.GetPart{nil}, []*archivepb.ListPart{nil} // frames without parts
	for name, err := range map[string]error{"get": last(b.Get(t.Context(), []sdk.Tombstone{r.Tombstone})), "list": last(b.List(t.Context(), sdk.Query{}))} {
		if sdk.KindOf(err) != sdk.Internal || !strings.Contains(err.Error(), "frames without anything in them") {
			t.Errorf("%s: %v", name, err)
		}
	}

	entry := &archivepb.ListPart{Part: &archivepb.ListPart_Entry{Entry: &archivepb.Entry{Record: RecordToProto(&r)}}}
	event := r.ArchiveEvent()
	event.Detail = map[string]string{"k": strings.Repeat("x", 50<<10)}
	long := &archivepb.ListPart{Part: &archivepb.ListPart_Event{Event: fromEvent(&event)}}
	empty := &archivepb.ListPart{Part: &archivepb.ListPart_Entry{Entry: &archivepb.Entry{}}}
	unread := &archivepb.ListPart{Part: &archivepb.ListPart_Failure{Failure: &archivepb.Failure{Tombstone: r.Tombstone[:], Message: "no JSON"}}}
	verified := &archivepb.ListPart{Part: &archivepb.ListPart_Event{Event: fromEvent(&sdk.Event{ID: sdk.ID{1}, Action: sdk.ActionVerify, Actor: "me", At: event.At})}}
	for name, test := range map[string]struct {
		parts []*archivepb.ListPart
		query sdk.Query
		n     int
		says  string
	}{
		"limit":      {[]*archivepb.ListPart{listEntry(3), listEntry(2), listEntry(1)}, sdk.Query{Limit: 3}, 3, "more than the 3 entries"},
		"no limit":   {[]*archivepb.ListPart{listEntry(3), listEntry(2), listEntry(1)}, sdk.Query{}, 2000, "come twice, or not newest first"},
		"of archive": {[]*archivepb.ListPart{empty, verified}, sdk.Query{OfArchive: true}, 1, "come twice, or not newest first"},
		"no events":  {[]*archivepb.ListPart{empty}, sdk.Query{OfArchive: true}, 2000, "come twice, or not newest first"},
		"failures":   {[]*archivepb.ListPart{unread}, sdk.Query{}, 2000, "come twice, or not newest first"},
		"one event":  {[]*archivepb.ListPart{empty, verified, empty}, sdk.Query{OfArchive: true, Limit: 1}, 1, "more than the 1 entries"},
		"tombstones": {[]*archivepb.ListPart{entry}, sdk.Query{Tombstones: []sdk.Tombstone{r.Tombstone}}, 1, "more than the 1 entries"},
		"both":       {[]*archivepb.ListPart{entry}, sdk.Query{Tombstones: []sdk.Tombstone{r.Tombstone, {1}}, Limit: 1}, 1, "more than the 1 entries"},
		"events":     {[]*archivepb.ListPart{entry, long}, sdk.Query{WithEvents: true}, 0, "of events and holds of one entry"},
	} {
		f.list = test.parts
		n := 0
		var last error
		for _, err := range b.List(t.Context(), test.query) {
			if last = err; err == nil {
				n++
			}
		}
		if sdk.KindOf(last) != sdk.Internal || !strings.Contains(last.Error(), test.says) || n > test.n {
			t.Errorf("%s: %d entries, %v", name, n, last)
		}
	}
}

// last returns the last error of a sequence.
func last[V any](all iter.Seq2[V, error]) (err error) {
	for _, e := range all {
		err = e
	}
	return err
}

// TestOtherRecords: a record that a list was not asked for is an error about it,
// which no command acts on.
func TestOtherRecords(t *testing.T) {
	r := record(1, nil)
	f := &foreign{protocol: sdk.ProtocolVersion, list: []*archivepb.ListPart{
		{Part: &archivepb.ListPart_Entry{Entry: &archivepb.Entry{Record: RecordToProto(&r)}}},
		{Part: &archivepb.ListPart_All{All: &archivepb.End{}}},
	}}
	b := serveForeign(t, f)
	for name, q := range map[string]sdk.Query{
		"tombstone": {Tombstones: []sdk.Tombstone{{1}}},
		"prefix":    {Prefix: "ffffffff"},
		"content":   {SHA256: sdk.Digest{1}},
		"set":       {Set: sdk.ID{9}},
		"path":      {Path: "no/such/path"},
		"actor":     {Actor: "another"},
	} {
		n := 0
		for e, err := range b.List(t.Context(), q) {
			if n++; err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			namesRow(t, name, e.Err, r.Tombstone)
			if e.Record.Path != "" {
				t.Errorf("%s: %+v", name, e.Record)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d entries", name, n)
		}
	}
}

// TestLongErrors: a text of a backend is of any length, and an error of the host is
// a line in logs and evidence.
func TestLongErrors(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	detailed, err := status.New(codes.Internal, long).WithDetails(&archivepb.ErrorDetail{
		Kind: archivepb.Kind_KIND_INTERNAL, Op: long, Native: long, Tombstones: slices.Repeat([][]byte{make([]byte, 16)}, 10_000),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"code": status.Error(codes.Internal, long), "detail": detailed.Err()} {
		e, _ := fromStatus(err)
		if n := max(len(e.Msg), len(e.Op), len(e.Native)); n > maxText+len("…") || len(e.Tombstones) > sdk.MaxCulprits {
			t.Errorf("%s: %d bytes, %d tombstones", name, n, len(e.Tombstones))
		}
	}
	failure := sdk.AsError(failureOf("get", sdk.Tombstone{1}, &archivepb.Failure{Message: long}))
	if len(failure.Msg) > maxText+len("…") {
		t.Errorf("a failure has %d bytes", len(failure.Msg))
	}
}

// TestLongDescriptions: so is what a backend says of itself.
func TestLongDescriptions(t *testing.T) {
	long := strings.Repeat("\x1b[2J", 1<<18)
	many := slices.Repeat([]string{long}, 300)
	d := new(Process).learn(&archivepb.Description{Name: long, Version: long, Schemes: many, Capabilities: many, Protocols: slices.Repeat([]uint32{7}, 1<<20)})
	if n := len(fmt.Sprint(d)); n > 100<<10 || strings.Contains(d.Version, "\x1b") || len(d.Schemes) > 100 {
		t.Errorf("a description has %d bytes", n)
	}
	m := fromHealth(&sdk.Health{Archive: sdk.ID{1}, Server: long, NotDurable: long, Unmeasured: long})
	h, err := toHealth(m)
	if n := len(fmt.Sprint(h)); err != nil || n > 100<<10 {
		t.Errorf("a health has %d bytes, %v", n, err)
	}
	for _, wrong := range []sdk.Health{{Live: 1, Retrievable: 2}, {Live: 1, Held: 2}, {Purged: -1}} {
		wrong.Archive = sdk.ID{1}
		if h, err := toHealth(fromHealth(&wrong)); err == nil {
			t.Errorf("taken: %+v", h)
		}
	}
}

// hostileRows are records that no host has stored.
func hostileRows() map[string]func(*archivepb.Record) {
	return map[string]func(*archivepb.Record){
		"no content":          func(r *archivepb.Record) { r.Content = nil },
		"short hash":          func(r *archivepb.Record) { r.Content.Sha256 = r.Content.Sha256[:31] },
		"short event":         func(r *archivepb.Record) { r.Event = r.Event[:15] },
		"no digest":           func(r *archivepb.Record) { r.Digest = nil },
		"no set":              func(r *archivepb.Record) { r.Set = nil },
		"negative size":       func(r *archivepb.Record) { r.Content.Size = -1 },
		"huge size":           func(r *archivepb.Record) { r.Content.Size = math.MaxInt64 },
		"huge stored size":    func(r *archivepb.Record) { r.Content.StoredSize = math.MaxInt64 },
		"no stored size":      func(r *archivepb.Record) { r.Content.StoredSize = -1 },
		"negative stored":     func(r *archivepb.Record) { r.Content.StoredSize = math.MinInt64 },
		"no path":             func(r *archivepb.Record) { r.Path = nil },
		"long path":           func(r *archivepb.Record) { r.Path = bytes.Repeat([]byte("x"), 1<<20) },
		"long metadata":       func(r *archivepb.Record) { r.Metadata = map[string]string{"k": strings.Repeat("x", 1<<20)} },
		"unsorted tags":       func(r *archivepb.Record) { r.Tags = []string{"b", "a"} },
		"setuid":              func(r *archivepb.Record) { r.Mode = 0o4755 },
		"unknown type":        func(r *archivepb.Record) { r.Type = "device" },
		"unknown state":       func(r *archivepb.Record) { r.WorkTreeState = "odd" },
		"bad blob":            func(r *archivepb.Record) { r.GitBlob = strings.Repeat("g", 40) },
		"year 10000":          func(r *archivepb.Record) { r.ModTime = new(int64); *r.ModTime = 253402300800000000 },
		"beyond all years":    func(r *archivepb.Record) { r.ArchivedAt = new(int64); *r.ArchivedAt = math.MaxInt64 },
		"before all years":    func(r *archivepb.Record) { r.PurgedAt = new(int64); *r.PurgedAt = math.MinInt64 },
		"not archived at all": func(r *archivepb.Record) { r.ArchivedAt = nil },
	}
}

// TestHostileRows: a row that cannot be right is an error about that row, names
// it, and does not hide the others.
func TestHostileRows(t *testing.T) {
	body := []byte("body")
	good, bad := record(1, body), record(2, body)
	f := &foreign{protocol: sdk.ProtocolVersion}
	b := serveForeign(t, f)
	entry := func(r *archivepb.Record) *archivepb.ListPart {
		return &archivepb.ListPart{Part: &archivepb.ListPart_Entry{Entry: &archivepb.Entry{Record: r}}}
	}
	event := func(e *archivepb.Event) *archivepb.ListPart {
		return &archivepb.ListPart{Part: &archivepb.ListPart_Event{Event: e}}
	}
	allListed := &archivepb.ListPart{Part: &archivepb.ListPart_All{All: &archivepb.End{}}}
	lists := map[string][]*archivepb.ListPart{
		"said by the backend": {{Part: &archivepb.ListPart_Failure{Failure: &archivepb.Failure{
			Tombstone: bad.Tombstone[:], Message: "no JSON", Error: &archivepb.ErrorDetail{Kind: archivepb.Kind_KIND_CORRUPT}}}}},
		"event of another": {entry(RecordToProto(&bad)), event(fromEvent(new(good.ArchiveEvent())))},
		"empty event":      {entry(RecordToProto(&bad)), event(&archivepb.Event{}), event(fromEvent(new(bad.ArchiveEvent())))},
		"empty hold":       {entry(RecordToProto(&bad)), {Part: &archivepb.ListPart_Hold{Hold: &archivepb.Hold{}}}},
	}
	for name, spoil := range hostileRows() {
		m := proto.CloneOf(RecordToProto(&bad))
		spoil(m)
		if name != "no stored size" { // a list may lack it, see the kit's TAMPER-05
			lists[name] = []*archivepb.ListPart{entry(m)}
		}
		spoiled := getParts(bad, body)
		spoiled[0] = &archivepb.GetPart{Part: &archivepb.GetPart_Header{Header: m}}
		f.get = append(spoiled[:3], getParts(good, body)...)
		var errs []error
		for found, err := range b.Get(t.Context(), []sdk.Tombstone{bad.Tombstone, good.Tombstone}) {
			if err != nil {
				t.Fatalf("get, %s: %v", name, err)
			}
			errs = append(errs, found.Err)
		}
		if len(errs) != 2 || errs[1] != nil {
			t.Fatalf("get, %s: %v", name, errs)
		}
		namesRow(t, "get, "+name, errs[0], bad.Tombstone)
	}
	for name, parts := range lists {
		f.list = append(append([]*archivepb.ListPart{entry(RecordToProto(&good))}, parts...), entry(RecordToProto(&good)), allListed)
		var entries []sdk.Entry
		for e, err := range b.List(t.Context(), sdk.Query{}) {
			if err != nil {
				t.Fatalf("list, %s: %v", name, err)
			}
			entries = append(entries, e)
		}
		if len(entries) != 3 || entries[0].Err != nil || entries[2].Err != nil || entries[1].Record.Tombstone != bad.Tombstone {
			t.Fatalf("list, %s: %+v", name, entries)
		}
		namesRow(t, "list, "+name, entries[1].Err, bad.Tombstone)
	}
}

func namesRow(t *testing.T, what string, err error, id sdk.Tombstone) {
	t.Helper()
	if e := sdk.AsError(err); e == nil || e.Kind != sdk.Corrupt || !slices.Equal(e.Tombstones, []sdk.Tombstone{id}) {
		t.Errorf("%s: %v, want corrupt and the tombstone", what, err)
	}
}

// TestUnreadableRowsOfABackend: rows that gRPC could not carry are said to be
// unreadable by the backend's half.
func TestUnreadableRowsOfABackend(t *testing.T) {
	body := []byte("body")
	for name, spoil := range map[string]func(*sdk.Record){
		"too large for a message": func(r *sdk.Record) { r.Metadata = map[string]string{"k": strings.Repeat("x", 10<<20)} },
		"not UTF-8":               func(r *sdk.Record) { r.Note = "caf\xe9" },
		"no codec":                func(r *sdk.Record) { r.Content.Codec = "" },
	} {
		good, bad := record(1, body), record(2, body)
		spoil(&bad)
		b := open(t, dial(t, driver(&faulty{
			get: func(ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
				return func(yield func(sdk.GetResult, error) bool) {
					_ = yield(sdk.GetResult{Record: bad, Body: bytes.NewReader(body)}, nil) &&
						yield(sdk.GetResult{Record: good, Body: bytes.NewReader(body)}, nil)
				}
			},
			list: func() iter.Seq2[sdk.Entry, error] {
				return func(yield func(sdk.Entry, error) bool) {
					_ = yield(sdk.Entry{Record: bad}, nil) && yield(sdk.Entry{Record: good}, nil)
				}
			},
		})))
		var got, listed []error
		for found, err := range b.Get(t.Context(), []sdk.Tombstone{bad.Tombstone, good.Tombstone}) {
			got = append(got, errors.Join(err, found.Err))
		}
		for entry, err := range b.List(t.Context(), sdk.Query{}) {
			listed = append(listed, errors.Join(err, entry.Err))
		}
		for what, errs := range map[string][]error{"get": got, "list": listed} {
			if len(errs) != 2 || errs[1] != nil {
				t.Fatalf("%s, %s: %v", what, name, errs)
			}
			namesRow(t, what+", "+name, errs[0], bad.Tombstone)
		}
	}
}

func TestPutWithOddAnswers(t *testing.T) {
	f := &foreign{protocol: sdk.ProtocolVersion, put: &archivepb.PutReply{}}
	b := serveForeign(t, f)
	item := sdk.Item{Record: record(1, nil), Body: strings.NewReader("")}
	if _, err := b.Put(t.Context(), sequence(item)); sdk.KindOf(err) != sdk.Internal {
		t.Errorf("an answer for too few items: %v", err)
	}
	f.put.Stored = []*archivepb.Stored{{}}
	if _, err := b.Put(t.Context(), sequence(item)); sdk.KindOf(err) != sdk.Internal {
		t.Errorf("an answer without a tombstone: %v", err)
	}
	// A refusal before the host is done is what Put returns, though Send only
	// says io.EOF.
	f.early, f.err = true, status.Error(codes.PermissionDenied, "read-only")
	data := make([]byte, 64<<20)
	_, err := b.Put(t.Context(), sequence(sdk.Item{Record: record(1, data), Body: bytes.NewReader(data)}))
	var e *sdk.Error
	if !errors.As(err, &e) || e.Kind != sdk.PermissionDenied || e.Effect != sdk.EffectNone {
		t.Errorf("a refusal in the middle: %+v", err)
	}
}

// TestChunkEdges brings bodies of telling sizes there and back, alone and
// together.
func TestChunkEdges(t *testing.T) {
	b := open(t, dial(t, memory.Driver()))
	var items []sdk.Item
	var bodies [][]byte
	for n, size := range []int{0, 1, sdk.ChunkSize - 1, sdk.ChunkSize, sdk.ChunkSize + 1, 8<<20 + 1, 3, 0} {
		body := bytes.Repeat([]byte{byte(n), byte(size), 7}, size/3+1)[:size]
		item := sdk.Item{Record: record(uint64(n), body), Body: iotest.OneByteReader(bytes.NewReader(body))}
		if size > sdk.ChunkSize {
			item.Body = iotest.DataErrReader(bytes.NewReader(body))
		}
		if n%2 == 0 {
			item.Record.Content.StoredSize, item.Record.Content.CRC32C = -1, 0
		}
		items, bodies = append(items, item), append(bodies, body)
	}
	stored, err := b.Put(t.Context(), sequence(items...))
	if err != nil {
		t.Fatal(err)
	}
	var ids []sdk.Tombstone
	for i, s := range stored {
		if s.Content.StoredSize != int64(len(bodies[i])) || s.Content.CRC32C != crc32.Checksum(bodies[i], castagnoli) {
			t.Errorf("item %d is stored as %+v", i, s)
		}
		ids = append(ids, s.Tombstone)
	}
	i := 0
	for found, err := range b.Get(t.Context(), ids) {
		if err != nil || found.Err != nil {
			t.Fatal(err, found.Err)
		}
		if i%3 != 2 { // leave some unread
			got, err := io.ReadAll(found.Body)
			if err != nil || !bytes.Equal(got, bodies[i]) {
				t.Errorf("item %d: %d bytes of %d, %v", i, len(got), len(bodies[i]), err)
			}
		}
		i++
	}
}

// TestTornBody: a reader that ends badly is not one that ends.
func TestTornBody(t *testing.T) {
	for _, torn := range []error{io.ErrUnexpectedEOF, errors.New("a bad block"), fmt.Errorf("wrapped: %w", io.EOF)} {
		b := open(t, dial(t, memory.Driver()))
		r := record(1, nil)
		r.Content.StoredSize = -1
		_, err := b.Put(t.Context(), sequence(sdk.Item{Record: r, Body: io.MultiReader(strings.NewReader("some"), iotest.ErrReader(torn))}))
		if err != torn {
			t.Errorf("put of a body that ends in %q: %v", torn, err)
		}
		for found, err := range b.Get(t.Context(), []sdk.Tombstone{r.Tombstone}) {
			if err != nil || sdk.KindOf(found.Err) != sdk.NotFound {
				t.Errorf("after it: %v, %v", found.Err, err)
			}
		}
	}
}

// TestRawPut writes frames by hand, as another implementation might.
func TestRawPut(t *testing.T) {
	body := []byte("body")
	r := record(1, body)
	header := &archivepb.PutPart{Part: &archivepb.PutPart_Header{Header: &archivepb.PutHeader{Record: RecordToProto(&r), Body: true}}}
	bare := &archivepb.PutPart{Part: &archivepb.PutPart_Header{Header: &archivepb.PutHeader{Record: RecordToProto(&r)}}}
	chunk := &archivepb.PutPart{Part: &archivepb.PutPart_Chunk{Chunk: body}}
	end := &archivepb.PutPart{Part: &archivepb.PutPart_End{End: &archivepb.BodyEnd{StoredSize: 4, Crc32C: crc32.Checksum(body, castagnoli)}}}
	badEnd := &archivepb.PutPart{Part: &archivepb.PutPart_End{End: &archivepb.BodyEnd{StoredSize: 4, Crc32C: 1}}}
	commit := func(n uint32) *archivepb.PutPart {
		return &archivepb.PutPart{Part: &archivepb.PutPart_Commit{Commit: &archivepb.Commit{Items: n}}}
	}
	for name, test := range map[string]struct {
		code  codes.Code
		parts []*archivepb.PutPart
	}{
		"whole":              {codes.OK, []*archivepb.PutPart{header, chunk, end, commit(1)}},
		"nothing":            {codes.OK, []*archivepb.PutPart{commit(0)}},
		"no commit":          {codes.Canceled, []*archivepb.PutPart{header, chunk, end}},
		"no end":             {codes.Canceled, []*archivepb.PutPart{header, chunk}},
		"not a part":         {codes.Canceled, nil},
		"wrong count":        {codes.DataLoss, []*archivepb.PutPart{header, chunk, end, commit(2)}},
		"wrong checksum":     {codes.DataLoss, []*archivepb.PutPart{header, chunk, badEnd, commit(1)}},
		"chunk missing":      {codes.DataLoss, []*archivepb.PutPart{header, end, commit(1)}},
		"body unannounced":   {codes.DataLoss, []*archivepb.PutPart{bare, chunk, end, commit(1)}},
		"commit in a body":   {codes.InvalidArgument, []*archivepb.PutPart{header, chunk, commit(1)}},
		"chunk first":        {codes.InvalidArgument, []*archivepb.PutPart{chunk, commit(1)}},
		"unknown part":       {codes.InvalidArgument, []*archivepb.PutPart{header, {}, chunk, end, commit(1)}},
		"without a record":   {codes.InvalidArgument, []*archivepb.PutPart{{Part: &archivepb.PutPart_Header{Header: &archivepb.PutHeader{}}}}},
		"commit, then noise": {codes.OK, []*archivepb.PutPart{header, chunk, end, commit(1), chunk}},
	} {
		for _, together := range []bool{true, false} {
			p := dial(t, memory.Driver())
			b := open(t, p)
			stream, err := p.stub.Put(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			frames := []*archivepb.PutFrame{{}, {Parts: test.parts}, {}}
			if !together {
				frames = nil
				for _, part := range test.parts {
					frames = append(frames, &archivepb.PutFrame{Parts: []*archivepb.PutPart{part}})
				}
			}
			for _, frame := range frames {
				stream.Send(frame)
			}
			_, err = stream.CloseAndRecv()
			if status.Code(err) != test.code {
				t.Errorf("%s: %v, want %v", name, err, test.code)
			}
			want := sdk.Kind(0)
			if test.code != codes.OK || name == "nothing" {
				want = sdk.NotFound
			}
			for found, err := range b.Get(t.Context(), []sdk.Tombstone{r.Tombstone}) {
				if err != nil || sdk.KindOf(found.Err) != want {
					t.Errorf("%s: afterwards %v, %v", name, found.Err, err)
				}
			}
		}
	}
}

// TestBrokenBackendsInPut are bugs that the server half catches.
func TestBrokenBackendsInPut(t *testing.T) {
	body := []byte("x")
	for name, put := range map[string]func(iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error){
		"never ranges": func(iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) { return []sdk.PutResult{{}}, nil },
		"stops early": func(items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
			for range items {
				break
			}
			return []sdk.PutResult{{}}, nil
		},
		"ranges twice": func(items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
			for range items {
			}
			for _, err := range items {
				return nil, err
			}
			return nil, nil
		},
		"reads the dead": func(items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
			var last io.Reader
			for item := range items {
				last = item.Body
			}
			_, err := last.Read(make([]byte, 1))
			if sdk.KindOf(err) != sdk.Invalid {
				return nil, nil
			}
			return nil, sdk.Errorf(sdk.Internal, "the dead do not speak")
		},
	} {
		b := open(t, dial(t, driver(&faulty{put: put})))
		_, err := b.Put(t.Context(), sequence(sdk.Item{Record: record(1, body), Body: bytes.NewReader(body)}))
		if sdk.KindOf(err) != sdk.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One that stores although the stream was cut off.
	b := open(t, dial(t, driver(&faulty{put: func(items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
		for range items {
		}
		return []sdk.PutResult{{}}, nil
	}})))
	r := b.(*client)
	stream, err := r.stub.Put(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CloseAndRecv(); status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "stored what had failed") {
		t.Errorf("%v", err)
	}
}

// TestConnectionIsTheSession: what a connection opened is closed with it, and
// others do not see it.
func TestConnectionIsTheSession(t *testing.T) {
	var opened, closed atomic.Int32
	d := memory.Driver()
	inner := d.Open
	d.Capabilities = nil // closing hides the identity
	gone := make(chan struct{}, 2)
	d.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		b, err := inner(ctx, o)
		opened.Add(1)
		return closing{b, func() { closed.Add(1); gone <- struct{}{} }}, err
	}
	address, end := serveHere(t, d)
	first, second, third := attach(t, address), attach(t, address), attach(t, address)
	if _, err := first.stub.Health(t.Context(), &archivepb.HealthRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("before Open: %v", err)
	}
	open(t, first)
	b := open(t, second)
	open(t, third)
	if _, err := first.stub.Open(t.Context(), &archivepb.OpenRequest{Protocol: 1, Url: []byte("memory://x")}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a second Open: %v", err)
	}
	first.channel.Close() // as when a host dies
	<-gone
	if closed.Load() != 1 {
		t.Errorf("%d archives closed", closed.Load())
	}
	if _, err := b.Health(t.Context()); err != nil {
		t.Errorf("the other connection: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	<-gone
	end() // the server closes what is left
	if opened.Load() != 3 || closed.Load() != 3 {
		t.Errorf("%d opened, %d closed", opened.Load(), closed.Load())
	}
	<-third.Exited()
	_, err := third.Describe(t.Context())
	if sdk.KindOf(err) != sdk.Unavailable {
		t.Errorf("after the server's end: %v", err)
	}
	oneLine(t, err, "describe: the connection to the backend at "+address.String()+" is gone")
}

type closing struct {
	sdk.Backend
	then func()
}

func (c closing) Close() error {
	defer c.then()
	return c.Backend.Close()
}

func TestAttachToNothing(t *testing.T) {
	_, err := Attach(t.Context(), "unix", filepath.Join(shortDir(t), "absent"))
	if sdk.KindOf(err) != sdk.Unavailable {
		t.Errorf("kind %v", sdk.KindOf(err))
	}
	oneLine(t, err, "attach ", "no such file")
}

// TestMessagesStayBelowTheLimit: a call too large for a message is a matter of
// limits, not of bugs, and the connection survives it.
func TestMessagesStayBelowTheLimit(t *testing.T) {
	b := open(t, dial(t, memory.Driver()))
	events := make([]sdk.Event, sdk.MaxItems)
	for i := range events {
		events[i] = sdk.Event{
			ID: sdk.ID{1, byte(i), byte(i >> 8)}, Tombstone: sdk.Tombstone{1}, Action: sdk.ActionRestore, Actor: "me",
			At: record(1, nil).ArchivedAt, Detail: map[string]string{"output": strings.Repeat("x", 10<<10)},
		}
	}
	if err := b.Append(t.Context(), events); sdk.KindOf(err) != sdk.Limit {
		t.Errorf("10 MiB of events: %v", err)
	}
	if _, err := b.Health(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestLargeRecords: a thousand records as large as records may be go through
// Put and List, although no message could hold them.
func TestLargeRecords(t *testing.T) {
	b := open(t, dial(t, memory.Driver()))
	var items []sdk.Item
	for n := range uint64(100) {
		r := record(n, nil)
		r.Note = strings.Repeat("n", sdk.MaxText)
		r.Metadata = map[string]string{"k": strings.Repeat("m", sdk.MaxText-1)}
		items = append(items, sdk.Item{Record: r, Body: strings.NewReader("")})
	}
	put(t, b, items...)
	n := 0
	for entry, err := range b.List(t.Context(), sdk.Query{WithEvents: true, WithHolds: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(entry.Record.Note) != sdk.MaxText || len(entry.Events) != 1 {
			t.Fatalf("entry %d is not what was stored", n)
		}
		n++
	}
	if n != 100 {
		t.Errorf("%d entries", n)
	}
}

// TestParallel has 32 callers on one connection, each streaming both ways while
// a stalled List is under way.
func TestParallel(t *testing.T) {
	_, b := start(t, as(t, "memory"))
	body := bytes.Repeat([]byte("parallel"), 1<<16)
	put(t, b, sdk.Item{Record: record(1<<32, body), Body: bytes.NewReader(body)})
	for range b.List(t.Context(), sdk.Query{}) {
		var callers sync.WaitGroup
		for n := range uint64(32) {
			callers.Go(func() {
				r := record(n, body)
				if _, err := b.Put(t.Context(), sequence(sdk.Item{Record: r, Body: bytes.NewReader(body)})); err != nil {
					t.Error(err)
					return
				}
				for found, err := range b.Get(t.Context(), []sdk.Tombstone{r.Tombstone}) {
					if err != nil || found.Err != nil {
						t.Error(err, found.Err)
						return
					}
					if got, err := io.ReadAll(found.Body); err != nil || !bytes.Equal(got, body) {
						t.Errorf("%d bytes, %v", len(got), err)
					}
				}
			})
		}
		callers.Wait()
		break
	}
}

// FuzzPutFrames feeds the server's decoder of Put. Whatever comes, it does not
// panic, yields only bodies that were proved, and never invents a commit.
func FuzzPutFrames(f *testing.F) {
	body := []byte("body")
	r := record(1, body)
	out := packer[*archivepb.PutPart]{send: func(parts []*archivepb.PutPart) error {
		f.Add(marshal(&archivepb.PutFrame{Parts: parts}), uint8(0))
		f.Add(marshal(&archivepb.PutFrame{Parts: parts}), uint8(1))
		return nil
	}}
	o := putWriter{out: out}
	if err := o.all(sequence(sdk.Item{Record: r, Body: bytes.NewReader(body)}, sdk.Item{Record: r})); err != nil {
		f.Fatal(err)
	}
	o.commit()
	f.Fuzz(func(t *testing.T, data []byte, read uint8) {
		frame := &archivepb.PutFrame{}
		if unmarshal(data, frame) != nil {
			return
		}
		sent := false
		in := &putReader{recv: func() (*archivepb.PutFrame, error) {
			if sent {
				return nil, io.EOF
			}
			sent = true
			return frame, nil
		}}
		items := 0
		for item, err := range in.items() {
			if err != nil {
				if in.committed || in.err == nil {
					t.Fatal("an error and a commit")
				}
				continue
			}
			items++
			if item.Body != nil && read&1 == 0 {
				got, err := io.ReadAll(item.Body)
				if err == nil && item.Record.Content.StoredSize >= 0 && int64(len(got)) != item.Record.Content.StoredSize {
					t.Fatalf("a body of %d bytes passed for one of %d", len(got), item.Record.Content.StoredSize)
				}
			}
		}
		if in.committed == (in.err != nil) {
			t.Fatalf("committed %v, error %v", in.committed, in.err)
		}
		if in.committed && items != int(commitOf(frame)) {
			t.Fatalf("%d items, commit of %d", items, commitOf(frame))
		}
	})
}

// commitOf returns the count of the first commit in frame.
func commitOf(frame *archivepb.PutFrame) uint32 {
	for _, part := range frame.GetParts() {
		if c := part.GetCommit(); c != nil {
			return c.GetItems()
		}
	}
	return 0
}
