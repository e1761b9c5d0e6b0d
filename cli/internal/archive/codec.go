package archive

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/codex-archive/codex/sdk"
)

const (
	// encodeWindow is how far back a body refers: more gains little on source
	// files, and every reader has to hold it.
	encodeWindow = 4 << 20
	// decodeWindow is what a body may ask of this reader: the 8 MiB that every
	// zstd decoder should support, so that bodies of other writers can be read
	// too. It is also [sdk.StagedBody], the size up to which content is one
	// segment.
	decodeWindow = 8 << 20
	// decodeSpace is what a decoder has besides the window: two blocks.
	decodeSpace = 256 << 10
)

// Compressor makes bodies. It may be used from several goroutines.
type Compressor struct {
	codec sdk.Codec
	level zstd.EncoderLevel
	whole *zstd.Encoder // for content in memory
}

// NewCompressor returns a compressor for codec, [sdk.Zstd] or [sdk.None], and
// for level, one of fastest, default, better and best. Empty means zstd, and
// default.
func NewCompressor(codec sdk.Codec, level string) (*Compressor, error) {
	if level == "" {
		level = "default"
	}
	ok, l := zstd.EncoderLevelFromString(level)
	if !ok {
		return nil, sdk.Errorf(sdk.Invalid, "compression level: found %q, allowed fastest, default, better, best", level)
	}
	c := &Compressor{codec: codec, level: l}
	switch codec {
	case sdk.None:
		return c, nil
	case "", sdk.Zstd:
		c.codec = sdk.Zstd
	default:
		return nil, sdk.Errorf(sdk.Invalid, "codec: found %q, allowed %s, %s", codec, sdk.Zstd, sdk.None)
	}
	var err error
	c.whole, err = c.encoder()
	return c, err
}

// encoder works in the goroutine that calls it: beside it the host hashes and
// the backend writes, and a second thread would double its memory.
func (c *Compressor) encoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(c.level), zstd.WithWindowSize(encodeWindow),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true))
}

// compress returns the body for plain, which may be plain itself.
func (c *Compressor) compress(plain []byte) (body []byte, codec sdk.Codec) {
	if c.codec == sdk.None {
		return plain, sdk.None
	}
	return c.whole.EncodeAll(plain, nil), sdk.Zstd
}

// decompress returns a reader of the plain bytes of content's body, and what
// frees it. It needs at most about twice the window.
func decompress(content sdk.Content, body io.Reader) (io.Reader, func(), error) {
	switch content.Codec {
	case sdk.None:
		return body, func() {}, nil
	case sdk.Zstd:
	default:
		return nil, nil, sdk.Errorf(sdk.Unsupported, "codec %q is not known here", content.Codec)
	}
	// SHA-256 is checked anyway, so the frame's own checksum would be paid for
	// twice; and without it damaged content can be read far enough to name its
	// hash.
	d, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(decodeWindow), zstd.WithDecoderMaxMemory(uint64(max(content.Size, decodeWindow))),
		zstd.IgnoreChecksum(true))
	if err != nil {
		return nil, nil, fmt.Errorf("zstd: %w", err)
	}
	return d, d.Close, nil
}
