package restorer

import (
	"bytes"
	"context"
	"io"

	"github.com/codex-archive/codex/sdk"
)

// Checker checks bodies that are in memory, without keys: of an encrypted body it
// checks that it is what was stored. It may be used from several goroutines.
type Checker struct{ decoder *decoder }

// NewChecker returns a Checker, which must be closed.
func NewChecker() (*Checker, error) {
	d, err := newDecoder(Opener{})
	return &Checker{d}, err
}

// Check returns nil if body is the stored bytes of the content of r.
func (c *Checker) Check(ctx context.Context, r *sdk.Record, body []byte) error {
	if r.Content.Codec == sdk.ZstdAge {
		stored, err := Labeled(r.Content, sdk.NewBodyReader(bytes.NewReader(body), r.Content, r.Tombstone))
		if err == nil {
			_, err = io.Copy(io.Discard, stored)
		}
		return err
	}
	if max(r.Content.Size, int64(len(body))) > BulkSize {
		return Opener{}.Check(ctx, r, bytes.NewReader(body))
	}
	_, err := c.decoder.verified(ctx, r, Body{Bytes: body})
	return err
}

// Close frees what the Checker holds.
func (c *Checker) Close() { c.decoder.close() }
