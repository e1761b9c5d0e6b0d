package restorer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

const (
	bigSize  = 300 << 20 // bytes of the big file
	maxPeak  = 128 << 10 // KiB that a process may use at most
	peakLine = "VmHWM:"
)

// memoryRole stores and restores a big file.
func memoryRole(dir string) error {
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := writeBig(in); err != nil {
		return err
	}
	c, err := archiver.NewCompressor("", "", nil)
	if err != nil {
		return err
	}
	s, err := archiver.Open(context.Background(), archiver.Request{Path: in, Compressor: c})
	if err != nil {
		return err
	}
	defer s.Close()
	body, err := s.Body()
	if err != nil {
		return err
	}
	r := sdk.Record{Tombstone: sdk.Tombstone{1}}
	s.Fill(&r)
	var rs Restorer
	// No backend: the body goes from one side to the other as it is made.
	if _, err := rs.Restore(context.Background(), &r, body, Destination{Path: out}); err != nil {
		return err
	}
	return printPeak()
}

func writeBig(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	half := append(filetest.Prose(1<<20), filetest.Noise(1<<20)...)
	for n := 0; n < bigSize; n += len(half) {
		w.Write(half)
		fmt.Fprintln(w, n)
	}
	return errors.Join(w.Flush(), f.Truncate(bigSize))
}

// printPeak prints the peak resident size of this process in KiB.
func printPeak() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(status), peakLine)
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return err
	}
	fmt.Println(kib)
	return nil
}

func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("300 MB take seconds")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the peak of a process is read from /proc, as on Linux")
	}
	dir := t.TempDir()
	cmd := filetest.Child(t, "memory", dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var kib int
	if _, err := fmt.Sscan(string(out), &kib); err != nil {
		t.Fatal(err)
	}
	t.Logf("peak %d KiB for %d MiB", kib, bigSize>>20)
	if kib > maxPeak {
		t.Errorf("peak %d KiB, allowed %d", kib, maxPeak)
	}
	same(t, filepath.Join(dir, "in"), filepath.Join(dir, "out"))
}

func same(t *testing.T, a, b string) {
	t.Helper()
	fa, err1 := os.Open(a)
	fb, err2 := os.Open(b)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer fa.Close()
	defer fb.Close()
	ba, bb := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, ea := io.ReadFull(fa, ba)
		m, eb := io.ReadFull(fb, bb)
		if n != m || string(ba[:n]) != string(bb[:m]) || (ea == nil) != (eb == nil) {
			t.Fatalf("%s and %s differ", a, b)
		}
		if ea != nil {
			return
		}
	}
}
