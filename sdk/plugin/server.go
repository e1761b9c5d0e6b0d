package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc"
)

// server is the backend's half of the wire: it turns messages into calls of an
// [sdk.Backend] and its answers into messages. Put, Get and List have files of
// their own.
type server struct {
	archivepb.UnimplementedArchiveServer
	driver  sdk.Driver
	served  protocols
	secrets *secrets // of all connections: what the log must not show
	conns   *connStates
	log     *slog.Logger
	// observed says that options of the caller may hold messages after Send.
	observed bool
}

var _ archivepb.ArchiveServer = (*server)(nil)

func newServer(d sdk.Driver, served protocols, s *secrets, log *slog.Logger) *server {
	made := &server{driver: d, served: served, secrets: s, log: log}
	made.conns = &connStates{secrets: s, open: map[*connState]bool{}, caught: made.caught}
	return made
}

// grpcServer returns a gRPC server for s. Interceptors among options are
// nearer to the wire than ours.
func (s *server) grpcServer(options ...grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(options,
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage), grpc.ForceServerCodecV2(newCodec()),
		grpc.InitialWindowSize(streamWindow), grpc.InitialConnWindowSize(connWindow),
		grpc.StatsHandler(s.conns),
		grpc.ChainUnaryInterceptor(s.unary), grpc.ChainStreamInterceptor(s.stream),
	)...)
}

// unary turns errors into statuses and survives panics.
func (s *server) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, call grpc.UnaryHandler) (reply any, err error) {
	if !isOurs(info.FullMethod) {
		return call(ctx, request)
	}
	defer func() { err = s.secrets.toStatus(s.caught(recover(), info.FullMethod, err)) }()
	return call(ctx, request)
}

// stream does the same for streams.
func (s *server) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, call grpc.StreamHandler) (err error) {
	if !isOurs(info.FullMethod) {
		return call(service, stream)
	}
	defer func() { err = s.secrets.toStatus(s.caught(recover(), info.FullMethod, err)) }()
	return call(service, stream)
}

// isOurs reports whether a method is of this protocol, and not of go-plugin's
// or gRPC's services.
func isOurs(method string) bool {
	return strings.HasPrefix(method, "/"+archivepb.Archive_ServiceDesc.ServiceName+"/")
}

// caught returns err, or the error for what was recovered from a panic. What a
// panicking write left behind is not known.
func (s *server) caught(recovered any, method string, err error) error {
	if recovered == nil {
		return err
	}
	what := quote(clean(s.secrets.scrub(fmt.Sprint(recovered))))
	stack := debug.Stack()
	s.log.Error("panic in the backend", "method", method, "panic", what, stackKey, string(stack[:min(len(stack), maxStack)]))
	return &sdk.Error{Kind: sdk.Internal, Msg: "a bug in the backend: panic: " + what, Effect: sdk.EffectMaybe}
}

// description is what the backend says of itself to a host that speaks protocol.
func (s *server) description(protocol uint32) *archivepb.Description {
	d := &archivepb.Description{
		Name: s.driver.Name, Version: s.driver.Version, Protocol: protocol, Schemes: s.driver.Schemes,
		MaxItems: sdk.MaxItems, ChunkSize: sdk.ChunkSize,
	}
	if !slices.Contains(s.served, int(protocol)) {
		d.Protocol = uint32(s.served[0])
	}
	for _, v := range s.served {
		d.Protocols = append(d.Protocols, uint32(v))
	}
	for _, c := range s.driver.Capabilities {
		d.Capabilities = append(d.Capabilities, string(c))
	}
	return d
}

// Describe implements the RPC of that name.
func (s *server) Describe(_ context.Context, r *archivepb.DescribeRequest) (*archivepb.DescribeReply, error) {
	return &archivepb.DescribeReply{Description: s.description(r.GetProtocol())}, nil
}

// Open implements the RPC of that name.
func (s *server) Open(ctx context.Context, r *archivepb.OpenRequest) (*archivepb.OpenReply, error) {
	o := sdk.Options{
		URL: string(r.GetUrl()), Password: string(r.GetPassword()), Dir: string(r.GetDir()),
		Mode: sdk.Mode(r.GetMode()), Parallel: int(r.GetParallel()),
	}
	s.secrets.learn(o)
	if !slices.Contains(s.served, int(r.GetProtocol())) {
		return nil, sdk.Errorf(sdk.Unsupported, "%w", noCommonProtocol(s.served, protocols{int(r.GetProtocol())}))
	}
	if o.Mode < sdk.ReadOnly || o.Mode > sdk.Upgrade {
		return nil, sdk.Errorf(sdk.Unsupported, "open mode %d is not known", o.Mode)
	}
	session := stateOf(ctx)
	if err := session.begin(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(session.ctx, cancel)()
	archive, err := s.open(ctx, session, o)
	if err != nil {
		return nil, err
	}
	reply := &archivepb.OpenReply{Description: s.description(r.GetProtocol())}
	if !archive.IsZero() {
		reply.Archive = archive[:]
	}
	return reply, nil
}

// open calls the driver and settles the session, also after a panic. It returns
// the identity of the archive, if the backend knows it.
func (s *server) open(ctx context.Context, session *connState, o sdk.Options) (archive sdk.ID, err error) {
	var b sdk.Backend
	settled := false
	defer func() {
		if !settled {
			session.opened(nil)
		}
	}()
	if b, err = s.driver.Open(ctx, o); err != nil {
		return archive, err
	}
	if b == nil {
		return archive, sdk.Errorf(sdk.Internal, "Open returned neither a backend nor an error")
	}
	settled = true
	archive = sdk.IdentityOf(b)
	if !session.opened(b) {
		_ = b.Close() // the caller is gone
		return archive, sdk.Errorf(sdk.Canceled, "the connection ended while the archive was being opened")
	}
	return archive, nil
}

// Missing implements the RPC of that name.
func (s *server) Missing(ctx context.Context, r *archivepb.MissingRequest) (*archivepb.MissingReply, error) {
	b, ctx, leave, err := stateOf(ctx).enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	contents, err := toDigests(r.GetContents())
	if err != nil {
		return nil, err
	}
	missing, err := b.Missing(ctx, contents)
	if err != nil {
		return nil, err
	}
	return &archivepb.MissingReply{Contents: fromDigests(missing)}, nil
}

// Append implements the RPC of that name.
func (s *server) Append(ctx context.Context, r *archivepb.AppendRequest) (*archivepb.AppendReply, error) {
	b, ctx, leave, err := stateOf(ctx).enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	events := make([]sdk.Event, len(r.GetEvents()))
	for i, m := range r.GetEvents() {
		if events[i], err = toEvent(m); err != nil {
			return nil, err
		}
	}
	if err := b.Append(ctx, events); err != nil {
		return nil, err
	}
	return &archivepb.AppendReply{}, nil
}

// Purge implements the RPC of that name.
func (s *server) Purge(ctx context.Context, r *archivepb.PurgeRequest) (*archivepb.PurgeReply, error) {
	b, ctx, leave, err := stateOf(ctx).enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	purge, err := toPurge(r)
	if err != nil {
		return nil, err
	}
	verdicts, err := b.Purge(ctx, purge)
	if err != nil {
		return nil, err
	}
	reply := &archivepb.PurgeReply{}
	for i := range verdicts {
		reply.Verdicts = append(reply.Verdicts, fromVerdict(&verdicts[i]))
	}
	return reply, nil
}

// Health implements the RPC of that name.
func (s *server) Health(ctx context.Context, _ *archivepb.HealthRequest) (*archivepb.HealthReply, error) {
	b, ctx, leave, err := stateOf(ctx).enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	health, err := b.Health(ctx)
	if err != nil {
		return nil, err
	}
	return fromHealth(&health), nil
}

// Inspect implements the RPC of that name.
func (s *server) Inspect(ctx context.Context, _ *archivepb.InspectRequest) (*archivepb.InspectReply, error) {
	b, ctx, leave, err := stateOf(ctx).enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	findings, err := sdk.Inspect(ctx, b)
	if err != nil {
		return nil, err
	}
	return &archivepb.InspectReply{Findings: fromFindings(findings)}, nil
}

// Drain implements the RPC of that name. It is answered when the archive is
// closed, or at the deadline of the call, while closing goes on.
func (s *server) Drain(ctx context.Context, _ *archivepb.DrainRequest) (*archivepb.DrainReply, error) {
	closed := make(chan error, 1)
	session := stateOf(ctx)
	go func() { closed <- session.end() }() // ends when the archive is closed
	select {
	case err := <-closed:
		if err != nil {
			return nil, err
		}
		return &archivepb.DrainReply{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
