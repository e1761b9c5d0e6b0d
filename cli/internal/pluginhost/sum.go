package pluginhost

import (
	"crypto/sha256"
	"io"
	"os"

	"github.com/codex-archive/codex/sdk"
)

// SHA256 reads the program and returns the hash of its bytes.
func (p Program) SHA256() (sum sdk.Digest, err error) {
	f, err := os.Open(p.Path)
	if err != nil {
		return sum, err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}
