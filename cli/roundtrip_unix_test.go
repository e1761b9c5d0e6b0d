//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestRoundTrips: what comes back is what went in, bytes and mode.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	noise := make([]byte, 300_000)
	newNoise("incompressible").Read(noise)
	contents := map[string][]byte{
		"empty": nil, "one byte": {0}, "NULs": make([]byte, 70_000), "invalid UTF-8": []byte("\xff\xfe\x80abc"),
		"CRLF": []byte("a\r\nb\r\n"), "incompressible": noise, "no newline at end": []byte("x"),
		"a name with spaces": []byte("1"), `quotes "and' more`: []byte("2"), "näme-日本語": []byte("3"),
		"-leading-dash": []byte("4"), "tab\tand\nnewline": []byte("5"), strings.Repeat("long", 60): []byte("6"),
	}
	if runtime.GOOS == "linux" {
		contents["not UTF-8 \xff\xfe"] = []byte("7")
	}
	modes := []os.FileMode{0o644, 0o600, 0o755, 0o444, 0o777}
	i := 0
	for name, content := range contents {
		mode := modes[i%len(modes)]
		i++
		path := filepath.Join(p.dir, name)
		if err := os.WriteFile(path, content, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		id := p.field(p.must("archive", "store", "--reason", "dead", "--", "repo", name), "tombstone")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		// Into a directory: the recorded name, whatever its bytes, is the file's.
		p.must("archive", "restore", id, "back/")
		got, err := os.ReadFile(filepath.Join(p.dir, "back", name))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%q: %d bytes came back, want %d (%v)", name, len(got), len(content), err)
			continue
		}
		after, err := os.Stat(filepath.Join(p.dir, "back", name))
		if err != nil {
			t.Fatal(err)
		}
		if after.Mode() != before.Mode() || !after.ModTime().Truncate(1000).Equal(before.ModTime().Truncate(1000)) {
			t.Errorf("%q: %v %v, want %v %v", name, after.Mode(), after.ModTime(), before.Mode(), before.ModTime())
		}
	}
	p.evidence()
}

// TestLargeFile: 300 MB there and back, with host and plugin in bounded memory.
func TestLargeFile(t *testing.T) {
	if testing.Short() {
		t.Skip("short: 300 MB take seconds")
	}
	t.Parallel()
	const size, most = 300 << 20, 128 << 20 // bytes
	p := newProject(t)
	p.big("large", size)
	store, peaks := p.watch("archive", "store", "repo", "large", "--reason", "dead")
	t.Logf("store: %s", peaks)
	peaks.check(t, most)
	restore, peaks := p.watch("archive", "restore", p.field(store, "tombstone"), "back")
	t.Logf("restore: %s", peaks)
	peaks.check(t, most)
	if got := strings.TrimSpace(restore); got != "back" {
		t.Errorf("restore printed %q", got)
	}
	if !sameFile(t, filepath.Join(p.dir, "large"), filepath.Join(p.dir, "back")) {
		t.Error("what came back differs")
	}
}

// memory is the largest resident size of processes, in bytes, by program.
type memory map[string]int64

func (m memory) String() string {
	var words []string
	for program, peak := range m {
		words = append(words, fmt.Sprintf("%s %d MiB", program, peak>>20))
	}
	return strings.Join(words, ", ")
}

func (m memory) check(t *testing.T, most int64) {
	t.Helper()
	if runtime.GOOS == "linux" && len(m) < 2 {
		t.Errorf("only %v was measured", m)
	}
	for program, peak := range m {
		if peak > most {
			t.Errorf("%s took %d MiB, allowed %d", program, peak>>20, most>>20)
		}
	}
}
