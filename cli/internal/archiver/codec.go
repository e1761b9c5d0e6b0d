package archiver

import (
	"github.com/klauspost/compress/zstd"

	"github.com/codex-archive/codex/sdk"
)

// encodeWindow is how far back a body refers: more gains little on source
// files, and every reader has to hold it.
const encodeWindow = 4 << 20

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
