// The wire between the host (codex) and an archive backend: what a backend in
// any language serves. Package sdk of the Go module describes the same in prose
// and types; where the two seem to differ, sdk/doc.go decides.
//
// # Being a backend
//
// A backend named NAME is a program codex-archive-NAME. The host starts it with
// go-plugin's handshake (protocol "grpc"):
//
//   1. The environment holds CODEX_ARCHIVE_PLUGIN=archive-backend (without it
//      it was started by hand: say so on standard error and exit with
//      a code other than 0), PLUGIN_PROTOCOL_VERSIONS (the versions of this
//      protocol that the host speaks, such as "1" or "1,2"), PLUGIN_UNIX_SOCKET_DIR,
//      CODEX_ARCHIVE_HOST_PID and CODEX_ARCHIVE_PLUGIN_LOG_LEVEL (trace, debug, info,
//      warn or error). PATH is not in it: a script names its interpreter by an
//      absolute path. There are no arguments.
//   2. The program listens on a Unix socket in PLUGIN_UNIX_SOCKET_DIR and
//      serves, without TLS, this service and grpc.health.v1.Health, whose Check
//      answers SERVING for the service name "plugin". It need not implement
//      go-plugin's own services (GRPCBroker, GRPCController, GRPCStdio). The
//      directory is the user's alone, and the host removes it. Keep the name of
//      the socket short: a path to one has at most 103 bytes.
//   3. It prints one line on standard output, nothing before it and nothing
//      after it:
//        1|1|unix|/the/path/of/the/socket|grpc|
//      (go-plugin's version, the version of this protocol, network, address,
//      "grpc", and on Windows the certificate of AutoMTLS). The version is the highest
//      that both speak; where there is none, the lowest that the program speaks.
//   4. Standard input is a lifeline: nothing is ever written to it, and at its
//      end the host is gone or done. The program then rolls back, closes its
//      database and exits within 2 seconds, and so does what it has started. It
//      stays in the process group it was started in, and it does not act on SIGINT,
//      which is the host's business.
//   5. Standard error carries log lines: JSON objects with "@level", "@message"
//      and further pairs, or plain text, which counts as debug. Lines are cut at
//      64 KiB. Secrets are never in them. A program of which nothing is asked says
//      nothing.
//
// The same service on any other gRPC address, without the handshake, serves for
// debugging: the host can attach to it.
//
// # One connection, one archive
//
// Open opens an archive for the connection it arrives on; every other call but
// Describe needs it. Drain, or the end of the connection, closes it. A program
// started by the host has one connection and is opened once. A server that only
// ever serves one connection may keep one archive in a variable.
//
// # Calls
//
// At most 32 calls run at once. Deadlines and cancellation are gRPC's: stop,
// roll back, and answer CANCELLED or DEADLINE_EXCEEDED. A COMMIT that was handed
// to the database is not cancelled. The reply to Put, Append and Purge comes
// after the database said that the commit is durable.
//
// # Limits
//
// A message has at most 4 MiB, on both sides. A chunk of a body has at most
// 256 KiB, and frames are packed up to about that. One call carries at most
// 1,000 items, ids or events, and a Put 4,000 events and holds of histories.
// sdk/backend.go has further limits; what exceeds them is answered with
// OUT_OF_RANGE (KIND limit).
//
// # Streams
//
// A frame holds parts, and parts mean the same however they are packed into
// frames: one to a frame, or many. Frames may be empty. A stream that ends
// without its last part (Commit in Put, End in Get and List) is not received:
// nothing of it counts. A part out of its place is INVALID_ARGUMENT.
//
// # Errors
//
// The gRPC code says what happened as far as codes can; the message is for
// people: lower case, one line, no secret, no URL. A status carries one
// ErrorDetail with the rest, as gRPC carries details: a google.rpc.Status in the
// trailer grpc-status-details-bin, with the ErrorDetail in an Any of the type
// type.googleapis.com/codex.archive.v1.ErrorDetail. A backend that sends none is
// understood by its code:
//
//   code                 without detail the host reads     kinds that travel as it
//   INTERNAL, UNKNOWN    internal                          internal
//   INVALID_ARGUMENT     invalid                           invalid
//   NOT_FOUND            not_found (from Open: no_archive) not_found, no_archive
//   ALREADY_EXISTS       conflict                          conflict
//   FAILED_PRECONDITION  refused                           purged, content_absent, schema, refused
//   DATA_LOSS            corrupt                           corrupt
//   UNAVAILABLE          unavailable, may be repeated      unavailable, crashed, not_started
//   ABORTED              busy, may be repeated             busy
//   DEADLINE_EXCEEDED    timeout, may be repeated          timeout
//   CANCELLED            canceled                          canceled
//   UNAUTHENTICATED      unauthenticated                   unauthenticated
//   PERMISSION_DENIED    permission_denied                 permission_denied
//   RESOURCE_EXHAUSTED   limit (gRPC's own, message size)  full
//   OUT_OF_RANGE         limit                             limit
//   UNIMPLEMENTED        unsupported                       unsupported
//
// # Values
//
// Ids are UUIDs in 16 bytes, digests are SHA-256 in 32. Times are microseconds
// since 1970-01-01 UTC; a field that is absent means "none". Paths, URLs and
// passwords are bytes and need not be UTF-8; all other text is UTF-8 without
// NUL, compared byte for byte. Sizes are bytes. A message that cannot be parsed,
// because text in it is not UTF-8, is INVALID_ARGUMENT; a library that answers
// otherwise by itself has to be given bytes, to be parsed by the backend.
//
// # Compatibility
//
// Fields, kinds and capabilities are only ever added. Unknown fields and
// capabilities are ignored; an unknown part of a stream is INVALID_ARGUMENT. What a
// backend need not be able to do has a capability, which it names in its
// Description: the host uses the ability only where it is named. The protocol's
// version, in the handshake, DescribeRequest and OpenRequest, changes when that is
// not enough. docs/compatibility.md has the promise.

// Code generated by protoc-gen-go-grpc. DO NOT EDIT.
// versions:
// - protoc-gen-go-grpc v1.6.2
// - protoc             (unknown)
// source: archive.proto

package archivepb

import (
	context "context"
	grpc "google.golang.org/grpc"
	codes "google.golang.org/grpc/codes"
	status "google.golang.org/grpc/status"
)

// This is a compile-time assertion to ensure that this generated file
// is compatible with the grpc package it is being compiled against.
// Requires gRPC-Go v1.64.0 or later.
const _ = grpc.SupportPackageIsVersion9

const (
	Archive_Describe_FullMethodName = "/codex.archive.v1.Archive/Describe"
	Archive_Open_FullMethodName     = "/codex.archive.v1.Archive/Open"
	Archive_Put_FullMethodName      = "/codex.archive.v1.Archive/Put"
	Archive_Missing_FullMethodName  = "/codex.archive.v1.Archive/Missing"
	Archive_Get_FullMethodName      = "/codex.archive.v1.Archive/Get"
	Archive_List_FullMethodName     = "/codex.archive.v1.Archive/List"
	Archive_Append_FullMethodName   = "/codex.archive.v1.Archive/Append"
	Archive_Purge_FullMethodName    = "/codex.archive.v1.Archive/Purge"
	Archive_Health_FullMethodName   = "/codex.archive.v1.Archive/Health"
	Archive_Inspect_FullMethodName  = "/codex.archive.v1.Archive/Inspect"
	Archive_Drain_FullMethodName    = "/codex.archive.v1.Archive/Drain"
)

// ArchiveClient is the client API for Archive service.
//
// For semantics around ctx use and closing/ending streaming RPCs, please refer to https://pkg.go.dev/google.golang.org/grpc/?tab=doc#ClientConn.NewStream.
//
// Archive is one archive backend.
type ArchiveClient interface {
	// Describe says what can be said without a database.
	Describe(ctx context.Context, in *DescribeRequest, opts ...grpc.CallOption) (*DescribeReply, error)
	// Open opens the archive of this connection. Errors: no_archive when there is
	// none and the mode forbids making one, schema naming both versions, unauthenticated,
	// permission_denied, unavailable, unsupported for a URL or a protocol it does not know,
	// invalid when the connection has an archive already.
	Open(ctx context.Context, in *OpenRequest, opts ...grpc.CallOption) (*OpenReply, error)
	// Put stores items, all of them or none, in one transaction. Parts come in
	// this order: for each item a header, the events and the holds of its history,
	// the chunks of its body, its end; after the last item the commit; then the
	// client closes its side. A stream that ends
	// without commit is rolled back and answered with CANCELLED. The server may
	// answer with an error at any time.
	//
	// The same record again is success (repeated); another one under its
	// tombstone or event is conflict, and nothing is written. The server checks
	// stored size, CRC and SHA-256 of each body: corrupt.
	//
	// No Put answers for content that it has not seen intact. Where content is
	// present already, the server reads the body that it has and compares size, CRC
	// and SHA-256. If that is damaged or missing, the body of the item replaces it
	// (repaired); an item without body is then content_absent, and names its
	// tombstone. An intact body is replaced too if the header names it in replaces;
	// a Get that is reading it then ends in busy, not in corrupt.
	//
	// An item with a history is a record that is copied from another archive, with
	// what became of it there. The server adds the events that are not there, in
	// the same transaction, to a record that is new or known: an event that is
	// there is a repeat, another under its id is conflict. RETAIN moves
	// retain_until later and never earlier. The holds of the item are added to
	// those that are there; two are one if case, placed and placed_by agree, and
	// the one is released if the other is; but a HOLD that was placed here after
	// that time stays, or becomes, active, and no second hold of a case that is
	// active is added. An added HOLD or RELEASE has no_effect where none of the
	// record's holds then has its case and time, and a HOLD's actor, and it came with
	// no_effect or with such a hold. With a PURGE among the events the item has no body, and a
	// new record is purged from the start: at purged_at, or else at the time of the
	// PURGE. A live one is purged by it and loses its body as by Purge, unless a
	// hold that was placed here is active, retain_until as it was here is in the future, or
	// its history lacks a PRUNE_REQUEST of a person other than the actor of the
	// PURGE: refused, which names the tombstone. A purged record stays purged.
	Put(ctx context.Context, opts ...grpc.CallOption) (grpc.ClientStreamingClient[PutFrame, PutReply], error)
	// Missing returns those digests whose body the archive does not have, in the
	// order given. It is a hint: a body that is damaged need not be missing.
	Missing(ctx context.Context, in *MissingRequest, opts ...grpc.CallOption) (*MissingReply, error)
	// Get yields one item for each id, in the order given, duplicates included:
	// a header, chunks, an end; or a failure, which may also take the place of the
	// end when it is found while the body is being read. A failed item does not end
	// the stream. Kinds of a failure: not_found, purged, content_absent, corrupt.
	// After the last item comes End. No connection and no cursor of the database
	// is held while the stream waits for the host.
	Get(ctx context.Context, in *GetRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[GetFrame], error)
	// List yields entries, newest first: archived_at, then tombstone (byte
	// order), both descending; an entry is followed by its events and its holds
	// if asked, oldest first. A failure takes the place of an entry whose row
	// cannot be read. After the last entry comes End. None appears twice.
	// As with Get, nothing of the database is held while the stream waits. With
	// of_archive it yields the events of the archive instead, newest first: for each
	// an entry without a record, then the event.
	List(ctx context.Context, in *ListRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[ListFrame], error)
	// Append records events and their effect, all or none. The same event again
	// is success; another under its id is conflict; an unknown tombstone is
	// not_found; a RETAIN to an earlier time is refused; a HOLD or RETAIN of a
	// record that is purged is purged. A HOLD of an active case, and a RELEASE of one
	// that is not, are recorded with no_effect and change nothing else; what
	// no_effect was before does not count.
	Append(ctx context.Context, in *AppendRequest, opts ...grpc.CallOption) (*AppendReply, error)
	// Purge removes bodies, judged in one transaction; see Verdict.
	Purge(ctx context.Context, in *PurgeRequest, opts ...grpc.CallOption) (*PurgeReply, error)
	// Health measures the archive and changes nothing.
	Health(ctx context.Context, in *HealthRequest, opts ...grpc.CallOption) (*HealthReply, error)
	// Inspect looks at all rows but the bytes of bodies, and changes nothing. It
	// answers with rows that refer to nothing, that nothing refers to, or that
	// contradict another. It needs the capability "inspection".
	Inspect(ctx context.Context, in *InspectRequest, opts ...grpc.CallOption) (*InspectReply, error)
	// Drain ends what is under way, closes the archive and then answers. A call
	// that waits for the host is cut off; one that is being committed is finished
	// and answered as it ended. Calls after it are INVALID_ARGUMENT; another Drain
	// is success.
	Drain(ctx context.Context, in *DrainRequest, opts ...grpc.CallOption) (*DrainReply, error)
}

type archiveClient struct {
	cc grpc.ClientConnInterface
}

func NewArchiveClient(cc grpc.ClientConnInterface) ArchiveClient {
	return &archiveClient{cc}
}

func (c *archiveClient) Describe(ctx context.Context, in *DescribeRequest, opts ...grpc.CallOption) (*DescribeReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(DescribeReply)
	err := c.cc.Invoke(ctx, Archive_Describe_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *archiveClient) Open(ctx context.Context, in *OpenRequest, opts ...grpc.CallOption) (*OpenReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(OpenReply)
	err := c.cc.Invoke(ctx, Archive_Open_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *archiveClient) Put(ctx context.Context, opts ...grpc.CallOption) (grpc.ClientStreamingClient[PutFrame, PutReply], error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	stream, err := c.cc.NewStream(ctx, &Archive_ServiceDesc.Streams[0], Archive_Put_FullMethodName, cOpts...)
	if err != nil {
		return nil, err
	}
	x := &grpc.GenericClientStream[PutFrame, PutReply]{ClientStream: stream}
	return x, nil
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Archive_PutClient = grpc.ClientStreamingClient[PutFrame, PutReply]

func (c *archiveClient) Missing(ctx context.Context, in *MissingRequest, opts ...grpc.CallOption) (*MissingReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(MissingReply)
	err := c.cc.Invoke(ctx, Archive_Missing_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *archiveClient) Get(ctx context.Context, in *GetRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[GetFrame], error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	stream, err := c.cc.NewStream(ctx, &Archive_ServiceDesc.Streams[1], Archive_Get_FullMethodName, cOpts...)
	if err != nil {
		return nil, err
	}
	x := &grpc.GenericClientStream[GetRequest, GetFrame]{ClientStream: stream}
	if err := x.ClientStream.SendMsg(in); err != nil {
		return nil, err
	}
	if err := x.ClientStream.CloseSend(); err != nil {
		return nil, err
	}
	return x, nil
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Archive_GetClient = grpc.ServerStreamingClient[GetFrame]

func (c *archiveClient) List(ctx context.Context, in *ListRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[ListFrame], error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	stream, err := c.cc.NewStream(ctx, &Archive_ServiceDesc.Streams[2], Archive_List_FullMethodName, cOpts...)
	if err != nil {
		return nil, err
	}
	x := &grpc.GenericClientStream[ListRequest, ListFrame]{ClientStream: stream}
	if err := x.ClientStream.SendMsg(in); err != nil {
		return nil, err
	}
	if err := x.ClientStream.CloseSend(); err != nil {
		return nil, err
	}
	return x, nil
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Archive_ListClient = grpc.ServerStreamingClient[ListFrame]

func (c *archiveClient) Append(ctx context.Context, in *AppendRequest, opts ...grpc.CallOption) (*AppendReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(AppendReply)
	err := c.cc.Invoke(ctx, Archive_Append_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *archiveClient) Purge(ctx context.Context, in *PurgeRequest, opts ...grpc.CallOption) (*PurgeReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(PurgeReply)
	err := c.cc.Invoke(ctx, Archive_Purge_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *archiveClient) Health(ctx context.Context, in *HealthRequest, opts ...grpc.CallOption) (*HealthReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(HealthReply)
	err := c.cc.Invoke(ctx, Archive_Health_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *archiveClient) Inspect(ctx context.Context, in *InspectRequest, opts ...grpc.CallOption) (*InspectReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(InspectReply)
	err := c.cc.Invoke(ctx, Archive_Inspect_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *archiveClient) Drain(ctx context.Context, in *DrainRequest, opts ...grpc.CallOption) (*DrainReply, error) {
	cOpts := append([]grpc.CallOption{grpc.StaticMethod()}, opts...)
	out := new(DrainReply)
	err := c.cc.Invoke(ctx, Archive_Drain_FullMethodName, in, out, cOpts...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ArchiveServer is the server API for Archive service.
// All implementations must embed UnimplementedArchiveServer
// for forward compatibility.
//
// Archive is one archive backend.
type ArchiveServer interface {
	// Describe says what can be said without a database.
	Describe(context.Context, *DescribeRequest) (*DescribeReply, error)
	// Open opens the archive of this connection. Errors: no_archive when there is
	// none and the mode forbids making one, schema naming both versions, unauthenticated,
	// permission_denied, unavailable, unsupported for a URL or a protocol it does not know,
	// invalid when the connection has an archive already.
	Open(context.Context, *OpenRequest) (*OpenReply, error)
	// Put stores items, all of them or none, in one transaction. Parts come in
	// this order: for each item a header, the events and the holds of its history,
	// the chunks of its body, its end; after the last item the commit; then the
	// client closes its side. A stream that ends
	// without commit is rolled back and answered with CANCELLED. The server may
	// answer with an error at any time.
	//
	// The same record again is success (repeated); another one under its
	// tombstone or event is conflict, and nothing is written. The server checks
	// stored size, CRC and SHA-256 of each body: corrupt.
	//
	// No Put answers for content that it has not seen intact. Where content is
	// present already, the server reads the body that it has and compares size, CRC
	// and SHA-256. If that is damaged or missing, the body of the item replaces it
	// (repaired); an item without body is then content_absent, and names its
	// tombstone. An intact body is replaced too if the header names it in replaces;
	// a Get that is reading it then ends in busy, not in corrupt.
	//
	// An item with a history is a record that is copied from another archive, with
	// what became of it there. The server adds the events that are not there, in
	// the same transaction, to a record that is new or known: an event that is
	// there is a repeat, another under its id is conflict. RETAIN moves
	// retain_until later and never earlier. The holds of the item are added to
	// those that are there; two are one if case, placed and placed_by agree, and
	// the one is released if the other is; but a HOLD that was placed here after
	// that time stays, or becomes, active, and no second hold of a case that is
	// active is added. An added HOLD or RELEASE has no_effect where none of the
	// record's holds then has its case and time, and a HOLD's actor, and it came with
	// no_effect or with such a hold. With a PURGE among the events the item has no body, and a
	// new record is purged from the start: at purged_at, or else at the time of the
	// PURGE. A live one is purged by it and loses its body as by Purge, unless a
	// hold that was placed here is active, retain_until as it was here is in the future, or
	// its history lacks a PRUNE_REQUEST of a person other than the actor of the
	// PURGE: refused, which names the tombstone. A purged record stays purged.
	Put(grpc.ClientStreamingServer[PutFrame, PutReply]) error
	// Missing returns those digests whose body the archive does not have, in the
	// order given. It is a hint: a body that is damaged need not be missing.
	Missing(context.Context, *MissingRequest) (*MissingReply, error)
	// Get yields one item for each id, in the order given, duplicates included:
	// a header, chunks, an end; or a failure, which may also take the place of the
	// end when it is found while the body is being read. A failed item does not end
	// the stream. Kinds of a failure: not_found, purged, content_absent, corrupt.
	// After the last item comes End. No connection and no cursor of the database
	// is held while the stream waits for the host.
	Get(*GetRequest, grpc.ServerStreamingServer[GetFrame]) error
	// List yields entries, newest first: archived_at, then tombstone (byte
	// order), both descending; an entry is followed by its events and its holds
	// if asked, oldest first. A failure takes the place of an entry whose row
	// cannot be read. After the last entry comes End. None appears twice.
	// As with Get, nothing of the database is held while the stream waits. With
	// of_archive it yields the events of the archive instead, newest first: for each
	// an entry without a record, then the event.
	List(*ListRequest, grpc.ServerStreamingServer[ListFrame]) error
	// Append records events and their effect, all or none. The same event again
	// is success; another under its id is conflict; an unknown tombstone is
	// not_found; a RETAIN to an earlier time is refused; a HOLD or RETAIN of a
	// record that is purged is purged. A HOLD of an active case, and a RELEASE of one
	// that is not, are recorded with no_effect and change nothing else; what
	// no_effect was before does not count.
	Append(context.Context, *AppendRequest) (*AppendReply, error)
	// Purge removes bodies, judged in one transaction; see Verdict.
	Purge(context.Context, *PurgeRequest) (*PurgeReply, error)
	// Health measures the archive and changes nothing.
	Health(context.Context, *HealthRequest) (*HealthReply, error)
	// Inspect looks at all rows but the bytes of bodies, and changes nothing. It
	// answers with rows that refer to nothing, that nothing refers to, or that
	// contradict another. It needs the capability "inspection".
	Inspect(context.Context, *InspectRequest) (*InspectReply, error)
	// Drain ends what is under way, closes the archive and then answers. A call
	// that waits for the host is cut off; one that is being committed is finished
	// and answered as it ended. Calls after it are INVALID_ARGUMENT; another Drain
	// is success.
	Drain(context.Context, *DrainRequest) (*DrainReply, error)
	mustEmbedUnimplementedArchiveServer()
}

// UnimplementedArchiveServer must be embedded to have
// forward compatible implementations.
//
// NOTE: this should be embedded by value instead of pointer to avoid a nil
// pointer dereference when methods are called.
type UnimplementedArchiveServer struct{}

func (UnimplementedArchiveServer) Describe(context.Context, *DescribeRequest) (*DescribeReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Describe not implemented")
}
func (UnimplementedArchiveServer) Open(context.Context, *OpenRequest) (*OpenReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Open not implemented")
}
func (UnimplementedArchiveServer) Put(grpc.ClientStreamingServer[PutFrame, PutReply]) error {
	return status.Error(codes.Unimplemented, "method Put not implemented")
}
func (UnimplementedArchiveServer) Missing(context.Context, *MissingRequest) (*MissingReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Missing not implemented")
}
func (UnimplementedArchiveServer) Get(*GetRequest, grpc.ServerStreamingServer[GetFrame]) error {
	return status.Error(codes.Unimplemented, "method Get not implemented")
}
func (UnimplementedArchiveServer) List(*ListRequest, grpc.ServerStreamingServer[ListFrame]) error {
	return status.Error(codes.Unimplemented, "method List not implemented")
}
func (UnimplementedArchiveServer) Append(context.Context, *AppendRequest) (*AppendReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Append not implemented")
}
func (UnimplementedArchiveServer) Purge(context.Context, *PurgeRequest) (*PurgeReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Purge not implemented")
}
func (UnimplementedArchiveServer) Health(context.Context, *HealthRequest) (*HealthReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Health not implemented")
}
func (UnimplementedArchiveServer) Inspect(context.Context, *InspectRequest) (*InspectReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Inspect not implemented")
}
func (UnimplementedArchiveServer) Drain(context.Context, *DrainRequest) (*DrainReply, error) {
	return nil, status.Error(codes.Unimplemented, "method Drain not implemented")
}
func (UnimplementedArchiveServer) mustEmbedUnimplementedArchiveServer() {}
func (UnimplementedArchiveServer) testEmbeddedByValue()                 {}

// UnsafeArchiveServer may be embedded to opt out of forward compatibility for this service.
// Use of this interface is not recommended, as added methods to ArchiveServer will
// result in compilation errors.
type UnsafeArchiveServer interface {
	mustEmbedUnimplementedArchiveServer()
}

func RegisterArchiveServer(s grpc.ServiceRegistrar, srv ArchiveServer) {
	// If the following call panics, it indicates UnimplementedArchiveServer was
	// embedded by pointer and is nil.  This will cause panics if an
	// unimplemented method is ever invoked, so we test this at initialization
	// time to prevent it from happening at runtime later due to I/O.
	if t, ok := srv.(interface{ testEmbeddedByValue() }); ok {
		t.testEmbeddedByValue()
	}
	s.RegisterService(&Archive_ServiceDesc, srv)
}

func _Archive_Describe_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(DescribeRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(ArchiveServer).Describe(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Archive_Describe_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(ArchiveServer).Describe(ctx, req.(*DescribeRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Archive_Open_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(OpenRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(ArchiveServer).Open(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Archive_Open_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(ArchiveServer).Open(ctx, req.(*OpenRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Archive_Put_Handler(srv interface{}, stream grpc.ServerStream) error {
	return srv.(ArchiveServer).Put(&grpc.GenericServerStream[PutFrame, PutReply]{ServerStream: stream})
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Archive_PutServer = grpc.ClientStreamingServer[PutFrame, PutReply]

func _Archive_Missing_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(MissingRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(ArchiveServer).Missing(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Archive_Missing_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(ArchiveServer).Missing(ctx, req.(*MissingRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Archive_Get_Handler(srv interface{}, stream grpc.ServerStream) error {
	m := new(GetRequest)
	if err := stream.RecvMsg(m); err != nil {
		return err
	}
	return srv.(ArchiveServer).Get(m, &grpc.GenericServerStream[GetRequest, GetFrame]{ServerStream: stream})
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Archive_GetServer = grpc.ServerStreamingServer[GetFrame]

func _Archive_List_Handler(srv interface{}, stream grpc.ServerStream) error {
	m := new(ListRequest)
	if err := stream.RecvMsg(m); err != nil {
		return err
	}
	return srv.(ArchiveServer).List(m, &grpc.GenericServerStream[ListRequest, ListFrame]{ServerStream: stream})
}

// This type alias is provided for backwards compatibility with existing code that references the prior non-generic stream type by name.
type Archive_ListServer = grpc.ServerStreamingServer[ListFrame]

func _Archive_Append_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(AppendRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(ArchiveServer).Append(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Archive_Append_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(ArchiveServer).Append(ctx, req.(*AppendRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Archive_Purge_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(PurgeRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(ArchiveServer).Purge(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Archive_Purge_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(ArchiveServer).Purge(ctx, req.(*PurgeRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Archive_Health_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(HealthRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(ArchiveServer).Health(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Archive_Health_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(ArchiveServer).Health(ctx, req.(*HealthRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Archive_Inspect_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(InspectRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(ArchiveServer).Inspect(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Archive_Inspect_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(ArchiveServer).Inspect(ctx, req.(*InspectRequest))
	}
	return interceptor(ctx, in, info, handler)
}

func _Archive_Drain_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, interceptor grpc.UnaryServerInterceptor) (interface{}, error) {
	in := new(DrainRequest)
	if err := dec(in); err != nil {
		return nil, err
	}
	if interceptor == nil {
		return srv.(ArchiveServer).Drain(ctx, in)
	}
	info := &grpc.UnaryServerInfo{
		Server:     srv,
		FullMethod: Archive_Drain_FullMethodName,
	}
	handler := func(ctx context.Context, req interface{}) (interface{}, error) {
		return srv.(ArchiveServer).Drain(ctx, req.(*DrainRequest))
	}
	return interceptor(ctx, in, info, handler)
}

// Archive_ServiceDesc is the grpc.ServiceDesc for Archive service.
// It's only intended for direct use with grpc.RegisterService,
// and not to be introspected or modified (even as a copy)
var Archive_ServiceDesc = grpc.ServiceDesc{
	ServiceName: "codex.archive.v1.Archive",
	HandlerType: (*ArchiveServer)(nil),
	Methods: []grpc.MethodDesc{
		{
			MethodName: "Describe",
			Handler:    _Archive_Describe_Handler,
		},
		{
			MethodName: "Open",
			Handler:    _Archive_Open_Handler,
		},
		{
			MethodName: "Missing",
			Handler:    _Archive_Missing_Handler,
		},
		{
			MethodName: "Append",
			Handler:    _Archive_Append_Handler,
		},
		{
			MethodName: "Purge",
			Handler:    _Archive_Purge_Handler,
		},
		{
			MethodName: "Health",
			Handler:    _Archive_Health_Handler,
		},
		{
			MethodName: "Inspect",
			Handler:    _Archive_Inspect_Handler,
		},
		{
			MethodName: "Drain",
			Handler:    _Archive_Drain_Handler,
		},
	},
	Streams: []grpc.StreamDesc{
		{
			StreamName:    "Put",
			Handler:       _Archive_Put_Handler,
			ClientStreams: true,
		},
		{
			StreamName:    "Get",
			Handler:       _Archive_Get_Handler,
			ServerStreams: true,
		},
		{
			StreamName:    "List",
			Handler:       _Archive_List_Handler,
			ServerStreams: true,
		},
	},
	Metadata: "archive.proto",
}
