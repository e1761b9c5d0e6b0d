package archive

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func BenchmarkStore(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			path := write(b, filepath.Join(b.TempDir(), "f"), prose(size))
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

func BenchmarkRestore(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			s := inMemory(b, prose(size))
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
