package archiver

import (
	"context"

	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// OpenContent reads a regular file like [Open], for its content alone: nothing is
// asked about where it lies.
func OpenContent(ctx context.Context, path string, c *Compressor) (*Source, error) {
	s := nameless(c)
	return s, s.read(ctx, Request{Path: path})
}

// OfSpool is the source of bytes that are whole, whose SHA-256 is sum. It closes
// the spool.
func OfSpool(sp *spool.Spool, sum sdk.Digest, c *Compressor) (*Source, error) {
	s := nameless(c)
	return s, s.spooled(sp, sum, "a spool")
}

// nameless is a source of which only the content counts.
func nameless(c *Compressor) *Source {
	return &Source{compressor: c, format: func() ObjectFormat { return SHA1 }}
}

// spooled takes content that is whole.
func (s *Source) spooled(sp *spool.Spool, sum sdk.Digest, path string) error {
	if plain, ok := sp.Bytes(); ok {
		return s.small(plain)
	}
	s.large = large{content: sp, size: sp.Size(), path: path, close: sp.Close}
	s.promise(sum, sp.Size())
	return nil
}
