package restorer

import (
	"context"
	"io"

	"github.com/codex-archive/codex/cli/internal/crypt"
	"github.com/codex-archive/codex/sdk"
)

// Opener turns bodies into verified content. The zero value cannot read what is
// encrypted.
type Opener struct{ Identities *crypt.Identities }

// Check reads body, the stored bytes of r, to its end and returns nil if they
// are the content of r.
func (o Opener) Check(ctx context.Context, r *sdk.Record, body io.Reader) error {
	_, err := o.extract(ctx, r, body, io.Discard)
	return err
}

// Extract writes the plain bytes of body, the stored bytes of r, to w. Only if it
// returns nil are they the content of r.
func (o Opener) Extract(ctx context.Context, r *sdk.Record, body io.Reader, w io.Writer) error {
	_, err := o.extract(ctx, r, body, w)
	return err
}
