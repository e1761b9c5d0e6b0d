package restorer

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/codex-archive/codex/sdk"
)

const (
	// usualWindow is the window of the bodies that this program makes.
	usualWindow = 4 << 20
	// decodeWindow is what a body may ask of this reader: the 8 MiB that every
	// zstd decoder should support, so that bodies of other writers can be read
	// too. It is also [sdk.StagedBody], the size up to which content is one
	// segment.
	decodeWindow = 8 << 20
	// decodeSpace is what a decoder has besides the window: two blocks.
	decodeSpace = 256 << 10
)

// decompress returns a reader of the plain bytes of the body of r, and what frees
// it. It needs at most about twice the window.
func (o Opener) decompress(r *sdk.Record, body io.Reader) (io.Reader, func(), error) {
	content := r.Content
	switch content.Codec {
	case sdk.None:
		return body, func() {}, nil
	case sdk.Zstd:
	case sdk.ZstdAge:
		var err error
		if body, err = o.Identities.Decrypt(r, body); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, sdk.Errorf(sdk.Corrupt, "the archive says that the body is %q, which is no codec", content.Codec).About(r.Tombstone)
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
