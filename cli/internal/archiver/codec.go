package archiver

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/codex-archive/codex/cli/internal/crypt"
	"github.com/codex-archive/codex/sdk"
)

// encodeWindow is how far back a body refers: more gains little on source
// files, and every reader has to hold it.
const encodeWindow = 4 << 20

// Compressor makes bodies. It belongs to one goroutine at a time: see
// [Compressor.Clone].
type Compressor struct {
	codec sdk.Codec
	level zstd.EncoderLevel
	whole *zstd.Encoder // for content in memory
	small *zstd.Encoder // for content up to smallBytes; the same one unless the level is the default

	recipients *crypt.Recipients // nil: bodies are not encrypted
	compressed []byte            // a body before it is encrypted
}

// smallBytes is the size of content up to which the default level is the
// fastest: that takes half of the time there, because the tables of the next
// level do not fit into the processor's cache, for 7 % more bytes.
const smallBytes = 16 << 10

// Auto chooses between [sdk.Zstd] and [sdk.None] for each content: zstd where it
// saves anything. No body has it as its codec.
const Auto sdk.Codec = "auto"

// NewCompressor returns a compressor for codec, [Auto], [sdk.Zstd] or [sdk.None],
// and for level, one of fastest, default, better and best. Empty means auto, and
// default. With recipients all bodies are [sdk.ZstdAge], whatever codec says.
func NewCompressor(codec sdk.Codec, level string, recipients *crypt.Recipients) (*Compressor, error) {
	if level == "" {
		level = "default"
	}
	ok, l := zstd.EncoderLevelFromString(level)
	if !ok {
		return nil, sdk.Errorf(sdk.Invalid, "compression level: found %q, allowed fastest, default, better, best", level)
	}
	c := &Compressor{codec: codec, level: l, recipients: recipients}
	switch codec {
	case "":
		c.codec = Auto
	case Auto, sdk.Zstd, sdk.None:
	default:
		return nil, sdk.Errorf(sdk.Invalid, "codec: found %q, allowed %s, %s, %s", codec, Auto, sdk.Zstd, sdk.None)
	}
	if recipients != nil {
		c.codec = sdk.ZstdAge
	}
	if c.codec == sdk.None {
		return c, nil
	}
	return c, c.makeEncoders()
}

// Clone returns another compressor, for another goroutine.
func (c *Compressor) Clone() (*Compressor, error) {
	other := &Compressor{codec: c.codec, level: c.level, recipients: c.recipients}
	if c.whole == nil {
		return other, nil
	}
	return other, other.makeEncoders()
}

func (c *Compressor) makeEncoders() (err error) {
	if c.whole, err = c.encoder(c.level); err != nil {
		return err
	}
	c.small = c.whole
	if c.level == zstd.SpeedDefault {
		c.small, err = c.encoder(zstd.SpeedFastest)
	}
	return err
}

// encoder works in the goroutine that calls it: beside it the host hashes and
// the backend writes, and a second thread would double its memory. Frames have no
// checksum of their own, because every reader compares the SHA-256.
func (c *Compressor) encoder(level zstd.EncoderLevel) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithWindowSize(encodeWindow),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
}

// encodeAll appends the frame of plain to dst.
func (c *Compressor) encodeAll(dst, plain []byte) []byte {
	if len(plain) <= smallBytes {
		return c.small.EncodeAll(plain, dst)
	}
	return c.whole.EncodeAll(plain, dst)
}

// Compress appends the body for plain to dst, and says what it is. Where plain
// does not shrink, the body is plain itself unless zstd was asked for.
func (c *Compressor) Compress(dst, plain []byte) ([]byte, sdk.Codec, error) {
	if c.recipients != nil {
		return c.encrypt(dst, plain)
	}
	begin := len(dst)
	if c.codec != sdk.None {
		dst = c.encodeAll(dst, plain)
		if c.codec == sdk.Zstd || len(dst)-begin < len(plain) {
			return dst, sdk.Zstd, nil
		}
	}
	return append(dst[:begin], plain...), sdk.None, nil
}

func (c *Compressor) encrypt(dst, plain []byte) ([]byte, sdk.Codec, error) {
	c.compressed = c.encodeAll(c.compressed[:0], plain)
	body := bytes.NewBuffer(dst)
	w := c.recipients.Encrypt(body)
	_, err := w.Write(c.compressed)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return dst, "", fmt.Errorf("encrypt: %w", err)
	}
	return body.Bytes(), sdk.ZstdAge, nil
}

// Encrypted returns a writer of plain bytes, size of them, that writes the body to w.
// Close ends the body, and not w. The compressor must have recipients.
func (c *Compressor) Encrypted(w io.Writer, size int64) (io.WriteCloser, error) {
	enc, err := c.encoder(c.level)
	if err != nil {
		return nil, err
	}
	sealed := c.recipients.Encrypt(w)
	enc.ResetContentSize(sealed, size)
	return encrypted{enc, sealed}, nil
}

// encrypted is an encoder that writes to what encrypts.
type encrypted struct {
	*zstd.Encoder
	sealed io.Closer
}

// Close ends the frame, and then what encrypts it.
func (e encrypted) Close() error {
	if err := e.Encoder.Close(); err != nil {
		return err
	}
	return e.sealed.Close()
}

// sampleBytes is how much is compressed of large content to learn whether it
// shrinks, at each of its beginning, middle and end, in bytes.
const sampleBytes = 128 << 10

// choose returns the codec for content that is too large to be tried whole. A
// part that cannot be read shows when all of it is.
func (c *Compressor) choose(content io.ReaderAt, size int64) sdk.Codec {
	if c.codec != Auto {
		return c.codec
	}
	plain := make([]byte, sampleBytes)
	for _, at := range []int64{0, (size - sampleBytes) / 2, size - sampleBytes} {
		n, _ := content.ReadAt(plain, max(at, 0))
		if len(c.whole.EncodeAll(plain[:n], nil)) < n {
			return sdk.Zstd
		}
	}
	return sdk.None
}
