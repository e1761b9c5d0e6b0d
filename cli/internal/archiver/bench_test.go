package archiver

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

func BenchmarkStore(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			path := filetest.Write(b, filepath.Join(b.TempDir(), "f"), filetest.Prose(size))
			c := compressor(b)
			b.SetBytes(int64(size))
			for b.Loop() {
				s, err := Open(b.Context(), Request{Path: path, Compressor: c})
				if err != nil {
					b.Fatal(err)
				}
				body, err := s.Body()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, body); err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}
