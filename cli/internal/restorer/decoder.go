package restorer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/codex-archive/codex/sdk"
)

// BulkSize is up to which size, in bytes, plain or stored, content is restored in
// groups: it is verified in memory, before anything is written.
const BulkSize = verifiedInMemory

// Body is a whole body in memory, or what came of it before Err.
type Body struct {
	Bytes []byte
	Err   error
}

func (b Body) reader() io.Reader {
	if b.Err == nil {
		return bytes.NewReader(b.Bytes)
	}
	return io.MultiReader(bytes.NewReader(b.Bytes), broken{b.Err})
}

// broken is the end of a body that did not come whole.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// decoder verifies small content in memory. It may be used from several
// goroutines.
type decoder struct {
	opener Opener
	zstd   *zstd.Decoder
}

// decoders is how many goroutines decompress at a time.
const decoders = 2

func newDecoder(o Opener) (*decoder, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(decoders), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(decodeWindow), zstd.WithDecoderMaxMemory(2*verifiedInMemory), zstd.IgnoreChecksum(true))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &decoder{o, d}, nil
}

func (d *decoder) close() { d.zstd.Close() }

// verified returns the plain bytes of a body. What is wrong with a body that does
// not match its record is found out by [extract].
func (d *decoder) verified(ctx context.Context, r *sdk.Record, body Body) ([]byte, error) {
	if content, ok := d.plain(r, body); ok && int64(len(content)) == r.Content.Size && sha256.Sum256(content) == r.Content.SHA256 {
		return content, nil
	}
	var b bytes.Buffer
	_, err := d.opener.extract(ctx, r, body.reader(), &b)
	return b.Bytes(), err
}

// plain returns what a body that came whole decompresses to.
func (d *decoder) plain(r *sdk.Record, body Body) ([]byte, bool) {
	c, stored, ok := r.Content, body.Bytes, body.Err == nil
	switch {
	case !ok || c.Codec == sdk.None:
		return stored, ok
	case c.Size < 0 || c.Size > BulkSize:
		return nil, false
	case c.Codec == sdk.ZstdAge:
		if stored, ok = d.opener.decrypt(nil, r, stored); !ok {
			return nil, false
		}
	case c.Codec != sdk.Zstd:
		return nil, false
	}
	content, err := d.zstd.DecodeAll(stored, make([]byte, 0, c.Size+decodeSlack))
	return content, err == nil
}

// decrypt appends what is encrypted in body, which is that of r, to dst.
func (o Opener) decrypt(dst []byte, r *sdk.Record, body []byte) ([]byte, bool) {
	if plain, ok := o.Identities.Open(dst, body); ok {
		return plain, true
	}
	plain, err := o.Identities.Decrypt(r, bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	b := bytes.NewBuffer(dst)
	b.Grow(len(body)) // it is a little shorter
	_, err = b.ReadFrom(plain)
	return b.Bytes(), err == nil
}

// decodeSlack is room behind the content, in bytes, that the decoder writes to
// when it copies in words.
const decodeSlack = 32
