package evidence

import (
	"os"
	"path/filepath"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	l, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := l.Append(archiveRecord("cli/internal/evidence/bench_test.go")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNote(b *testing.B) {
	l, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, err := l.Begin(Intent{Records: []*Record{archiveRecord("a")}})
		if err == nil {
			err = p.Done()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// logOf makes a log of n lines.
func logOf(b *testing.B, n int) string {
	l, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for range n / 1000 {
		records := make([]*Record, 1000)
		for i := range records {
			records[i] = archiveRecord("cli/internal/evidence/bench_test.go")
		}
		if err := l.Append(records...); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(l.dir, FileName))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	return l.Path()
}

func BenchmarkRead100k(b *testing.B) {
	path := logOf(b, 100_000)
	for b.Loop() {
		for line, err := range Read(path) {
			if err != nil {
				b.Fatal(err)
			}
			if _, err := line.Record(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkVerify100k(b *testing.B) {
	path := logOf(b, 100_000)
	for b.Loop() {
		if rep, err := Verify(path); err != nil || rep.Broken != 0 {
			b.Fatal(rep, err)
		}
	}
}
