package spool

import (
	"context"
	"io"

	"github.com/codex-archive/codex/sdk"
)

// copyChunk is how much is copied at a time, in bytes.
const copyChunk = 256 << 10

// Copy copies until r or ctx ends, without more memory than one chunk.
func Copy(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	return io.CopyBuffer(onlyWriter{w}, NewReader(ctx, r), make([]byte, copyChunk))
}

// NewReader returns r until ctx ends.
func NewReader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, sdk.AsError(err)
	}
	return r.r.Read(p)
}

// onlyWriter hides ReadFrom and the like, so that copies use the buffer that
// they are given.
type onlyWriter struct{ io.Writer }
