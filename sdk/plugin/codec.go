package plugin

import (
	"fmt"

	"github.com/codex-archive/codex/sdk"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	protobuf "google.golang.org/protobuf/proto"
)

// codec encodes as gRPC's own codec does, with buffers that fit a frame. Those of
// gRPC hold 1 MiB from 32 KiB on, and are zeroed each time they are used.
type codec struct{ buffers mem.BufferPool }

var _ encoding.CodecV2 = codec{}

// frameBuffer is a frame of chunks with the fields around them, in bytes.
const frameBuffer = sdk.ChunkSize + 64<<10

func newCodec() codec {
	return codec{mem.NewTieredBufferPool(4<<10, 32<<10, frameBuffer, maxMessage)}
}

// Name implements [encoding.CodecV2]: what is encoded is the same.
func (codec) Name() string { return proto.Name }

// Marshal implements [encoding.CodecV2].
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(protobuf.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no message", v)
	}
	buffer := c.buffers.Get(protobuf.Size(m))
	if _, err := (protobuf.MarshalOptions{UseCachedSize: true}).MarshalAppend((*buffer)[:0], m); err != nil {
		c.buffers.Put(buffer)
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(buffer, c.buffers)}, nil
}

// Unmarshal implements [encoding.CodecV2].
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(protobuf.Message)
	if !ok {
		return fmt.Errorf("%T is no message", v)
	}
	buffer := data.MaterializeToBuffer(c.buffers)
	defer buffer.Free()
	return protobuf.Unmarshal(buffer.ReadOnlyData(), m)
}
