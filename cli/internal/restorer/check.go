package restorer

import (
	"bytes"
	"context"
	"io"

	"github.com/codex-archive/codex/sdk"
)

// Check reads body, the stored bytes of r, to its end and returns nil if they
// are the content of r.
func Check(ctx context.Context, r *sdk.Record, body io.Reader) error {
	_, err := extract(ctx, r, body, io.Discard)
	return err
}

// Extract writes the plain bytes of body, the stored bytes of r, to w. Only if it
// returns nil are they the content of r.
func Extract(ctx context.Context, r *sdk.Record, body io.Reader, w io.Writer) error {
	_, err := extract(ctx, r, body, w)
	return err
}

// Checker checks bodies that are in memory. It may be used from several
// goroutines.
type Checker struct{ decoder *decoder }

// NewChecker returns a Checker, which must be closed.
func NewChecker() (*Checker, error) {
	d, err := newDecoder()
	return &Checker{d}, err
}

// Check returns nil if body is the stored bytes of the content of r.
func (c *Checker) Check(ctx context.Context, r *sdk.Record, body []byte) error {
	if max(r.Content.Size, int64(len(body))) > BulkSize {
		return Check(ctx, r, bytes.NewReader(body))
	}
	_, err := c.decoder.verified(ctx, r, Body{Bytes: body})
	return err
}

// Close frees what the Checker holds.
func (c *Checker) Close() { c.decoder.close() }
