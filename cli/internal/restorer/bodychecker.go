package restorer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"sync"

	"github.com/codex-archive/codex/sdk"
)

// BodyChecker reads bodies and says whether they are the content of their records,
// and the bytes that were stored.
// It keeps buffers between calls, which makes small contents cheap; large ones are
// streamed. It may be used from several goroutines.
type BodyChecker struct {
	opener  Opener
	plain   *decoder
	buffers sync.Pool // of *checkBuffers
}

// checkBuffers are those of one call: the body as it is stored, and plain.
type checkBuffers struct {
	stored     bytes.Buffer
	compressed []byte // decrypted
	plain      []byte
}

// NewBodyChecker returns a BodyChecker, which must be closed.
func NewBodyChecker(o Opener) (*BodyChecker, error) {
	plain, err := newDecoder(o)
	if err != nil {
		return nil, err
	}
	return &BodyChecker{opener: o, plain: plain, buffers: sync.Pool{New: func() any { return new(checkBuffers) }}}, nil
}

// Close frees what it holds.
func (c *BodyChecker) Close() { c.plain.close() }

// Check reads body, the stored bytes of r, to its end and returns nil if they
// are the content of r.
func (c *BodyChecker) Check(ctx context.Context, r *sdk.Record, body io.Reader) error {
	if r.Content.Size > BulkSize || r.Content.StoredSize > BulkSize {
		return c.opener.Check(ctx, r, sdk.NewBodyReader(body, r.Content, r.Tombstone))
	}
	b := c.buffers.Get().(*checkBuffers)
	defer c.buffers.Put(b)
	b.stored.Reset()
	_, err := b.stored.ReadFrom(io.LimitReader(body, BulkSize+1))
	if err == nil && c.matches(r, b) {
		return nil
	}
	stored := sdk.NewBodyReader(Body{Bytes: b.stored.Bytes(), Err: err}.reader(), r.Content, r.Tombstone)
	return c.opener.Check(ctx, r, stored) // it finds out what is wrong
}

// matches reports whether a whole body is the content of r.
func (c *BodyChecker) matches(r *sdk.Record, b *checkBuffers) bool {
	plain, content := b.stored.Bytes(), r.Content
	if content.Codec != sdk.None && sha256.Sum256(plain) != content.StoredSHA256 || content.Codec == sdk.None && content.StoredSHA256 != content.SHA256 {
		return false
	}
	if content.Codec == sdk.ZstdAge {
		var ok bool
		if plain, ok = c.opener.decrypt(b.compressed[:0], r, plain); !ok {
			return false
		}
		b.compressed = plain
	}
	if content.Codec != sdk.None {
		if content.Codec != sdk.Zstd && content.Codec != sdk.ZstdAge {
			return false
		}
		if int64(cap(b.plain)) < content.Size+decodeSlack {
			b.plain = make([]byte, 0, content.Size+decodeSlack)
		}
		var err error
		if plain, err = c.plain.zstd.DecodeAll(plain, b.plain[:0]); err != nil {
			return false
		}
	}
	return int64(len(plain)) == content.Size && sha256.Sum256(plain) == content.SHA256
}
