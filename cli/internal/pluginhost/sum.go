package pluginhost

import (
	"context"
	"crypto/sha256"
	"io"
	"os"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// SHA256 reads the program and returns the hash of its bytes. It does not
// wait without end for its file system.
func (p Program) SHA256(ctx context.Context) (sum sdk.Digest, err error) {
	f, err := durable.Answered(ctx, 0, p.Path, func() (*os.File, error) { return os.Open(p.Path) })
	if err != nil {
		return sum, err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, durable.AnsweringReader(ctx, 0, p.Path, f)); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}
