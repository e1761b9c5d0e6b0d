package restorer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

func BenchmarkRestore(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			s := inMemory(b, filetest.Prose(size))
			out := filepath.Join(b.TempDir(), "out")
			var rs Restorer
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := rs.Restore(b.Context(), &s.record, bytes.NewReader(s.body), Destination{Path: out}); err != nil {
					b.Fatal(err)
				}
				if err := os.Remove(out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
