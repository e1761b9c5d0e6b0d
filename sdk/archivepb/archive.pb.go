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

// Code generated by protoc-gen-go. DO NOT EDIT.
// versions:
// 	protoc-gen-go v1.36.12
// 	protoc        (unknown)
// source: archive.proto

package archivepb

import (
	protoreflect "google.golang.org/protobuf/reflect/protoreflect"
	protoimpl "google.golang.org/protobuf/runtime/protoimpl"
	reflect "reflect"
	sync "sync"
	unsafe "unsafe"
)

const (
	// Verify that this generated code is sufficiently up-to-date.
	_ = protoimpl.EnforceVersion(20 - protoimpl.MinVersion)
	// Verify that runtime/protoimpl is sufficiently up-to-date.
	_ = protoimpl.EnforceVersion(protoimpl.MaxVersion - 20)
)

// Mode says what Open may do.
type Mode int32

const (
	Mode_MODE_READ_ONLY  Mode = 0 // open what exists and never write a byte, not even beside it
	Mode_MODE_READ_WRITE Mode = 1 // open what exists
	Mode_MODE_CREATE     Mode = 2 // also make an archive in an empty database
	Mode_MODE_UPGRADE    Mode = 3 // also bring an older schema up to date
)

// Enum value maps for Mode.
var (
	Mode_name = map[int32]string{
		0: "MODE_READ_ONLY",
		1: "MODE_READ_WRITE",
		2: "MODE_CREATE",
		3: "MODE_UPGRADE",
	}
	Mode_value = map[string]int32{
		"MODE_READ_ONLY":  0,
		"MODE_READ_WRITE": 1,
		"MODE_CREATE":     2,
		"MODE_UPGRADE":    3,
	}
)

func (x Mode) Enum() *Mode {
	p := new(Mode)
	*p = x
	return p
}

func (x Mode) String() string {
	return protoimpl.X.EnumStringOf(x.Descriptor(), protoreflect.EnumNumber(x))
}

func (Mode) Descriptor() protoreflect.EnumDescriptor {
	return file_archive_proto_enumTypes[0].Descriptor()
}

func (Mode) Type() protoreflect.EnumType {
	return &file_archive_proto_enumTypes[0]
}

func (x Mode) Number() protoreflect.EnumNumber {
	return protoreflect.EnumNumber(x)
}

// Deprecated: Use Mode.Descriptor instead.
func (Mode) EnumDescriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{0}
}

// Kind says what happened; sdk/errors.go describes each.
type Kind int32

const (
	Kind_KIND_UNSPECIFIED       Kind = 0
	Kind_KIND_INTERNAL          Kind = 1
	Kind_KIND_INVALID           Kind = 2
	Kind_KIND_NOT_FOUND         Kind = 3
	Kind_KIND_CONFLICT          Kind = 4
	Kind_KIND_PURGED            Kind = 5
	Kind_KIND_CONTENT_ABSENT    Kind = 6
	Kind_KIND_CORRUPT           Kind = 7
	Kind_KIND_UNAVAILABLE       Kind = 8
	Kind_KIND_BUSY              Kind = 9
	Kind_KIND_TIMEOUT           Kind = 10
	Kind_KIND_CANCELED          Kind = 11
	Kind_KIND_UNAUTHENTICATED   Kind = 12
	Kind_KIND_PERMISSION_DENIED Kind = 13
	Kind_KIND_NO_ARCHIVE        Kind = 14
	Kind_KIND_SCHEMA            Kind = 15
	Kind_KIND_FULL              Kind = 16
	Kind_KIND_LIMIT             Kind = 17
	Kind_KIND_REFUSED           Kind = 18
	Kind_KIND_UNSUPPORTED       Kind = 19
	Kind_KIND_CRASHED           Kind = 20
	Kind_KIND_NOT_STARTED       Kind = 21
)

// Enum value maps for Kind.
var (
	Kind_name = map[int32]string{
		0:  "KIND_UNSPECIFIED",
		1:  "KIND_INTERNAL",
		2:  "KIND_INVALID",
		3:  "KIND_NOT_FOUND",
		4:  "KIND_CONFLICT",
		5:  "KIND_PURGED",
		6:  "KIND_CONTENT_ABSENT",
		7:  "KIND_CORRUPT",
		8:  "KIND_UNAVAILABLE",
		9:  "KIND_BUSY",
		10: "KIND_TIMEOUT",
		11: "KIND_CANCELED",
		12: "KIND_UNAUTHENTICATED",
		13: "KIND_PERMISSION_DENIED",
		14: "KIND_NO_ARCHIVE",
		15: "KIND_SCHEMA",
		16: "KIND_FULL",
		17: "KIND_LIMIT",
		18: "KIND_REFUSED",
		19: "KIND_UNSUPPORTED",
		20: "KIND_CRASHED",
		21: "KIND_NOT_STARTED",
	}
	Kind_value = map[string]int32{
		"KIND_UNSPECIFIED":       0,
		"KIND_INTERNAL":          1,
		"KIND_INVALID":           2,
		"KIND_NOT_FOUND":         3,
		"KIND_CONFLICT":          4,
		"KIND_PURGED":            5,
		"KIND_CONTENT_ABSENT":    6,
		"KIND_CORRUPT":           7,
		"KIND_UNAVAILABLE":       8,
		"KIND_BUSY":              9,
		"KIND_TIMEOUT":           10,
		"KIND_CANCELED":          11,
		"KIND_UNAUTHENTICATED":   12,
		"KIND_PERMISSION_DENIED": 13,
		"KIND_NO_ARCHIVE":        14,
		"KIND_SCHEMA":            15,
		"KIND_FULL":              16,
		"KIND_LIMIT":             17,
		"KIND_REFUSED":           18,
		"KIND_UNSUPPORTED":       19,
		"KIND_CRASHED":           20,
		"KIND_NOT_STARTED":       21,
	}
)

func (x Kind) Enum() *Kind {
	p := new(Kind)
	*p = x
	return p
}

func (x Kind) String() string {
	return protoimpl.X.EnumStringOf(x.Descriptor(), protoreflect.EnumNumber(x))
}

func (Kind) Descriptor() protoreflect.EnumDescriptor {
	return file_archive_proto_enumTypes[1].Descriptor()
}

func (Kind) Type() protoreflect.EnumType {
	return &file_archive_proto_enumTypes[1]
}

func (x Kind) Number() protoreflect.EnumNumber {
	return protoreflect.EnumNumber(x)
}

// Deprecated: Use Kind.Descriptor instead.
func (Kind) EnumDescriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{1}
}

// Effect says what a failed call may have left behind.
type Effect int32

const (
	Effect_EFFECT_NONE    Effect = 0 // surely nothing was changed
	Effect_EFFECT_MAYBE   Effect = 1 // the connection went at or after COMMIT
	Effect_EFFECT_APPLIED Effect = 2 // the change was made, only the answer was lost
)

// Enum value maps for Effect.
var (
	Effect_name = map[int32]string{
		0: "EFFECT_NONE",
		1: "EFFECT_MAYBE",
		2: "EFFECT_APPLIED",
	}
	Effect_value = map[string]int32{
		"EFFECT_NONE":    0,
		"EFFECT_MAYBE":   1,
		"EFFECT_APPLIED": 2,
	}
)

func (x Effect) Enum() *Effect {
	p := new(Effect)
	*p = x
	return p
}

func (x Effect) String() string {
	return protoimpl.X.EnumStringOf(x.Descriptor(), protoreflect.EnumNumber(x))
}

func (Effect) Descriptor() protoreflect.EnumDescriptor {
	return file_archive_proto_enumTypes[2].Descriptor()
}

func (Effect) Type() protoreflect.EnumType {
	return &file_archive_proto_enumTypes[2]
}

func (x Effect) Number() protoreflect.EnumNumber {
	return protoreflect.EnumNumber(x)
}

// Deprecated: Use Effect.Descriptor instead.
func (Effect) EnumDescriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{2}
}

type DescribeRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Protocol      uint32                 `protobuf:"varint,1,opt,name=protocol,proto3" json:"protocol,omitempty"` // version that was agreed on in the handshake; 0: there was none
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *DescribeRequest) Reset() {
	*x = DescribeRequest{}
	mi := &file_archive_proto_msgTypes[0]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *DescribeRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*DescribeRequest) ProtoMessage() {}

func (x *DescribeRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[0]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use DescribeRequest.ProtoReflect.Descriptor instead.
func (*DescribeRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{0}
}

func (x *DescribeRequest) GetProtocol() uint32 {
	if x != nil {
		return x.Protocol
	}
	return 0
}

type DescribeReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Description   *Description           `protobuf:"bytes,1,opt,name=description,proto3" json:"description,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *DescribeReply) Reset() {
	*x = DescribeReply{}
	mi := &file_archive_proto_msgTypes[1]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *DescribeReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*DescribeReply) ProtoMessage() {}

func (x *DescribeReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[1]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use DescribeReply.ProtoReflect.Descriptor instead.
func (*DescribeReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{1}
}

func (x *DescribeReply) GetDescription() *Description {
	if x != nil {
		return x.Description
	}
	return nil
}

// Description says what a backend is.
type Description struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Name          string                 `protobuf:"bytes,1,opt,name=name,proto3" json:"name,omitempty"`                             // the NAME of codex-archive-NAME
	Version       string                 `protobuf:"bytes,2,opt,name=version,proto3" json:"version,omitempty"`                       // of the program, for people
	Protocol      uint32                 `protobuf:"varint,3,opt,name=protocol,proto3" json:"protocol,omitempty"`                    // version of the request, where the backend speaks it, else the lowest that it speaks
	Schemes       []string               `protobuf:"bytes,4,rep,name=schemes,proto3" json:"schemes,omitempty"`                       // of the URLs it takes, such as "postgres"
	MaxItems      uint32                 `protobuf:"varint,5,opt,name=max_items,json=maxItems,proto3" json:"max_items,omitempty"`    // items of one call: 1000
	ChunkSize     uint32                 `protobuf:"varint,6,opt,name=chunk_size,json=chunkSize,proto3" json:"chunk_size,omitempty"` // bytes of one chunk: 262144
	Protocols     []uint32               `protobuf:"varint,7,rep,packed,name=protocols,proto3" json:"protocols,omitempty"`           // all versions that it speaks; absent: protocol only
	Capabilities  []string               `protobuf:"bytes,8,rep,name=capabilities,proto3" json:"capabilities,omitempty"`             // optional abilities: lower-case letters, digits and hyphens, at most 64 bytes each, at most 100
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Description) Reset() {
	*x = Description{}
	mi := &file_archive_proto_msgTypes[2]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Description) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Description) ProtoMessage() {}

func (x *Description) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[2]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Description.ProtoReflect.Descriptor instead.
func (*Description) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{2}
}

func (x *Description) GetName() string {
	if x != nil {
		return x.Name
	}
	return ""
}

func (x *Description) GetVersion() string {
	if x != nil {
		return x.Version
	}
	return ""
}

func (x *Description) GetProtocol() uint32 {
	if x != nil {
		return x.Protocol
	}
	return 0
}

func (x *Description) GetSchemes() []string {
	if x != nil {
		return x.Schemes
	}
	return nil
}

func (x *Description) GetMaxItems() uint32 {
	if x != nil {
		return x.MaxItems
	}
	return 0
}

func (x *Description) GetChunkSize() uint32 {
	if x != nil {
		return x.ChunkSize
	}
	return 0
}

func (x *Description) GetProtocols() []uint32 {
	if x != nil {
		return x.Protocols
	}
	return nil
}

func (x *Description) GetCapabilities() []string {
	if x != nil {
		return x.Capabilities
	}
	return nil
}

type OpenRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Url           []byte                 `protobuf:"bytes,1,opt,name=url,proto3" json:"url,omitempty"`           // as configured, secrets included
	Password      []byte                 `protobuf:"bytes,2,opt,name=password,proto3" json:"password,omitempty"` // where not empty, takes the place of one in the URL
	Dir           []byte                 `protobuf:"bytes,3,opt,name=dir,proto3" json:"dir,omitempty"`           // absolute directory that relative paths in the URL start from
	Mode          Mode                   `protobuf:"varint,4,opt,name=mode,proto3,enum=codex.archive.v1.Mode" json:"mode,omitempty"`
	Parallel      uint32                 `protobuf:"varint,5,opt,name=parallel,proto3" json:"parallel,omitempty"` // calls at once, 1 to 32
	Protocol      uint32                 `protobuf:"varint,6,opt,name=protocol,proto3" json:"protocol,omitempty"` // version agreed on; one that the backend does not speak is refused as unsupported, naming both
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *OpenRequest) Reset() {
	*x = OpenRequest{}
	mi := &file_archive_proto_msgTypes[3]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *OpenRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*OpenRequest) ProtoMessage() {}

func (x *OpenRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[3]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use OpenRequest.ProtoReflect.Descriptor instead.
func (*OpenRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{3}
}

func (x *OpenRequest) GetUrl() []byte {
	if x != nil {
		return x.Url
	}
	return nil
}

func (x *OpenRequest) GetPassword() []byte {
	if x != nil {
		return x.Password
	}
	return nil
}

func (x *OpenRequest) GetDir() []byte {
	if x != nil {
		return x.Dir
	}
	return nil
}

func (x *OpenRequest) GetMode() Mode {
	if x != nil {
		return x.Mode
	}
	return Mode_MODE_READ_ONLY
}

func (x *OpenRequest) GetParallel() uint32 {
	if x != nil {
		return x.Parallel
	}
	return 0
}

func (x *OpenRequest) GetProtocol() uint32 {
	if x != nil {
		return x.Protocol
	}
	return 0
}

type OpenReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Description   *Description           `protobuf:"bytes,1,opt,name=description,proto3" json:"description,omitempty"` // spares the host a Describe
	Archive       []byte                 `protobuf:"bytes,2,opt,name=archive,proto3" json:"archive,omitempty"`         // with the capability "identity": identity of the archive, as in HealthReply
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *OpenReply) Reset() {
	*x = OpenReply{}
	mi := &file_archive_proto_msgTypes[4]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *OpenReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*OpenReply) ProtoMessage() {}

func (x *OpenReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[4]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use OpenReply.ProtoReflect.Descriptor instead.
func (*OpenReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{4}
}

func (x *OpenReply) GetDescription() *Description {
	if x != nil {
		return x.Description
	}
	return nil
}

func (x *OpenReply) GetArchive() []byte {
	if x != nil {
		return x.Archive
	}
	return nil
}

// Content names the plain bytes of a file and describes the body that holds them.
type Content struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Sha256        []byte                 `protobuf:"bytes,1,opt,name=sha256,proto3" json:"sha256,omitempty"`                                 // of the plain bytes
	Size          int64                  `protobuf:"varint,2,opt,name=size,proto3" json:"size,omitempty"`                                    // plain bytes
	Codec         string                 `protobuf:"bytes,3,opt,name=codec,proto3" json:"codec,omitempty"`                                   // "zstd", "none" or "zstd+age"; stored, not acted upon
	StoredSize    int64                  `protobuf:"zigzag64,4,opt,name=stored_size,json=storedSize,proto3" json:"stored_size,omitempty"`    // bytes of the body; -1: not known before its end, or in an Entry: the row cannot be true
	Crc32C        uint32                 `protobuf:"fixed32,5,opt,name=crc32c,proto3" json:"crc32c,omitempty"`                               // Castagnoli, of the body; 0 while stored_size is -1
	StoredSha256  []byte                 `protobuf:"bytes,6,opt,name=stored_sha256,json=storedSha256,proto3" json:"stored_sha256,omitempty"` // of the body; absent while stored_size is -1, else required
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Content) Reset() {
	*x = Content{}
	mi := &file_archive_proto_msgTypes[5]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Content) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Content) ProtoMessage() {}

func (x *Content) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[5]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Content.ProtoReflect.Descriptor instead.
func (*Content) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{5}
}

func (x *Content) GetSha256() []byte {
	if x != nil {
		return x.Sha256
	}
	return nil
}

func (x *Content) GetSize() int64 {
	if x != nil {
		return x.Size
	}
	return 0
}

func (x *Content) GetCodec() string {
	if x != nil {
		return x.Codec
	}
	return ""
}

func (x *Content) GetStoredSize() int64 {
	if x != nil {
		return x.StoredSize
	}
	return 0
}

func (x *Content) GetCrc32C() uint32 {
	if x != nil {
		return x.Crc32C
	}
	return 0
}

func (x *Content) GetStoredSha256() []byte {
	if x != nil {
		return x.StoredSha256
	}
	return nil
}

// Record is a retired file.
//
// Missing in Put is INVALID_ARGUMENT: tombstone, event, set, digest, content with
// sha256 and codec, repo, path, reason, content_kind, archived_by, archived_at,
// type. So is a time outside the years 1 to 9999, and a word of type, git_blob or
// work_tree_state that is none of those named, and a size above 2^50. Too long is OUT_OF_RANGE: repo,
// commit, reason, content_kind, archived_by, host, codec, a tag or a key of
// metadata above 1 KiB, a path above 4 KiB, note, or metadata in all, above
// 64 KiB, more than 100 tags.
//
// digest is a SHA-256 of what was said when the record was stored. The host
// computes and checks it (docs/format.md says how); a backend stores it and
// returns it unchanged. Two records under one tombstone are the same, and the
// second a repeat, when their event and their digest are.
type Record struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Tombstone     []byte                 `protobuf:"bytes,1,opt,name=tombstone,proto3" json:"tombstone,omitempty"`
	Event         []byte                 `protobuf:"bytes,2,opt,name=event,proto3" json:"event,omitempty"` // id of the ARCHIVE event, which the record is
	Content       *Content               `protobuf:"bytes,3,opt,name=content,proto3" json:"content,omitempty"`
	Repo          string                 `protobuf:"bytes,4,opt,name=repo,proto3" json:"repo,omitempty"`
	Path          []byte                 `protobuf:"bytes,5,opt,name=path,proto3" json:"path,omitempty"`
	WorkTreePath  []byte                 `protobuf:"bytes,6,opt,name=work_tree_path,json=workTreePath,proto3" json:"work_tree_path,omitempty"`
	Commit        string                 `protobuf:"bytes,7,opt,name=commit,proto3" json:"commit,omitempty"`
	Reason        string                 `protobuf:"bytes,8,opt,name=reason,proto3" json:"reason,omitempty"`
	ContentKind   string                 `protobuf:"bytes,9,opt,name=content_kind,json=contentKind,proto3" json:"content_kind,omitempty"`
	Note          string                 `protobuf:"bytes,10,opt,name=note,proto3" json:"note,omitempty"`
	Tags          []string               `protobuf:"bytes,11,rep,name=tags,proto3" json:"tags,omitempty"` // sorted, each once
	Metadata      map[string]string      `protobuf:"bytes,12,rep,name=metadata,proto3" json:"metadata,omitempty" protobuf_key:"bytes,1,opt,name=key" protobuf_val:"bytes,2,opt,name=value"`
	Mode          uint32                 `protobuf:"varint,13,opt,name=mode,proto3" json:"mode,omitempty"` // permission bits, 0 to 0777
	ModTime       *int64                 `protobuf:"zigzag64,14,opt,name=mod_time,json=modTime,proto3,oneof" json:"mod_time,omitempty"`
	ArchivedBy    string                 `protobuf:"bytes,15,opt,name=archived_by,json=archivedBy,proto3" json:"archived_by,omitempty"`
	ArchivedAt    *int64                 `protobuf:"zigzag64,16,opt,name=archived_at,json=archivedAt,proto3,oneof" json:"archived_at,omitempty"`
	RetainUntil   *int64                 `protobuf:"zigzag64,17,opt,name=retain_until,json=retainUntil,proto3,oneof" json:"retain_until,omitempty"`
	PurgedAt      *int64                 `protobuf:"zigzag64,18,opt,name=purged_at,json=purgedAt,proto3,oneof" json:"purged_at,omitempty"` // set by the backend; in Put it counts beside a PURGE of the history
	Digest        []byte                 `protobuf:"bytes,19,opt,name=digest,proto3" json:"digest,omitempty"`
	RetainAtStore *int64                 `protobuf:"zigzag64,20,opt,name=retain_at_store,json=retainAtStore,proto3,oneof" json:"retain_at_store,omitempty"` // retain_until as it was when stored; never changes
	Set           []byte                 `protobuf:"bytes,21,opt,name=set,proto3" json:"set,omitempty"`                                                     // UUID of the run that stored the record
	Type          string                 `protobuf:"bytes,22,opt,name=type,proto3" json:"type,omitempty"`                                                   // "file" or "symlink"
	GitBlob       string                 `protobuf:"bytes,23,opt,name=git_blob,json=gitBlob,proto3" json:"git_blob,omitempty"`                              // git's object id of the plain bytes, 40 or 64 lower-case hex digits; or ""
	WorkTreeState string                 `protobuf:"bytes,24,opt,name=work_tree_state,json=workTreeState,proto3" json:"work_tree_state,omitempty"`          // "clean", "modified", "untracked" or ""
	Host          string                 `protobuf:"bytes,25,opt,name=host,proto3" json:"host,omitempty"`                                                   // name of the machine that stored the record
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Record) Reset() {
	*x = Record{}
	mi := &file_archive_proto_msgTypes[6]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Record) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Record) ProtoMessage() {}

func (x *Record) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[6]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Record.ProtoReflect.Descriptor instead.
func (*Record) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{6}
}

func (x *Record) GetTombstone() []byte {
	if x != nil {
		return x.Tombstone
	}
	return nil
}

func (x *Record) GetEvent() []byte {
	if x != nil {
		return x.Event
	}
	return nil
}

func (x *Record) GetContent() *Content {
	if x != nil {
		return x.Content
	}
	return nil
}

func (x *Record) GetRepo() string {
	if x != nil {
		return x.Repo
	}
	return ""
}

func (x *Record) GetPath() []byte {
	if x != nil {
		return x.Path
	}
	return nil
}

func (x *Record) GetWorkTreePath() []byte {
	if x != nil {
		return x.WorkTreePath
	}
	return nil
}

func (x *Record) GetCommit() string {
	if x != nil {
		return x.Commit
	}
	return ""
}

func (x *Record) GetReason() string {
	if x != nil {
		return x.Reason
	}
	return ""
}

func (x *Record) GetContentKind() string {
	if x != nil {
		return x.ContentKind
	}
	return ""
}

func (x *Record) GetNote() string {
	if x != nil {
		return x.Note
	}
	return ""
}

func (x *Record) GetTags() []string {
	if x != nil {
		return x.Tags
	}
	return nil
}

func (x *Record) GetMetadata() map[string]string {
	if x != nil {
		return x.Metadata
	}
	return nil
}

func (x *Record) GetMode() uint32 {
	if x != nil {
		return x.Mode
	}
	return 0
}

func (x *Record) GetModTime() int64 {
	if x != nil && x.ModTime != nil {
		return *x.ModTime
	}
	return 0
}

func (x *Record) GetArchivedBy() string {
	if x != nil {
		return x.ArchivedBy
	}
	return ""
}

func (x *Record) GetArchivedAt() int64 {
	if x != nil && x.ArchivedAt != nil {
		return *x.ArchivedAt
	}
	return 0
}

func (x *Record) GetRetainUntil() int64 {
	if x != nil && x.RetainUntil != nil {
		return *x.RetainUntil
	}
	return 0
}

func (x *Record) GetPurgedAt() int64 {
	if x != nil && x.PurgedAt != nil {
		return *x.PurgedAt
	}
	return 0
}

func (x *Record) GetDigest() []byte {
	if x != nil {
		return x.Digest
	}
	return nil
}

func (x *Record) GetRetainAtStore() int64 {
	if x != nil && x.RetainAtStore != nil {
		return *x.RetainAtStore
	}
	return 0
}

func (x *Record) GetSet() []byte {
	if x != nil {
		return x.Set
	}
	return nil
}

func (x *Record) GetType() string {
	if x != nil {
		return x.Type
	}
	return ""
}

func (x *Record) GetGitBlob() string {
	if x != nil {
		return x.GitBlob
	}
	return ""
}

func (x *Record) GetWorkTreeState() string {
	if x != nil {
		return x.WorkTreeState
	}
	return ""
}

func (x *Record) GetHost() string {
	if x != nil {
		return x.Host
	}
	return ""
}

// Event is one line of a record's history, or, where its action is VERIFY, of that
// of the archive: such an event has no tombstone. Missing is INVALID_ARGUMENT: id,
// tombstone, action, actor, at; case with HOLD and RELEASE, and no other action
// has one; the same of retain_until and RETAIN. Limits: actor, case and host
// 1 KiB, detail in all 64 KiB. Two events under one id are the same, and the
// second a repeat, when every field but detail and no_effect is.
type Event struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Id            []byte                 `protobuf:"bytes,1,opt,name=id,proto3" json:"id,omitempty"`
	Tombstone     []byte                 `protobuf:"bytes,2,opt,name=tombstone,proto3" json:"tombstone,omitempty"`
	Action        string                 `protobuf:"bytes,3,opt,name=action,proto3" json:"action,omitempty"` // RESTORE, HOLD, RELEASE, RETAIN, PRUNE_REQUEST, VERIFY; read also ARCHIVE and PURGE
	Actor         string                 `protobuf:"bytes,4,opt,name=actor,proto3" json:"actor,omitempty"`
	At            *int64                 `protobuf:"zigzag64,5,opt,name=at,proto3,oneof" json:"at,omitempty"`
	Case          string                 `protobuf:"bytes,6,opt,name=case,proto3" json:"case,omitempty"`                                           // HOLD and RELEASE
	RetainUntil   *int64                 `protobuf:"zigzag64,7,opt,name=retain_until,json=retainUntil,proto3,oneof" json:"retain_until,omitempty"` // RETAIN
	Detail        map[string]string      `protobuf:"bytes,8,rep,name=detail,proto3" json:"detail,omitempty" protobuf_key:"bytes,1,opt,name=key" protobuf_val:"bytes,2,opt,name=value"`
	Host          string                 `protobuf:"bytes,9,opt,name=host,proto3" json:"host,omitempty"`                           // name of the machine
	NoEffect      bool                   `protobuf:"varint,10,opt,name=no_effect,json=noEffect,proto3" json:"no_effect,omitempty"` // set by the server: HOLD and RELEASE that placed or released no hold
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Event) Reset() {
	*x = Event{}
	mi := &file_archive_proto_msgTypes[7]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Event) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Event) ProtoMessage() {}

func (x *Event) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[7]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Event.ProtoReflect.Descriptor instead.
func (*Event) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{7}
}

func (x *Event) GetId() []byte {
	if x != nil {
		return x.Id
	}
	return nil
}

func (x *Event) GetTombstone() []byte {
	if x != nil {
		return x.Tombstone
	}
	return nil
}

func (x *Event) GetAction() string {
	if x != nil {
		return x.Action
	}
	return ""
}

func (x *Event) GetActor() string {
	if x != nil {
		return x.Actor
	}
	return ""
}

func (x *Event) GetAt() int64 {
	if x != nil && x.At != nil {
		return *x.At
	}
	return 0
}

func (x *Event) GetCase() string {
	if x != nil {
		return x.Case
	}
	return ""
}

func (x *Event) GetRetainUntil() int64 {
	if x != nil && x.RetainUntil != nil {
		return *x.RetainUntil
	}
	return 0
}

func (x *Event) GetDetail() map[string]string {
	if x != nil {
		return x.Detail
	}
	return nil
}

func (x *Event) GetHost() string {
	if x != nil {
		return x.Host
	}
	return ""
}

func (x *Event) GetNoEffect() bool {
	if x != nil {
		return x.NoEffect
	}
	return false
}

// Hold is a case that forbids purging a record while it is active.
type Hold struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Case          string                 `protobuf:"bytes,1,opt,name=case,proto3" json:"case,omitempty"`
	Placed        *int64                 `protobuf:"zigzag64,2,opt,name=placed,proto3,oneof" json:"placed,omitempty"`
	PlacedBy      string                 `protobuf:"bytes,3,opt,name=placed_by,json=placedBy,proto3" json:"placed_by,omitempty"`
	Released      *int64                 `protobuf:"zigzag64,4,opt,name=released,proto3,oneof" json:"released,omitempty"` // absent while it is active
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Hold) Reset() {
	*x = Hold{}
	mi := &file_archive_proto_msgTypes[8]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Hold) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Hold) ProtoMessage() {}

func (x *Hold) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[8]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Hold.ProtoReflect.Descriptor instead.
func (*Hold) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{8}
}

func (x *Hold) GetCase() string {
	if x != nil {
		return x.Case
	}
	return ""
}

func (x *Hold) GetPlaced() int64 {
	if x != nil && x.Placed != nil {
		return *x.Placed
	}
	return 0
}

func (x *Hold) GetPlacedBy() string {
	if x != nil {
		return x.PlacedBy
	}
	return ""
}

func (x *Hold) GetReleased() int64 {
	if x != nil && x.Released != nil {
		return *x.Released
	}
	return 0
}

type PutFrame struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Parts         []*PutPart             `protobuf:"bytes,1,rep,name=parts,proto3" json:"parts,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *PutFrame) Reset() {
	*x = PutFrame{}
	mi := &file_archive_proto_msgTypes[9]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *PutFrame) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*PutFrame) ProtoMessage() {}

func (x *PutFrame) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[9]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use PutFrame.ProtoReflect.Descriptor instead.
func (*PutFrame) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{9}
}

func (x *PutFrame) GetParts() []*PutPart {
	if x != nil {
		return x.Parts
	}
	return nil
}

type PutPart struct {
	state protoimpl.MessageState `protogen:"open.v1"`
	// Types that are valid to be assigned to Part:
	//
	//	*PutPart_Header
	//	*PutPart_Chunk
	//	*PutPart_End
	//	*PutPart_Commit
	//	*PutPart_Event
	//	*PutPart_Hold
	Part          isPutPart_Part `protobuf_oneof:"part"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *PutPart) Reset() {
	*x = PutPart{}
	mi := &file_archive_proto_msgTypes[10]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *PutPart) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*PutPart) ProtoMessage() {}

func (x *PutPart) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[10]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use PutPart.ProtoReflect.Descriptor instead.
func (*PutPart) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{10}
}

func (x *PutPart) GetPart() isPutPart_Part {
	if x != nil {
		return x.Part
	}
	return nil
}

func (x *PutPart) GetHeader() *PutHeader {
	if x != nil {
		if x, ok := x.Part.(*PutPart_Header); ok {
			return x.Header
		}
	}
	return nil
}

func (x *PutPart) GetChunk() []byte {
	if x != nil {
		if x, ok := x.Part.(*PutPart_Chunk); ok {
			return x.Chunk
		}
	}
	return nil
}

func (x *PutPart) GetEnd() *BodyEnd {
	if x != nil {
		if x, ok := x.Part.(*PutPart_End); ok {
			return x.End
		}
	}
	return nil
}

func (x *PutPart) GetCommit() *Commit {
	if x != nil {
		if x, ok := x.Part.(*PutPart_Commit); ok {
			return x.Commit
		}
	}
	return nil
}

func (x *PutPart) GetEvent() *Event {
	if x != nil {
		if x, ok := x.Part.(*PutPart_Event); ok {
			return x.Event
		}
	}
	return nil
}

func (x *PutPart) GetHold() *Hold {
	if x != nil {
		if x, ok := x.Part.(*PutPart_Hold); ok {
			return x.Hold
		}
	}
	return nil
}

type isPutPart_Part interface {
	isPutPart_Part()
}

type PutPart_Header struct {
	Header *PutHeader `protobuf:"bytes,1,opt,name=header,proto3,oneof"`
}

type PutPart_Chunk struct {
	Chunk []byte `protobuf:"bytes,2,opt,name=chunk,proto3,oneof"`
}

type PutPart_End struct {
	End *BodyEnd `protobuf:"bytes,3,opt,name=end,proto3,oneof"` // of an item, body or not
}

type PutPart_Commit struct {
	Commit *Commit `protobuf:"bytes,4,opt,name=commit,proto3,oneof"`
}

type PutPart_Event struct {
	Event *Event `protobuf:"bytes,5,opt,name=event,proto3,oneof"` // of the history of the item whose header came last
}

type PutPart_Hold struct {
	Hold *Hold `protobuf:"bytes,6,opt,name=hold,proto3,oneof"` // likewise
}

func (*PutPart_Header) isPutPart_Part() {}

func (*PutPart_Chunk) isPutPart_Part() {}

func (*PutPart_End) isPutPart_Part() {}

func (*PutPart_Commit) isPutPart_Part() {}

func (*PutPart_Event) isPutPart_Part() {}

func (*PutPart_Hold) isPutPart_Part() {}

// PutHeader begins an item.
type PutHeader struct {
	state  protoimpl.MessageState `protogen:"open.v1"`
	Record *Record                `protobuf:"bytes,1,opt,name=record,proto3" json:"record,omitempty"`
	Body   bool                   `protobuf:"varint,2,opt,name=body,proto3" json:"body,omitempty"` // chunks follow; an empty body has none. false: the content is believed present
	// Where it is present: SHA-256 of the body whose place this body takes although
	// it is intact. If the archive has another intact body, that one stays.
	// INVALID_ARGUMENT without a body.
	Replaces      []byte `protobuf:"bytes,3,opt,name=replaces,proto3" json:"replaces,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *PutHeader) Reset() {
	*x = PutHeader{}
	mi := &file_archive_proto_msgTypes[11]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *PutHeader) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*PutHeader) ProtoMessage() {}

func (x *PutHeader) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[11]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use PutHeader.ProtoReflect.Descriptor instead.
func (*PutHeader) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{11}
}

func (x *PutHeader) GetRecord() *Record {
	if x != nil {
		return x.Record
	}
	return nil
}

func (x *PutHeader) GetBody() bool {
	if x != nil {
		return x.Body
	}
	return false
}

func (x *PutHeader) GetReplaces() []byte {
	if x != nil {
		return x.Replaces
	}
	return nil
}

// BodyEnd proves a body: it describes what was sent. Without a body both fields
// are 0.
type BodyEnd struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	StoredSize    int64                  `protobuf:"varint,1,opt,name=stored_size,json=storedSize,proto3" json:"stored_size,omitempty"`
	Crc32C        uint32                 `protobuf:"fixed32,2,opt,name=crc32c,proto3" json:"crc32c,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *BodyEnd) Reset() {
	*x = BodyEnd{}
	mi := &file_archive_proto_msgTypes[12]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *BodyEnd) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*BodyEnd) ProtoMessage() {}

func (x *BodyEnd) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[12]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use BodyEnd.ProtoReflect.Descriptor instead.
func (*BodyEnd) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{12}
}

func (x *BodyEnd) GetStoredSize() int64 {
	if x != nil {
		return x.StoredSize
	}
	return 0
}

func (x *BodyEnd) GetCrc32C() uint32 {
	if x != nil {
		return x.Crc32C
	}
	return 0
}

// Commit ends a Put and says how many items it had; another count is corrupt.
type Commit struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Items         uint32                 `protobuf:"varint,1,opt,name=items,proto3" json:"items,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Commit) Reset() {
	*x = Commit{}
	mi := &file_archive_proto_msgTypes[13]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Commit) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Commit) ProtoMessage() {}

func (x *Commit) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[13]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Commit.ProtoReflect.Descriptor instead.
func (*Commit) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{13}
}

func (x *Commit) GetItems() uint32 {
	if x != nil {
		return x.Items
	}
	return 0
}

type PutReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Stored        []*Stored              `protobuf:"bytes,1,rep,name=stored,proto3" json:"stored,omitempty"` // in the order of the items
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *PutReply) Reset() {
	*x = PutReply{}
	mi := &file_archive_proto_msgTypes[14]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *PutReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*PutReply) ProtoMessage() {}

func (x *PutReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[14]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use PutReply.ProtoReflect.Descriptor instead.
func (*PutReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{14}
}

func (x *PutReply) GetStored() []*Stored {
	if x != nil {
		return x.Stored
	}
	return nil
}

// Stored is what became of one item.
type Stored struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Tombstone     []byte                 `protobuf:"bytes,1,opt,name=tombstone,proto3" json:"tombstone,omitempty"`
	Content       *Content               `protobuf:"bytes,2,opt,name=content,proto3" json:"content,omitempty"`            // as the archive keeps it
	Deduplicated  bool                   `protobuf:"varint,3,opt,name=deduplicated,proto3" json:"deduplicated,omitempty"` // the content was present before, and its body stays: this call read it, and it is intact
	Repeated      bool                   `protobuf:"varint,4,opt,name=repeated,proto3" json:"repeated,omitempty"`         // the very record was present before
	Repaired      bool                   `protobuf:"varint,5,opt,name=repaired,proto3" json:"repaired,omitempty"`         // the content was known, its body damaged or missing (not purged), and now replaced
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Stored) Reset() {
	*x = Stored{}
	mi := &file_archive_proto_msgTypes[15]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Stored) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Stored) ProtoMessage() {}

func (x *Stored) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[15]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Stored.ProtoReflect.Descriptor instead.
func (*Stored) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{15}
}

func (x *Stored) GetTombstone() []byte {
	if x != nil {
		return x.Tombstone
	}
	return nil
}

func (x *Stored) GetContent() *Content {
	if x != nil {
		return x.Content
	}
	return nil
}

func (x *Stored) GetDeduplicated() bool {
	if x != nil {
		return x.Deduplicated
	}
	return false
}

func (x *Stored) GetRepeated() bool {
	if x != nil {
		return x.Repeated
	}
	return false
}

func (x *Stored) GetRepaired() bool {
	if x != nil {
		return x.Repaired
	}
	return false
}

type MissingRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Contents      [][]byte               `protobuf:"bytes,1,rep,name=contents,proto3" json:"contents,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *MissingRequest) Reset() {
	*x = MissingRequest{}
	mi := &file_archive_proto_msgTypes[16]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *MissingRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*MissingRequest) ProtoMessage() {}

func (x *MissingRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[16]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use MissingRequest.ProtoReflect.Descriptor instead.
func (*MissingRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{16}
}

func (x *MissingRequest) GetContents() [][]byte {
	if x != nil {
		return x.Contents
	}
	return nil
}

type MissingReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Contents      [][]byte               `protobuf:"bytes,1,rep,name=contents,proto3" json:"contents,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *MissingReply) Reset() {
	*x = MissingReply{}
	mi := &file_archive_proto_msgTypes[17]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *MissingReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*MissingReply) ProtoMessage() {}

func (x *MissingReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[17]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use MissingReply.ProtoReflect.Descriptor instead.
func (*MissingReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{17}
}

func (x *MissingReply) GetContents() [][]byte {
	if x != nil {
		return x.Contents
	}
	return nil
}

type GetRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Tombstones    [][]byte               `protobuf:"bytes,1,rep,name=tombstones,proto3" json:"tombstones,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *GetRequest) Reset() {
	*x = GetRequest{}
	mi := &file_archive_proto_msgTypes[18]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *GetRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*GetRequest) ProtoMessage() {}

func (x *GetRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[18]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use GetRequest.ProtoReflect.Descriptor instead.
func (*GetRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{18}
}

func (x *GetRequest) GetTombstones() [][]byte {
	if x != nil {
		return x.Tombstones
	}
	return nil
}

type GetFrame struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Parts         []*GetPart             `protobuf:"bytes,1,rep,name=parts,proto3" json:"parts,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *GetFrame) Reset() {
	*x = GetFrame{}
	mi := &file_archive_proto_msgTypes[19]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *GetFrame) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*GetFrame) ProtoMessage() {}

func (x *GetFrame) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[19]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use GetFrame.ProtoReflect.Descriptor instead.
func (*GetFrame) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{19}
}

func (x *GetFrame) GetParts() []*GetPart {
	if x != nil {
		return x.Parts
	}
	return nil
}

type GetPart struct {
	state protoimpl.MessageState `protogen:"open.v1"`
	// Types that are valid to be assigned to Part:
	//
	//	*GetPart_Header
	//	*GetPart_Chunk
	//	*GetPart_End
	//	*GetPart_Failure
	//	*GetPart_All
	Part          isGetPart_Part `protobuf_oneof:"part"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *GetPart) Reset() {
	*x = GetPart{}
	mi := &file_archive_proto_msgTypes[20]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *GetPart) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*GetPart) ProtoMessage() {}

func (x *GetPart) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[20]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use GetPart.ProtoReflect.Descriptor instead.
func (*GetPart) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{20}
}

func (x *GetPart) GetPart() isGetPart_Part {
	if x != nil {
		return x.Part
	}
	return nil
}

func (x *GetPart) GetHeader() *Record {
	if x != nil {
		if x, ok := x.Part.(*GetPart_Header); ok {
			return x.Header
		}
	}
	return nil
}

func (x *GetPart) GetChunk() []byte {
	if x != nil {
		if x, ok := x.Part.(*GetPart_Chunk); ok {
			return x.Chunk
		}
	}
	return nil
}

func (x *GetPart) GetEnd() *BodyEnd {
	if x != nil {
		if x, ok := x.Part.(*GetPart_End); ok {
			return x.End
		}
	}
	return nil
}

func (x *GetPart) GetFailure() *Failure {
	if x != nil {
		if x, ok := x.Part.(*GetPart_Failure); ok {
			return x.Failure
		}
	}
	return nil
}

func (x *GetPart) GetAll() *End {
	if x != nil {
		if x, ok := x.Part.(*GetPart_All); ok {
			return x.All
		}
	}
	return nil
}

type isGetPart_Part interface {
	isGetPart_Part()
}

type GetPart_Header struct {
	Header *Record `protobuf:"bytes,1,opt,name=header,proto3,oneof"`
}

type GetPart_Chunk struct {
	Chunk []byte `protobuf:"bytes,2,opt,name=chunk,proto3,oneof"`
}

type GetPart_End struct {
	End *BodyEnd `protobuf:"bytes,3,opt,name=end,proto3,oneof"`
}

type GetPart_Failure struct {
	Failure *Failure `protobuf:"bytes,4,opt,name=failure,proto3,oneof"`
}

type GetPart_All struct {
	All *End `protobuf:"bytes,5,opt,name=all,proto3,oneof"`
}

func (*GetPart_Header) isGetPart_Part() {}

func (*GetPart_Chunk) isGetPart_Part() {}

func (*GetPart_End) isGetPart_Part() {}

func (*GetPart_Failure) isGetPart_Part() {}

func (*GetPart_All) isGetPart_Part() {}

// Failure is what went wrong with one item.
type Failure struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Tombstone     []byte                 `protobuf:"bytes,1,opt,name=tombstone,proto3" json:"tombstone,omitempty"`
	Message       string                 `protobuf:"bytes,2,opt,name=message,proto3" json:"message,omitempty"`
	Error         *ErrorDetail           `protobuf:"bytes,3,opt,name=error,proto3" json:"error,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Failure) Reset() {
	*x = Failure{}
	mi := &file_archive_proto_msgTypes[21]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Failure) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Failure) ProtoMessage() {}

func (x *Failure) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[21]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Failure.ProtoReflect.Descriptor instead.
func (*Failure) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{21}
}

func (x *Failure) GetTombstone() []byte {
	if x != nil {
		return x.Tombstone
	}
	return nil
}

func (x *Failure) GetMessage() string {
	if x != nil {
		return x.Message
	}
	return ""
}

func (x *Failure) GetError() *ErrorDetail {
	if x != nil {
		return x.Error
	}
	return nil
}

// End ends a Get or a List.
type End struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *End) Reset() {
	*x = End{}
	mi := &file_archive_proto_msgTypes[22]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *End) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*End) ProtoMessage() {}

func (x *End) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[22]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use End.ProtoReflect.Descriptor instead.
func (*End) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{22}
}

type ListRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Tombstones    [][]byte               `protobuf:"bytes,1,rep,name=tombstones,proto3" json:"tombstones,omitempty"`
	Prefix        string                 `protobuf:"bytes,2,opt,name=prefix,proto3" json:"prefix,omitempty"` // tombstones that begin so, in the usual form of a UUID; fewer than 8 characters: INVALID_ARGUMENT
	Events        [][]byte               `protobuf:"bytes,3,rep,name=events,proto3" json:"events,omitempty"` // records with one of these events
	Repo          string                 `protobuf:"bytes,4,opt,name=repo,proto3" json:"repo,omitempty"`
	Path          []byte                 `protobuf:"bytes,5,opt,name=path,proto3" json:"path,omitempty"`            // path or work_tree_path is this, or begins with this and "/"; slashes at its end do not count
	Since         *int64                 `protobuf:"zigzag64,6,opt,name=since,proto3,oneof" json:"since,omitempty"` // archived at or after
	Until         *int64                 `protobuf:"zigzag64,7,opt,name=until,proto3,oneof" json:"until,omitempty"` // archived before
	Actor         string                 `protobuf:"bytes,8,opt,name=actor,proto3" json:"actor,omitempty"`
	Reason        string                 `protobuf:"bytes,9,opt,name=reason,proto3" json:"reason,omitempty"`
	Tag           string                 `protobuf:"bytes,10,opt,name=tag,proto3" json:"tag,omitempty"`
	Limit         uint32                 `protobuf:"varint,11,opt,name=limit,proto3" json:"limit,omitempty"` // 0: all
	WithEvents    bool                   `protobuf:"varint,12,opt,name=with_events,json=withEvents,proto3" json:"with_events,omitempty"`
	WithHolds     bool                   `protobuf:"varint,13,opt,name=with_holds,json=withHolds,proto3" json:"with_holds,omitempty"`
	Set           []byte                 `protobuf:"bytes,14,opt,name=set,proto3" json:"set,omitempty"`                               // stored by this run
	Sha256        []byte                 `protobuf:"bytes,15,opt,name=sha256,proto3" json:"sha256,omitempty"`                         // of the plain bytes
	Commit        string                 `protobuf:"bytes,16,opt,name=commit,proto3" json:"commit,omitempty"`                         // commit begins so
	Name          []byte                 `protobuf:"bytes,17,opt,name=name,proto3" json:"name,omitempty"`                             // pattern for what follows the last "/" of path: * ? [a-z] [^a-z] and \ before a sign
	Match         []byte                 `protobuf:"bytes,18,opt,name=match,proto3" json:"match,omitempty"`                           // note, path, work_tree_path, a key or a value of metadata holds this; A to Z match in either case
	OfArchive     bool                   `protobuf:"varint,19,opt,name=of_archive,json=ofArchive,proto3" json:"of_archive,omitempty"` // the events of the archive instead of records; only events and limit select among them
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ListRequest) Reset() {
	*x = ListRequest{}
	mi := &file_archive_proto_msgTypes[23]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ListRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ListRequest) ProtoMessage() {}

func (x *ListRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[23]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ListRequest.ProtoReflect.Descriptor instead.
func (*ListRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{23}
}

func (x *ListRequest) GetTombstones() [][]byte {
	if x != nil {
		return x.Tombstones
	}
	return nil
}

func (x *ListRequest) GetPrefix() string {
	if x != nil {
		return x.Prefix
	}
	return ""
}

func (x *ListRequest) GetEvents() [][]byte {
	if x != nil {
		return x.Events
	}
	return nil
}

func (x *ListRequest) GetRepo() string {
	if x != nil {
		return x.Repo
	}
	return ""
}

func (x *ListRequest) GetPath() []byte {
	if x != nil {
		return x.Path
	}
	return nil
}

func (x *ListRequest) GetSince() int64 {
	if x != nil && x.Since != nil {
		return *x.Since
	}
	return 0
}

func (x *ListRequest) GetUntil() int64 {
	if x != nil && x.Until != nil {
		return *x.Until
	}
	return 0
}

func (x *ListRequest) GetActor() string {
	if x != nil {
		return x.Actor
	}
	return ""
}

func (x *ListRequest) GetReason() string {
	if x != nil {
		return x.Reason
	}
	return ""
}

func (x *ListRequest) GetTag() string {
	if x != nil {
		return x.Tag
	}
	return ""
}

func (x *ListRequest) GetLimit() uint32 {
	if x != nil {
		return x.Limit
	}
	return 0
}

func (x *ListRequest) GetWithEvents() bool {
	if x != nil {
		return x.WithEvents
	}
	return false
}

func (x *ListRequest) GetWithHolds() bool {
	if x != nil {
		return x.WithHolds
	}
	return false
}

func (x *ListRequest) GetSet() []byte {
	if x != nil {
		return x.Set
	}
	return nil
}

func (x *ListRequest) GetSha256() []byte {
	if x != nil {
		return x.Sha256
	}
	return nil
}

func (x *ListRequest) GetCommit() string {
	if x != nil {
		return x.Commit
	}
	return ""
}

func (x *ListRequest) GetName() []byte {
	if x != nil {
		return x.Name
	}
	return nil
}

func (x *ListRequest) GetMatch() []byte {
	if x != nil {
		return x.Match
	}
	return nil
}

func (x *ListRequest) GetOfArchive() bool {
	if x != nil {
		return x.OfArchive
	}
	return false
}

type ListFrame struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Parts         []*ListPart            `protobuf:"bytes,1,rep,name=parts,proto3" json:"parts,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ListFrame) Reset() {
	*x = ListFrame{}
	mi := &file_archive_proto_msgTypes[24]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ListFrame) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ListFrame) ProtoMessage() {}

func (x *ListFrame) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[24]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ListFrame.ProtoReflect.Descriptor instead.
func (*ListFrame) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{24}
}

func (x *ListFrame) GetParts() []*ListPart {
	if x != nil {
		return x.Parts
	}
	return nil
}

type ListPart struct {
	state protoimpl.MessageState `protogen:"open.v1"`
	// Types that are valid to be assigned to Part:
	//
	//	*ListPart_Entry
	//	*ListPart_Event
	//	*ListPart_Hold
	//	*ListPart_All
	//	*ListPart_Failure
	Part          isListPart_Part `protobuf_oneof:"part"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ListPart) Reset() {
	*x = ListPart{}
	mi := &file_archive_proto_msgTypes[25]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ListPart) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ListPart) ProtoMessage() {}

func (x *ListPart) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[25]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ListPart.ProtoReflect.Descriptor instead.
func (*ListPart) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{25}
}

func (x *ListPart) GetPart() isListPart_Part {
	if x != nil {
		return x.Part
	}
	return nil
}

func (x *ListPart) GetEntry() *Entry {
	if x != nil {
		if x, ok := x.Part.(*ListPart_Entry); ok {
			return x.Entry
		}
	}
	return nil
}

func (x *ListPart) GetEvent() *Event {
	if x != nil {
		if x, ok := x.Part.(*ListPart_Event); ok {
			return x.Event
		}
	}
	return nil
}

func (x *ListPart) GetHold() *Hold {
	if x != nil {
		if x, ok := x.Part.(*ListPart_Hold); ok {
			return x.Hold
		}
	}
	return nil
}

func (x *ListPart) GetAll() *End {
	if x != nil {
		if x, ok := x.Part.(*ListPart_All); ok {
			return x.All
		}
	}
	return nil
}

func (x *ListPart) GetFailure() *Failure {
	if x != nil {
		if x, ok := x.Part.(*ListPart_Failure); ok {
			return x.Failure
		}
	}
	return nil
}

type isListPart_Part interface {
	isListPart_Part()
}

type ListPart_Entry struct {
	Entry *Entry `protobuf:"bytes,1,opt,name=entry,proto3,oneof"`
}

type ListPart_Event struct {
	Event *Event `protobuf:"bytes,2,opt,name=event,proto3,oneof"` // of the entry before
}

type ListPart_Hold struct {
	Hold *Hold `protobuf:"bytes,3,opt,name=hold,proto3,oneof"` // of the entry before
}

type ListPart_All struct {
	All *End `protobuf:"bytes,4,opt,name=all,proto3,oneof"`
}

type ListPart_Failure struct {
	Failure *Failure `protobuf:"bytes,5,opt,name=failure,proto3,oneof"` // in the place of an entry whose row cannot be read; DATA_LOSS (corrupt)
}

func (*ListPart_Entry) isListPart_Part() {}

func (*ListPart_Event) isListPart_Part() {}

func (*ListPart_Hold) isListPart_Part() {}

func (*ListPart_All) isListPart_Part() {}

func (*ListPart_Failure) isListPart_Part() {}

// Entry is one row of a List.
type Entry struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Record        *Record                `protobuf:"bytes,1,opt,name=record,proto3" json:"record,omitempty"`    // absent with of_archive
	Present       bool                   `protobuf:"varint,2,opt,name=present,proto3" json:"present,omitempty"` // live, and this call found the body, or all its pieces, with the recorded length
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Entry) Reset() {
	*x = Entry{}
	mi := &file_archive_proto_msgTypes[26]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Entry) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Entry) ProtoMessage() {}

func (x *Entry) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[26]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Entry.ProtoReflect.Descriptor instead.
func (*Entry) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{26}
}

func (x *Entry) GetRecord() *Record {
	if x != nil {
		return x.Record
	}
	return nil
}

func (x *Entry) GetPresent() bool {
	if x != nil {
		return x.Present
	}
	return false
}

// AppendRequest has at most 4 MiB, as every message.
type AppendRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Events        []*Event               `protobuf:"bytes,1,rep,name=events,proto3" json:"events,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *AppendRequest) Reset() {
	*x = AppendRequest{}
	mi := &file_archive_proto_msgTypes[27]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *AppendRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*AppendRequest) ProtoMessage() {}

func (x *AppendRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[27]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use AppendRequest.ProtoReflect.Descriptor instead.
func (*AppendRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{27}
}

func (x *AppendRequest) GetEvents() []*Event {
	if x != nil {
		return x.Events
	}
	return nil
}

type AppendReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *AppendReply) Reset() {
	*x = AppendReply{}
	mi := &file_archive_proto_msgTypes[28]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *AppendReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*AppendReply) ProtoMessage() {}

func (x *AppendReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[28]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use AppendReply.ProtoReflect.Descriptor instead.
func (*AppendReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{28}
}

type PurgeRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Items         []*PurgeItem           `protobuf:"bytes,1,rep,name=items,proto3" json:"items,omitempty"`
	Actor         string                 `protobuf:"bytes,2,opt,name=actor,proto3" json:"actor,omitempty"`
	At            *int64                 `protobuf:"zigzag64,3,opt,name=at,proto3,oneof" json:"at,omitempty"`               // the host's clock; the earlier of it and the database's decides
	DryRun        bool                   `protobuf:"varint,4,opt,name=dry_run,json=dryRun,proto3" json:"dry_run,omitempty"` // judge and change nothing
	Host          string                 `protobuf:"bytes,5,opt,name=host,proto3" json:"host,omitempty"`                    // name of the machine that asks, for the PURGE events
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *PurgeRequest) Reset() {
	*x = PurgeRequest{}
	mi := &file_archive_proto_msgTypes[29]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *PurgeRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*PurgeRequest) ProtoMessage() {}

func (x *PurgeRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[29]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use PurgeRequest.ProtoReflect.Descriptor instead.
func (*PurgeRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{29}
}

func (x *PurgeRequest) GetItems() []*PurgeItem {
	if x != nil {
		return x.Items
	}
	return nil
}

func (x *PurgeRequest) GetActor() string {
	if x != nil {
		return x.Actor
	}
	return ""
}

func (x *PurgeRequest) GetAt() int64 {
	if x != nil && x.At != nil {
		return *x.At
	}
	return 0
}

func (x *PurgeRequest) GetDryRun() bool {
	if x != nil {
		return x.DryRun
	}
	return false
}

func (x *PurgeRequest) GetHost() string {
	if x != nil {
		return x.Host
	}
	return ""
}

type PurgeItem struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Tombstone     []byte                 `protobuf:"bytes,1,opt,name=tombstone,proto3" json:"tombstone,omitempty"`
	Event         []byte                 `protobuf:"bytes,2,opt,name=event,proto3" json:"event,omitempty"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *PurgeItem) Reset() {
	*x = PurgeItem{}
	mi := &file_archive_proto_msgTypes[30]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *PurgeItem) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*PurgeItem) ProtoMessage() {}

func (x *PurgeItem) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[30]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use PurgeItem.ProtoReflect.Descriptor instead.
func (*PurgeItem) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{30}
}

func (x *PurgeItem) GetTombstone() []byte {
	if x != nil {
		return x.Tombstone
	}
	return nil
}

func (x *PurgeItem) GetEvent() []byte {
	if x != nil {
		return x.Event
	}
	return nil
}

type PurgeReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Verdicts      []*Verdict             `protobuf:"bytes,1,rep,name=verdicts,proto3" json:"verdicts,omitempty"` // in the order of the items
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *PurgeReply) Reset() {
	*x = PurgeReply{}
	mi := &file_archive_proto_msgTypes[31]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *PurgeReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*PurgeReply) ProtoMessage() {}

func (x *PurgeReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[31]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use PurgeReply.ProtoReflect.Descriptor instead.
func (*PurgeReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{31}
}

func (x *PurgeReply) GetVerdicts() []*Verdict {
	if x != nil {
		return x.Verdicts
	}
	return nil
}

// Verdict is what became of one PurgeItem. The first outcome that applies is the
// answer:
//
//	unknown        there is no such record
//	repeated       it was purged by this very event before
//	already        it was purged by another event before
//	held           a hold is active
//	retained       retain_until is after the earlier of the two clocks
//	not-requested  there is no PRUNE_REQUEST
//	same-actor     only the actor of the purge has asked; two actors are one person
//	               when they are equal but for blanks around them and for case
//	purged         done: the body is gone, unless another live record needs it
type Verdict struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Tombstone     []byte                 `protobuf:"bytes,1,opt,name=tombstone,proto3" json:"tombstone,omitempty"`
	Outcome       string                 `protobuf:"bytes,2,opt,name=outcome,proto3" json:"outcome,omitempty"`
	Why           string                 `protobuf:"bytes,3,opt,name=why,proto3" json:"why,omitempty"`
	Freed         int64                  `protobuf:"varint,4,opt,name=freed,proto3" json:"freed,omitempty"` // bytes
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Verdict) Reset() {
	*x = Verdict{}
	mi := &file_archive_proto_msgTypes[32]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Verdict) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Verdict) ProtoMessage() {}

func (x *Verdict) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[32]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Verdict.ProtoReflect.Descriptor instead.
func (*Verdict) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{32}
}

func (x *Verdict) GetTombstone() []byte {
	if x != nil {
		return x.Tombstone
	}
	return nil
}

func (x *Verdict) GetOutcome() string {
	if x != nil {
		return x.Outcome
	}
	return ""
}

func (x *Verdict) GetWhy() string {
	if x != nil {
		return x.Why
	}
	return ""
}

func (x *Verdict) GetFreed() int64 {
	if x != nil {
		return x.Freed
	}
	return 0
}

type HealthRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *HealthRequest) Reset() {
	*x = HealthRequest{}
	mi := &file_archive_proto_msgTypes[33]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *HealthRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*HealthRequest) ProtoMessage() {}

func (x *HealthRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[33]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use HealthRequest.ProtoReflect.Descriptor instead.
func (*HealthRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{33}
}

type HealthReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Server        string                 `protobuf:"bytes,1,opt,name=server,proto3" json:"server,omitempty"`            // the database and its version
	Archive       []byte                 `protobuf:"bytes,2,opt,name=archive,proto3" json:"archive,omitempty"`          // identity of the archive
	Schema        int32                  `protobuf:"varint,3,opt,name=schema,proto3" json:"schema,omitempty"`           // version in the database
	Retrievable   int64                  `protobuf:"varint,4,opt,name=retrievable,proto3" json:"retrievable,omitempty"` // live records whose body this call found with its recorded length
	Clock         *int64                 `protobuf:"zigzag64,5,opt,name=clock,proto3,oneof" json:"clock,omitempty"`
	Writable      bool                   `protobuf:"varint,6,opt,name=writable,proto3" json:"writable,omitempty"`
	Live          int64                  `protobuf:"varint,7,opt,name=live,proto3" json:"live,omitempty"`                               // live records; retrievable and held are never more, whatever is stored meanwhile
	Unmeasured    string                 `protobuf:"bytes,8,opt,name=unmeasured,proto3" json:"unmeasured,omitempty"`                    // for people: what was counted without measuring its length
	Durable       bool                   `protobuf:"varint,9,opt,name=durable,proto3" json:"durable,omitempty"`                         // what was acknowledged survives a kill of the database's server
	NotDurable    string                 `protobuf:"bytes,10,opt,name=not_durable,json=notDurable,proto3" json:"not_durable,omitempty"` // for people: why not
	Held          int64                  `protobuf:"varint,11,opt,name=held,proto3" json:"held,omitempty"`                              // live records of which a hold is active
	Purged        int64                  `protobuf:"varint,12,opt,name=purged,proto3" json:"purged,omitempty"`                          // purged records
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *HealthReply) Reset() {
	*x = HealthReply{}
	mi := &file_archive_proto_msgTypes[34]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *HealthReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*HealthReply) ProtoMessage() {}

func (x *HealthReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[34]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use HealthReply.ProtoReflect.Descriptor instead.
func (*HealthReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{34}
}

func (x *HealthReply) GetServer() string {
	if x != nil {
		return x.Server
	}
	return ""
}

func (x *HealthReply) GetArchive() []byte {
	if x != nil {
		return x.Archive
	}
	return nil
}

func (x *HealthReply) GetSchema() int32 {
	if x != nil {
		return x.Schema
	}
	return 0
}

func (x *HealthReply) GetRetrievable() int64 {
	if x != nil {
		return x.Retrievable
	}
	return 0
}

func (x *HealthReply) GetClock() int64 {
	if x != nil && x.Clock != nil {
		return *x.Clock
	}
	return 0
}

func (x *HealthReply) GetWritable() bool {
	if x != nil {
		return x.Writable
	}
	return false
}

func (x *HealthReply) GetLive() int64 {
	if x != nil {
		return x.Live
	}
	return 0
}

func (x *HealthReply) GetUnmeasured() string {
	if x != nil {
		return x.Unmeasured
	}
	return ""
}

func (x *HealthReply) GetDurable() bool {
	if x != nil {
		return x.Durable
	}
	return false
}

func (x *HealthReply) GetNotDurable() string {
	if x != nil {
		return x.NotDurable
	}
	return ""
}

func (x *HealthReply) GetHeld() int64 {
	if x != nil {
		return x.Held
	}
	return 0
}

func (x *HealthReply) GetPurged() int64 {
	if x != nil {
		return x.Purged
	}
	return 0
}

type InspectRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *InspectRequest) Reset() {
	*x = InspectRequest{}
	mi := &file_archive_proto_msgTypes[35]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *InspectRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*InspectRequest) ProtoMessage() {}

func (x *InspectRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[35]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use InspectRequest.ProtoReflect.Descriptor instead.
func (*InspectRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{35}
}

type InspectReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Findings      []*Finding             `protobuf:"bytes,1,rep,name=findings,proto3" json:"findings,omitempty"` // none: every row is as calls leave it; each kind and what at most once
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *InspectReply) Reset() {
	*x = InspectReply{}
	mi := &file_archive_proto_msgTypes[36]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *InspectReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*InspectReply) ProtoMessage() {}

func (x *InspectReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[36]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use InspectReply.ProtoReflect.Descriptor instead.
func (*InspectReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{36}
}

func (x *InspectReply) GetFindings() []*Finding {
	if x != nil {
		return x.Findings
	}
	return nil
}

// Finding is what is wrong, or left over, with some rows; sdk/inspect.go describes
// the kinds.
type Finding struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Kind          string                 `protobuf:"bytes,1,opt,name=kind,proto3" json:"kind,omitempty"`         // dangling, orphaned, contradictory (damage), staged or abandoned
	What          string                 `protobuf:"bytes,2,opt,name=what,proto3" json:"what,omitempty"`         // for people: which rows these are, and what is wrong with them
	Rows          int64                  `protobuf:"varint,3,opt,name=rows,proto3" json:"rows,omitempty"`        // how many, at least 1
	Examples      []string               `protobuf:"bytes,4,rep,name=examples,proto3" json:"examples,omitempty"` // names of some of them, at most 20
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *Finding) Reset() {
	*x = Finding{}
	mi := &file_archive_proto_msgTypes[37]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *Finding) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*Finding) ProtoMessage() {}

func (x *Finding) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[37]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use Finding.ProtoReflect.Descriptor instead.
func (*Finding) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{37}
}

func (x *Finding) GetKind() string {
	if x != nil {
		return x.Kind
	}
	return ""
}

func (x *Finding) GetWhat() string {
	if x != nil {
		return x.What
	}
	return ""
}

func (x *Finding) GetRows() int64 {
	if x != nil {
		return x.Rows
	}
	return 0
}

func (x *Finding) GetExamples() []string {
	if x != nil {
		return x.Examples
	}
	return nil
}

type DrainRequest struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *DrainRequest) Reset() {
	*x = DrainRequest{}
	mi := &file_archive_proto_msgTypes[38]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *DrainRequest) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*DrainRequest) ProtoMessage() {}

func (x *DrainRequest) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[38]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use DrainRequest.ProtoReflect.Descriptor instead.
func (*DrainRequest) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{38}
}

type DrainReply struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *DrainReply) Reset() {
	*x = DrainReply{}
	mi := &file_archive_proto_msgTypes[39]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *DrainReply) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*DrainReply) ProtoMessage() {}

func (x *DrainReply) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[39]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use DrainReply.ProtoReflect.Descriptor instead.
func (*DrainReply) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{39}
}

// ErrorDetail travels in the details of a status.
type ErrorDetail struct {
	state         protoimpl.MessageState `protogen:"open.v1"`
	Kind          Kind                   `protobuf:"varint,1,opt,name=kind,proto3,enum=codex.archive.v1.Kind" json:"kind,omitempty"`
	Retry         bool                   `protobuf:"varint,2,opt,name=retry,proto3" json:"retry,omitempty"` // the same call may succeed later
	Effect        Effect                 `protobuf:"varint,3,opt,name=effect,proto3,enum=codex.archive.v1.Effect" json:"effect,omitempty"`
	Native        string                 `protobuf:"bytes,4,opt,name=native,proto3" json:"native,omitempty"`         // the database's own code
	Tombstones    [][]byte               `protobuf:"bytes,5,rep,name=tombstones,proto3" json:"tombstones,omitempty"` // those at fault, at most 50
	Op            string                 `protobuf:"bytes,6,opt,name=op,proto3" json:"op,omitempty"`                 // what was tried
	unknownFields protoimpl.UnknownFields
	sizeCache     protoimpl.SizeCache
}

func (x *ErrorDetail) Reset() {
	*x = ErrorDetail{}
	mi := &file_archive_proto_msgTypes[40]
	ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
	ms.StoreMessageInfo(mi)
}

func (x *ErrorDetail) String() string {
	return protoimpl.X.MessageStringOf(x)
}

func (*ErrorDetail) ProtoMessage() {}

func (x *ErrorDetail) ProtoReflect() protoreflect.Message {
	mi := &file_archive_proto_msgTypes[40]
	if x != nil {
		ms := protoimpl.X.MessageStateOf(protoimpl.Pointer(x))
		if ms.LoadMessageInfo() == nil {
			ms.StoreMessageInfo(mi)
		}
		return ms
	}
	return mi.MessageOf(x)
}

// Deprecated: Use ErrorDetail.ProtoReflect.Descriptor instead.
func (*ErrorDetail) Descriptor() ([]byte, []int) {
	return file_archive_proto_rawDescGZIP(), []int{40}
}

func (x *ErrorDetail) GetKind() Kind {
	if x != nil {
		return x.Kind
	}
	return Kind_KIND_UNSPECIFIED
}

func (x *ErrorDetail) GetRetry() bool {
	if x != nil {
		return x.Retry
	}
	return false
}

func (x *ErrorDetail) GetEffect() Effect {
	if x != nil {
		return x.Effect
	}
	return Effect_EFFECT_NONE
}

func (x *ErrorDetail) GetNative() string {
	if x != nil {
		return x.Native
	}
	return ""
}

func (x *ErrorDetail) GetTombstones() [][]byte {
	if x != nil {
		return x.Tombstones
	}
	return nil
}

func (x *ErrorDetail) GetOp() string {
	if x != nil {
		return x.Op
	}
	return ""
}

var File_archive_proto protoreflect.FileDescriptor

const file_archive_proto_rawDesc = "" +
	"\n" +
	"\rarchive.proto\x12\x10codex.archive.v1\"-\n" +
	"\x0fDescribeRequest\x12\x1a\n" +
	"\bprotocol\x18\x01 \x01(\rR\bprotocol\"P\n" +
	"\rDescribeReply\x12?\n" +
	"\vdescription\x18\x01 \x01(\v2\x1d.codex.archive.v1.DescriptionR\vdescription\"\xef\x01\n" +
	"\vDescription\x12\x12\n" +
	"\x04name\x18\x01 \x01(\tR\x04name\x12\x18\n" +
	"\aversion\x18\x02 \x01(\tR\aversion\x12\x1a\n" +
	"\bprotocol\x18\x03 \x01(\rR\bprotocol\x12\x18\n" +
	"\aschemes\x18\x04 \x03(\tR\aschemes\x12\x1b\n" +
	"\tmax_items\x18\x05 \x01(\rR\bmaxItems\x12\x1d\n" +
	"\n" +
	"chunk_size\x18\x06 \x01(\rR\tchunkSize\x12\x1c\n" +
	"\tprotocols\x18\a \x03(\rR\tprotocols\x12\"\n" +
	"\fcapabilities\x18\b \x03(\tR\fcapabilities\"\xb1\x01\n" +
	"\vOpenRequest\x12\x10\n" +
	"\x03url\x18\x01 \x01(\fR\x03url\x12\x1a\n" +
	"\bpassword\x18\x02 \x01(\fR\bpassword\x12\x10\n" +
	"\x03dir\x18\x03 \x01(\fR\x03dir\x12*\n" +
	"\x04mode\x18\x04 \x01(\x0e2\x16.codex.archive.v1.ModeR\x04mode\x12\x1a\n" +
	"\bparallel\x18\x05 \x01(\rR\bparallel\x12\x1a\n" +
	"\bprotocol\x18\x06 \x01(\rR\bprotocol\"f\n" +
	"\tOpenReply\x12?\n" +
	"\vdescription\x18\x01 \x01(\v2\x1d.codex.archive.v1.DescriptionR\vdescription\x12\x18\n" +
	"\aarchive\x18\x02 \x01(\fR\aarchive\"\xa9\x01\n" +
	"\aContent\x12\x16\n" +
	"\x06sha256\x18\x01 \x01(\fR\x06sha256\x12\x12\n" +
	"\x04size\x18\x02 \x01(\x03R\x04size\x12\x14\n" +
	"\x05codec\x18\x03 \x01(\tR\x05codec\x12\x1f\n" +
	"\vstored_size\x18\x04 \x01(\x12R\n" +
	"storedSize\x12\x16\n" +
	"\x06crc32c\x18\x05 \x01(\aR\x06crc32c\x12#\n" +
	"\rstored_sha256\x18\x06 \x01(\fR\fstoredSha256\"\x92\a\n" +
	"\x06Record\x12\x1c\n" +
	"\ttombstone\x18\x01 \x01(\fR\ttombstone\x12\x14\n" +
	"\x05event\x18\x02 \x01(\fR\x05event\x123\n" +
	"\acontent\x18\x03 \x01(\v2\x19.codex.archive.v1.ContentR\acontent\x12\x12\n" +
	"\x04repo\x18\x04 \x01(\tR\x04repo\x12\x12\n" +
	"\x04path\x18\x05 \x01(\fR\x04path\x12$\n" +
	"\x0ework_tree_path\x18\x06 \x01(\fR\fworkTreePath\x12\x16\n" +
	"\x06commit\x18\a \x01(\tR\x06commit\x12\x16\n" +
	"\x06reason\x18\b \x01(\tR\x06reason\x12!\n" +
	"\fcontent_kind\x18\t \x01(\tR\vcontentKind\x12\x12\n" +
	"\x04note\x18\n" +
	" \x01(\tR\x04note\x12\x12\n" +
	"\x04tags\x18\v \x03(\tR\x04tags\x12B\n" +
	"\bmetadata\x18\f \x03(\v2&.codex.archive.v1.Record.MetadataEntryR\bmetadata\x12\x12\n" +
	"\x04mode\x18\r \x01(\rR\x04mode\x12\x1e\n" +
	"\bmod_time\x18\x0e \x01(\x12H\x00R\amodTime\x88\x01\x01\x12\x1f\n" +
	"\varchived_by\x18\x0f \x01(\tR\n" +
	"archivedBy\x12$\n" +
	"\varchived_at\x18\x10 \x01(\x12H\x01R\n" +
	"archivedAt\x88\x01\x01\x12&\n" +
	"\fretain_until\x18\x11 \x01(\x12H\x02R\vretainUntil\x88\x01\x01\x12 \n" +
	"\tpurged_at\x18\x12 \x01(\x12H\x03R\bpurgedAt\x88\x01\x01\x12\x16\n" +
	"\x06digest\x18\x13 \x01(\fR\x06digest\x12+\n" +
	"\x0fretain_at_store\x18\x14 \x01(\x12H\x04R\rretainAtStore\x88\x01\x01\x12\x10\n" +
	"\x03set\x18\x15 \x01(\fR\x03set\x12\x12\n" +
	"\x04type\x18\x16 \x01(\tR\x04type\x12\x19\n" +
	"\bgit_blob\x18\x17 \x01(\tR\agitBlob\x12&\n" +
	"\x0fwork_tree_state\x18\x18 \x01(\tR\rworkTreeState\x12\x12\n" +
	"\x04host\x18\x19 \x01(\tR\x04host\x1a;\n" +
	"\rMetadataEntry\x12\x10\n" +
	"\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n" +
	"\x05value\x18\x02 \x01(\tR\x05value:\x028\x01B\v\n" +
	"\t_mod_timeB\x0e\n" +
	"\f_archived_atB\x0f\n" +
	"\r_retain_untilB\f\n" +
	"\n" +
	"_purged_atB\x12\n" +
	"\x10_retain_at_store\"\xf5\x02\n" +
	"\x05Event\x12\x0e\n" +
	"\x02id\x18\x01 \x01(\fR\x02id\x12\x1c\n" +
	"\ttombstone\x18\x02 \x01(\fR\ttombstone\x12\x16\n" +
	"\x06action\x18\x03 \x01(\tR\x06action\x12\x14\n" +
	"\x05actor\x18\x04 \x01(\tR\x05actor\x12\x13\n" +
	"\x02at\x18\x05 \x01(\x12H\x00R\x02at\x88\x01\x01\x12\x12\n" +
	"\x04case\x18\x06 \x01(\tR\x04case\x12&\n" +
	"\fretain_until\x18\a \x01(\x12H\x01R\vretainUntil\x88\x01\x01\x12;\n" +
	"\x06detail\x18\b \x03(\v2#.codex.archive.v1.Event.DetailEntryR\x06detail\x12\x12\n" +
	"\x04host\x18\t \x01(\tR\x04host\x12\x1b\n" +
	"\tno_effect\x18\n" +
	" \x01(\bR\bnoEffect\x1a9\n" +
	"\vDetailEntry\x12\x10\n" +
	"\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n" +
	"\x05value\x18\x02 \x01(\tR\x05value:\x028\x01B\x05\n" +
	"\x03_atB\x0f\n" +
	"\r_retain_until\"\x8d\x01\n" +
	"\x04Hold\x12\x12\n" +
	"\x04case\x18\x01 \x01(\tR\x04case\x12\x1b\n" +
	"\x06placed\x18\x02 \x01(\x12H\x00R\x06placed\x88\x01\x01\x12\x1b\n" +
	"\tplaced_by\x18\x03 \x01(\tR\bplacedBy\x12\x1f\n" +
	"\breleased\x18\x04 \x01(\x12H\x01R\breleased\x88\x01\x01B\t\n" +
	"\a_placedB\v\n" +
	"\t_released\";\n" +
	"\bPutFrame\x12/\n" +
	"\x05parts\x18\x01 \x03(\v2\x19.codex.archive.v1.PutPartR\x05parts\"\xa2\x02\n" +
	"\aPutPart\x125\n" +
	"\x06header\x18\x01 \x01(\v2\x1b.codex.archive.v1.PutHeaderH\x00R\x06header\x12\x16\n" +
	"\x05chunk\x18\x02 \x01(\fH\x00R\x05chunk\x12-\n" +
	"\x03end\x18\x03 \x01(\v2\x19.codex.archive.v1.BodyEndH\x00R\x03end\x122\n" +
	"\x06commit\x18\x04 \x01(\v2\x18.codex.archive.v1.CommitH\x00R\x06commit\x12/\n" +
	"\x05event\x18\x05 \x01(\v2\x17.codex.archive.v1.EventH\x00R\x05event\x12,\n" +
	"\x04hold\x18\x06 \x01(\v2\x16.codex.archive.v1.HoldH\x00R\x04holdB\x06\n" +
	"\x04part\"m\n" +
	"\tPutHeader\x120\n" +
	"\x06record\x18\x01 \x01(\v2\x18.codex.archive.v1.RecordR\x06record\x12\x12\n" +
	"\x04body\x18\x02 \x01(\bR\x04body\x12\x1a\n" +
	"\breplaces\x18\x03 \x01(\fR\breplaces\"B\n" +
	"\aBodyEnd\x12\x1f\n" +
	"\vstored_size\x18\x01 \x01(\x03R\n" +
	"storedSize\x12\x16\n" +
	"\x06crc32c\x18\x02 \x01(\aR\x06crc32c\"\x1e\n" +
	"\x06Commit\x12\x14\n" +
	"\x05items\x18\x01 \x01(\rR\x05items\"<\n" +
	"\bPutReply\x120\n" +
	"\x06stored\x18\x01 \x03(\v2\x18.codex.archive.v1.StoredR\x06stored\"\xb7\x01\n" +
	"\x06Stored\x12\x1c\n" +
	"\ttombstone\x18\x01 \x01(\fR\ttombstone\x123\n" +
	"\acontent\x18\x02 \x01(\v2\x19.codex.archive.v1.ContentR\acontent\x12\"\n" +
	"\fdeduplicated\x18\x03 \x01(\bR\fdeduplicated\x12\x1a\n" +
	"\brepeated\x18\x04 \x01(\bR\brepeated\x12\x1a\n" +
	"\brepaired\x18\x05 \x01(\bR\brepaired\",\n" +
	"\x0eMissingRequest\x12\x1a\n" +
	"\bcontents\x18\x01 \x03(\fR\bcontents\"*\n" +
	"\fMissingReply\x12\x1a\n" +
	"\bcontents\x18\x01 \x03(\fR\bcontents\",\n" +
	"\n" +
	"GetRequest\x12\x1e\n" +
	"\n" +
	"tombstones\x18\x01 \x03(\fR\n" +
	"tombstones\";\n" +
	"\bGetFrame\x12/\n" +
	"\x05parts\x18\x01 \x03(\v2\x19.codex.archive.v1.GetPartR\x05parts\"\xee\x01\n" +
	"\aGetPart\x122\n" +
	"\x06header\x18\x01 \x01(\v2\x18.codex.archive.v1.RecordH\x00R\x06header\x12\x16\n" +
	"\x05chunk\x18\x02 \x01(\fH\x00R\x05chunk\x12-\n" +
	"\x03end\x18\x03 \x01(\v2\x19.codex.archive.v1.BodyEndH\x00R\x03end\x125\n" +
	"\afailure\x18\x04 \x01(\v2\x19.codex.archive.v1.FailureH\x00R\afailure\x12)\n" +
	"\x03all\x18\x05 \x01(\v2\x15.codex.archive.v1.EndH\x00R\x03allB\x06\n" +
	"\x04part\"v\n" +
	"\aFailure\x12\x1c\n" +
	"\ttombstone\x18\x01 \x01(\fR\ttombstone\x12\x18\n" +
	"\amessage\x18\x02 \x01(\tR\amessage\x123\n" +
	"\x05error\x18\x03 \x01(\v2\x1d.codex.archive.v1.ErrorDetailR\x05error\"\x05\n" +
	"\x03End\"\xf0\x03\n" +
	"\vListRequest\x12\x1e\n" +
	"\n" +
	"tombstones\x18\x01 \x03(\fR\n" +
	"tombstones\x12\x16\n" +
	"\x06prefix\x18\x02 \x01(\tR\x06prefix\x12\x16\n" +
	"\x06events\x18\x03 \x03(\fR\x06events\x12\x12\n" +
	"\x04repo\x18\x04 \x01(\tR\x04repo\x12\x12\n" +
	"\x04path\x18\x05 \x01(\fR\x04path\x12\x19\n" +
	"\x05since\x18\x06 \x01(\x12H\x00R\x05since\x88\x01\x01\x12\x19\n" +
	"\x05until\x18\a \x01(\x12H\x01R\x05until\x88\x01\x01\x12\x14\n" +
	"\x05actor\x18\b \x01(\tR\x05actor\x12\x16\n" +
	"\x06reason\x18\t \x01(\tR\x06reason\x12\x10\n" +
	"\x03tag\x18\n" +
	" \x01(\tR\x03tag\x12\x14\n" +
	"\x05limit\x18\v \x01(\rR\x05limit\x12\x1f\n" +
	"\vwith_events\x18\f \x01(\bR\n" +
	"withEvents\x12\x1d\n" +
	"\n" +
	"with_holds\x18\r \x01(\bR\twithHolds\x12\x10\n" +
	"\x03set\x18\x0e \x01(\fR\x03set\x12\x16\n" +
	"\x06sha256\x18\x0f \x01(\fR\x06sha256\x12\x16\n" +
	"\x06commit\x18\x10 \x01(\tR\x06commit\x12\x12\n" +
	"\x04name\x18\x11 \x01(\fR\x04name\x12\x14\n" +
	"\x05match\x18\x12 \x01(\fR\x05match\x12\x1d\n" +
	"\n" +
	"of_archive\x18\x13 \x01(\bR\tofArchiveB\b\n" +
	"\x06_sinceB\b\n" +
	"\x06_until\"=\n" +
	"\tListFrame\x120\n" +
	"\x05parts\x18\x01 \x03(\v2\x1a.codex.archive.v1.ListPartR\x05parts\"\x84\x02\n" +
	"\bListPart\x12/\n" +
	"\x05entry\x18\x01 \x01(\v2\x17.codex.archive.v1.EntryH\x00R\x05entry\x12/\n" +
	"\x05event\x18\x02 \x01(\v2\x17.codex.archive.v1.EventH\x00R\x05event\x12,\n" +
	"\x04hold\x18\x03 \x01(\v2\x16.codex.archive.v1.HoldH\x00R\x04hold\x12)\n" +
	"\x03all\x18\x04 \x01(\v2\x15.codex.archive.v1.EndH\x00R\x03all\x125\n" +
	"\afailure\x18\x05 \x01(\v2\x19.codex.archive.v1.FailureH\x00R\afailureB\x06\n" +
	"\x04part\"S\n" +
	"\x05Entry\x120\n" +
	"\x06record\x18\x01 \x01(\v2\x18.codex.archive.v1.RecordR\x06record\x12\x18\n" +
	"\apresent\x18\x02 \x01(\bR\apresent\"@\n" +
	"\rAppendRequest\x12/\n" +
	"\x06events\x18\x01 \x03(\v2\x17.codex.archive.v1.EventR\x06events\"\r\n" +
	"\vAppendReply\"\xa0\x01\n" +
	"\fPurgeRequest\x121\n" +
	"\x05items\x18\x01 \x03(\v2\x1b.codex.archive.v1.PurgeItemR\x05items\x12\x14\n" +
	"\x05actor\x18\x02 \x01(\tR\x05actor\x12\x13\n" +
	"\x02at\x18\x03 \x01(\x12H\x00R\x02at\x88\x01\x01\x12\x17\n" +
	"\adry_run\x18\x04 \x01(\bR\x06dryRun\x12\x12\n" +
	"\x04host\x18\x05 \x01(\tR\x04hostB\x05\n" +
	"\x03_at\"?\n" +
	"\tPurgeItem\x12\x1c\n" +
	"\ttombstone\x18\x01 \x01(\fR\ttombstone\x12\x14\n" +
	"\x05event\x18\x02 \x01(\fR\x05event\"C\n" +
	"\n" +
	"PurgeReply\x125\n" +
	"\bverdicts\x18\x01 \x03(\v2\x19.codex.archive.v1.VerdictR\bverdicts\"i\n" +
	"\aVerdict\x12\x1c\n" +
	"\ttombstone\x18\x01 \x01(\fR\ttombstone\x12\x18\n" +
	"\aoutcome\x18\x02 \x01(\tR\aoutcome\x12\x10\n" +
	"\x03why\x18\x03 \x01(\tR\x03why\x12\x14\n" +
	"\x05freed\x18\x04 \x01(\x03R\x05freed\"\x0f\n" +
	"\rHealthRequest\"\xd5\x02\n" +
	"\vHealthReply\x12\x16\n" +
	"\x06server\x18\x01 \x01(\tR\x06server\x12\x18\n" +
	"\aarchive\x18\x02 \x01(\fR\aarchive\x12\x16\n" +
	"\x06schema\x18\x03 \x01(\x05R\x06schema\x12 \n" +
	"\vretrievable\x18\x04 \x01(\x03R\vretrievable\x12\x19\n" +
	"\x05clock\x18\x05 \x01(\x12H\x00R\x05clock\x88\x01\x01\x12\x1a\n" +
	"\bwritable\x18\x06 \x01(\bR\bwritable\x12\x12\n" +
	"\x04live\x18\a \x01(\x03R\x04live\x12\x1e\n" +
	"\n" +
	"unmeasured\x18\b \x01(\tR\n" +
	"unmeasured\x12\x18\n" +
	"\adurable\x18\t \x01(\bR\adurable\x12\x1f\n" +
	"\vnot_durable\x18\n" +
	" \x01(\tR\n" +
	"notDurable\x12\x12\n" +
	"\x04held\x18\v \x01(\x03R\x04held\x12\x16\n" +
	"\x06purged\x18\f \x01(\x03R\x06purgedB\b\n" +
	"\x06_clock\"\x10\n" +
	"\x0eInspectRequest\"E\n" +
	"\fInspectReply\x125\n" +
	"\bfindings\x18\x01 \x03(\v2\x19.codex.archive.v1.FindingR\bfindings\"a\n" +
	"\aFinding\x12\x12\n" +
	"\x04kind\x18\x01 \x01(\tR\x04kind\x12\x12\n" +
	"\x04what\x18\x02 \x01(\tR\x04what\x12\x12\n" +
	"\x04rows\x18\x03 \x01(\x03R\x04rows\x12\x1a\n" +
	"\bexamples\x18\x04 \x03(\tR\bexamples\"\x0e\n" +
	"\fDrainRequest\"\f\n" +
	"\n" +
	"DrainReply\"\xc9\x01\n" +
	"\vErrorDetail\x12*\n" +
	"\x04kind\x18\x01 \x01(\x0e2\x16.codex.archive.v1.KindR\x04kind\x12\x14\n" +
	"\x05retry\x18\x02 \x01(\bR\x05retry\x120\n" +
	"\x06effect\x18\x03 \x01(\x0e2\x18.codex.archive.v1.EffectR\x06effect\x12\x16\n" +
	"\x06native\x18\x04 \x01(\tR\x06native\x12\x1e\n" +
	"\n" +
	"tombstones\x18\x05 \x03(\fR\n" +
	"tombstones\x12\x0e\n" +
	"\x02op\x18\x06 \x01(\tR\x02op*R\n" +
	"\x04Mode\x12\x12\n" +
	"\x0eMODE_READ_ONLY\x10\x00\x12\x13\n" +
	"\x0fMODE_READ_WRITE\x10\x01\x12\x0f\n" +
	"\vMODE_CREATE\x10\x02\x12\x10\n" +
	"\fMODE_UPGRADE\x10\x03*\xb9\x03\n" +
	"\x04Kind\x12\x14\n" +
	"\x10KIND_UNSPECIFIED\x10\x00\x12\x11\n" +
	"\rKIND_INTERNAL\x10\x01\x12\x10\n" +
	"\fKIND_INVALID\x10\x02\x12\x12\n" +
	"\x0eKIND_NOT_FOUND\x10\x03\x12\x11\n" +
	"\rKIND_CONFLICT\x10\x04\x12\x0f\n" +
	"\vKIND_PURGED\x10\x05\x12\x17\n" +
	"\x13KIND_CONTENT_ABSENT\x10\x06\x12\x10\n" +
	"\fKIND_CORRUPT\x10\a\x12\x14\n" +
	"\x10KIND_UNAVAILABLE\x10\b\x12\r\n" +
	"\tKIND_BUSY\x10\t\x12\x10\n" +
	"\fKIND_TIMEOUT\x10\n" +
	"\x12\x11\n" +
	"\rKIND_CANCELED\x10\v\x12\x18\n" +
	"\x14KIND_UNAUTHENTICATED\x10\f\x12\x1a\n" +
	"\x16KIND_PERMISSION_DENIED\x10\r\x12\x13\n" +
	"\x0fKIND_NO_ARCHIVE\x10\x0e\x12\x0f\n" +
	"\vKIND_SCHEMA\x10\x0f\x12\r\n" +
	"\tKIND_FULL\x10\x10\x12\x0e\n" +
	"\n" +
	"KIND_LIMIT\x10\x11\x12\x10\n" +
	"\fKIND_REFUSED\x10\x12\x12\x14\n" +
	"\x10KIND_UNSUPPORTED\x10\x13\x12\x10\n" +
	"\fKIND_CRASHED\x10\x14\x12\x14\n" +
	"\x10KIND_NOT_STARTED\x10\x15*?\n" +
	"\x06Effect\x12\x0f\n" +
	"\vEFFECT_NONE\x10\x00\x12\x10\n" +
	"\fEFFECT_MAYBE\x10\x01\x12\x12\n" +
	"\x0eEFFECT_APPLIED\x10\x022\xa3\x06\n" +
	"\aArchive\x12N\n" +
	"\bDescribe\x12!.codex.archive.v1.DescribeRequest\x1a\x1f.codex.archive.v1.DescribeReply\x12B\n" +
	"\x04Open\x12\x1d.codex.archive.v1.OpenRequest\x1a\x1b.codex.archive.v1.OpenReply\x12?\n" +
	"\x03Put\x12\x1a.codex.archive.v1.PutFrame\x1a\x1a.codex.archive.v1.PutReply(\x01\x12K\n" +
	"\aMissing\x12 .codex.archive.v1.MissingRequest\x1a\x1e.codex.archive.v1.MissingReply\x12A\n" +
	"\x03Get\x12\x1c.codex.archive.v1.GetRequest\x1a\x1a.codex.archive.v1.GetFrame0\x01\x12D\n" +
	"\x04List\x12\x1d.codex.archive.v1.ListRequest\x1a\x1b.codex.archive.v1.ListFrame0\x01\x12H\n" +
	"\x06Append\x12\x1f.codex.archive.v1.AppendRequest\x1a\x1d.codex.archive.v1.AppendReply\x12E\n" +
	"\x05Purge\x12\x1e.codex.archive.v1.PurgeRequest\x1a\x1c.codex.archive.v1.PurgeReply\x12H\n" +
	"\x06Health\x12\x1f.codex.archive.v1.HealthRequest\x1a\x1d.codex.archive.v1.HealthReply\x12K\n" +
	"\aInspect\x12 .codex.archive.v1.InspectRequest\x1a\x1e.codex.archive.v1.InspectReply\x12E\n" +
	"\x05Drain\x12\x1e.codex.archive.v1.DrainRequest\x1a\x1c.codex.archive.v1.DrainReplyB.Z,github.com/codex-archive/codex/sdk/archivepbb\x06proto3"

var (
	file_archive_proto_rawDescOnce sync.Once
	file_archive_proto_rawDescData []byte
)

func file_archive_proto_rawDescGZIP() []byte {
	file_archive_proto_rawDescOnce.Do(func() {
		file_archive_proto_rawDescData = protoimpl.X.CompressGZIP(unsafe.Slice(unsafe.StringData(file_archive_proto_rawDesc), len(file_archive_proto_rawDesc)))
	})
	return file_archive_proto_rawDescData
}

var file_archive_proto_enumTypes = make([]protoimpl.EnumInfo, 3)
var file_archive_proto_msgTypes = make([]protoimpl.MessageInfo, 43)
var file_archive_proto_goTypes = []any{
	(Mode)(0),               // 0: codex.archive.v1.Mode
	(Kind)(0),               // 1: codex.archive.v1.Kind
	(Effect)(0),             // 2: codex.archive.v1.Effect
	(*DescribeRequest)(nil), // 3: codex.archive.v1.DescribeRequest
	(*DescribeReply)(nil),   // 4: codex.archive.v1.DescribeReply
	(*Description)(nil),     // 5: codex.archive.v1.Description
	(*OpenRequest)(nil),     // 6: codex.archive.v1.OpenRequest
	(*OpenReply)(nil),       // 7: codex.archive.v1.OpenReply
	(*Content)(nil),         // 8: codex.archive.v1.Content
	(*Record)(nil),          // 9: codex.archive.v1.Record
	(*Event)(nil),           // 10: codex.archive.v1.Event
	(*Hold)(nil),            // 11: codex.archive.v1.Hold
	(*PutFrame)(nil),        // 12: codex.archive.v1.PutFrame
	(*PutPart)(nil),         // 13: codex.archive.v1.PutPart
	(*PutHeader)(nil),       // 14: codex.archive.v1.PutHeader
	(*BodyEnd)(nil),         // 15: codex.archive.v1.BodyEnd
	(*Commit)(nil),          // 16: codex.archive.v1.Commit
	(*PutReply)(nil),        // 17: codex.archive.v1.PutReply
	(*Stored)(nil),          // 18: codex.archive.v1.Stored
	(*MissingRequest)(nil),  // 19: codex.archive.v1.MissingRequest
	(*MissingReply)(nil),    // 20: codex.archive.v1.MissingReply
	(*GetRequest)(nil),      // 21: codex.archive.v1.GetRequest
	(*GetFrame)(nil),        // 22: codex.archive.v1.GetFrame
	(*GetPart)(nil),         // 23: codex.archive.v1.GetPart
	(*Failure)(nil),         // 24: codex.archive.v1.Failure
	(*End)(nil),             // 25: codex.archive.v1.End
	(*ListRequest)(nil),     // 26: codex.archive.v1.ListRequest
	(*ListFrame)(nil),       // 27: codex.archive.v1.ListFrame
	(*ListPart)(nil),        // 28: codex.archive.v1.ListPart
	(*Entry)(nil),           // 29: codex.archive.v1.Entry
	(*AppendRequest)(nil),   // 30: codex.archive.v1.AppendRequest
	(*AppendReply)(nil),     // 31: codex.archive.v1.AppendReply
	(*PurgeRequest)(nil),    // 32: codex.archive.v1.PurgeRequest
	(*PurgeItem)(nil),       // 33: codex.archive.v1.PurgeItem
	(*PurgeReply)(nil),      // 34: codex.archive.v1.PurgeReply
	(*Verdict)(nil),         // 35: codex.archive.v1.Verdict
	(*HealthRequest)(nil),   // 36: codex.archive.v1.HealthRequest
	(*HealthReply)(nil),     // 37: codex.archive.v1.HealthReply
	(*InspectRequest)(nil),  // 38: codex.archive.v1.InspectRequest
	(*InspectReply)(nil),    // 39: codex.archive.v1.InspectReply
	(*Finding)(nil),         // 40: codex.archive.v1.Finding
	(*DrainRequest)(nil),    // 41: codex.archive.v1.DrainRequest
	(*DrainReply)(nil),      // 42: codex.archive.v1.DrainReply
	(*ErrorDetail)(nil),     // 43: codex.archive.v1.ErrorDetail
	nil,                     // 44: codex.archive.v1.Record.MetadataEntry
	nil,                     // 45: codex.archive.v1.Event.DetailEntry
}
var file_archive_proto_depIdxs = []int32{
	5,  // 0: codex.archive.v1.DescribeReply.description:type_name -> codex.archive.v1.Description
	0,  // 1: codex.archive.v1.OpenRequest.mode:type_name -> codex.archive.v1.Mode
	5,  // 2: codex.archive.v1.OpenReply.description:type_name -> codex.archive.v1.Description
	8,  // 3: codex.archive.v1.Record.content:type_name -> codex.archive.v1.Content
	44, // 4: codex.archive.v1.Record.metadata:type_name -> codex.archive.v1.Record.MetadataEntry
	45, // 5: codex.archive.v1.Event.detail:type_name -> codex.archive.v1.Event.DetailEntry
	13, // 6: codex.archive.v1.PutFrame.parts:type_name -> codex.archive.v1.PutPart
	14, // 7: codex.archive.v1.PutPart.header:type_name -> codex.archive.v1.PutHeader
	15, // 8: codex.archive.v1.PutPart.end:type_name -> codex.archive.v1.BodyEnd
	16, // 9: codex.archive.v1.PutPart.commit:type_name -> codex.archive.v1.Commit
	10, // 10: codex.archive.v1.PutPart.event:type_name -> codex.archive.v1.Event
	11, // 11: codex.archive.v1.PutPart.hold:type_name -> codex.archive.v1.Hold
	9,  // 12: codex.archive.v1.PutHeader.record:type_name -> codex.archive.v1.Record
	18, // 13: codex.archive.v1.PutReply.stored:type_name -> codex.archive.v1.Stored
	8,  // 14: codex.archive.v1.Stored.content:type_name -> codex.archive.v1.Content
	23, // 15: codex.archive.v1.GetFrame.parts:type_name -> codex.archive.v1.GetPart
	9,  // 16: codex.archive.v1.GetPart.header:type_name -> codex.archive.v1.Record
	15, // 17: codex.archive.v1.GetPart.end:type_name -> codex.archive.v1.BodyEnd
	24, // 18: codex.archive.v1.GetPart.failure:type_name -> codex.archive.v1.Failure
	25, // 19: codex.archive.v1.GetPart.all:type_name -> codex.archive.v1.End
	43, // 20: codex.archive.v1.Failure.error:type_name -> codex.archive.v1.ErrorDetail
	28, // 21: codex.archive.v1.ListFrame.parts:type_name -> codex.archive.v1.ListPart
	29, // 22: codex.archive.v1.ListPart.entry:type_name -> codex.archive.v1.Entry
	10, // 23: codex.archive.v1.ListPart.event:type_name -> codex.archive.v1.Event
	11, // 24: codex.archive.v1.ListPart.hold:type_name -> codex.archive.v1.Hold
	25, // 25: codex.archive.v1.ListPart.all:type_name -> codex.archive.v1.End
	24, // 26: codex.archive.v1.ListPart.failure:type_name -> codex.archive.v1.Failure
	9,  // 27: codex.archive.v1.Entry.record:type_name -> codex.archive.v1.Record
	10, // 28: codex.archive.v1.AppendRequest.events:type_name -> codex.archive.v1.Event
	33, // 29: codex.archive.v1.PurgeRequest.items:type_name -> codex.archive.v1.PurgeItem
	35, // 30: codex.archive.v1.PurgeReply.verdicts:type_name -> codex.archive.v1.Verdict
	40, // 31: codex.archive.v1.InspectReply.findings:type_name -> codex.archive.v1.Finding
	1,  // 32: codex.archive.v1.ErrorDetail.kind:type_name -> codex.archive.v1.Kind
	2,  // 33: codex.archive.v1.ErrorDetail.effect:type_name -> codex.archive.v1.Effect
	3,  // 34: codex.archive.v1.Archive.Describe:input_type -> codex.archive.v1.DescribeRequest
	6,  // 35: codex.archive.v1.Archive.Open:input_type -> codex.archive.v1.OpenRequest
	12, // 36: codex.archive.v1.Archive.Put:input_type -> codex.archive.v1.PutFrame
	19, // 37: codex.archive.v1.Archive.Missing:input_type -> codex.archive.v1.MissingRequest
	21, // 38: codex.archive.v1.Archive.Get:input_type -> codex.archive.v1.GetRequest
	26, // 39: codex.archive.v1.Archive.List:input_type -> codex.archive.v1.ListRequest
	30, // 40: codex.archive.v1.Archive.Append:input_type -> codex.archive.v1.AppendRequest
	32, // 41: codex.archive.v1.Archive.Purge:input_type -> codex.archive.v1.PurgeRequest
	36, // 42: codex.archive.v1.Archive.Health:input_type -> codex.archive.v1.HealthRequest
	38, // 43: codex.archive.v1.Archive.Inspect:input_type -> codex.archive.v1.InspectRequest
	41, // 44: codex.archive.v1.Archive.Drain:input_type -> codex.archive.v1.DrainRequest
	4,  // 45: codex.archive.v1.Archive.Describe:output_type -> codex.archive.v1.DescribeReply
	7,  // 46: codex.archive.v1.Archive.Open:output_type -> codex.archive.v1.OpenReply
	17, // 47: codex.archive.v1.Archive.Put:output_type -> codex.archive.v1.PutReply
	20, // 48: codex.archive.v1.Archive.Missing:output_type -> codex.archive.v1.MissingReply
	22, // 49: codex.archive.v1.Archive.Get:output_type -> codex.archive.v1.GetFrame
	27, // 50: codex.archive.v1.Archive.List:output_type -> codex.archive.v1.ListFrame
	31, // 51: codex.archive.v1.Archive.Append:output_type -> codex.archive.v1.AppendReply
	34, // 52: codex.archive.v1.Archive.Purge:output_type -> codex.archive.v1.PurgeReply
	37, // 53: codex.archive.v1.Archive.Health:output_type -> codex.archive.v1.HealthReply
	39, // 54: codex.archive.v1.Archive.Inspect:output_type -> codex.archive.v1.InspectReply
	42, // 55: codex.archive.v1.Archive.Drain:output_type -> codex.archive.v1.DrainReply
	45, // [45:56] is the sub-list for method output_type
	34, // [34:45] is the sub-list for method input_type
	34, // [34:34] is the sub-list for extension type_name
	34, // [34:34] is the sub-list for extension extendee
	0,  // [0:34] is the sub-list for field type_name
}

func init() { file_archive_proto_init() }
func file_archive_proto_init() {
	if File_archive_proto != nil {
		return
	}
	file_archive_proto_msgTypes[6].OneofWrappers = []any{}
	file_archive_proto_msgTypes[7].OneofWrappers = []any{}
	file_archive_proto_msgTypes[8].OneofWrappers = []any{}
	file_archive_proto_msgTypes[10].OneofWrappers = []any{
		(*PutPart_Header)(nil),
		(*PutPart_Chunk)(nil),
		(*PutPart_End)(nil),
		(*PutPart_Commit)(nil),
		(*PutPart_Event)(nil),
		(*PutPart_Hold)(nil),
	}
	file_archive_proto_msgTypes[20].OneofWrappers = []any{
		(*GetPart_Header)(nil),
		(*GetPart_Chunk)(nil),
		(*GetPart_End)(nil),
		(*GetPart_Failure)(nil),
		(*GetPart_All)(nil),
	}
	file_archive_proto_msgTypes[23].OneofWrappers = []any{}
	file_archive_proto_msgTypes[25].OneofWrappers = []any{
		(*ListPart_Entry)(nil),
		(*ListPart_Event)(nil),
		(*ListPart_Hold)(nil),
		(*ListPart_All)(nil),
		(*ListPart_Failure)(nil),
	}
	file_archive_proto_msgTypes[29].OneofWrappers = []any{}
	file_archive_proto_msgTypes[34].OneofWrappers = []any{}
	type x struct{}
	out := protoimpl.TypeBuilder{
		File: protoimpl.DescBuilder{
			GoPackagePath: reflect.TypeOf(x{}).PkgPath(),
			RawDescriptor: unsafe.Slice(unsafe.StringData(file_archive_proto_rawDesc), len(file_archive_proto_rawDesc)),
			NumEnums:      3,
			NumMessages:   43,
			NumExtensions: 0,
			NumServices:   1,
		},
		GoTypes:           file_archive_proto_goTypes,
		DependencyIndexes: file_archive_proto_depIdxs,
		EnumInfos:         file_archive_proto_enumTypes,
		MessageInfos:      file_archive_proto_msgTypes,
	}.Build()
	File_archive_proto = out.File
	file_archive_proto_goTypes = nil
	file_archive_proto_depIdxs = nil
}
