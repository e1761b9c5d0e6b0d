package restorer

import (
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
