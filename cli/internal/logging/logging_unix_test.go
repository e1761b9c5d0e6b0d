//go:build unix

package logging_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/logging"
)

func TestFileIsPrivate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "x.log")
	l, _ := newLogger(t, logging.Options{File: path})
	l.Info("x")
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
}

func TestNamedPipeIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := logging.New(logging.Options{File: path}); err == nil {
		t.Error("a pipe without a reader was opened")
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, _, err := logging.New(logging.Options{File: path}); err == nil {
		t.Error("a pipe with a reader was opened")
	}
}

// A full disk must not stop the program, is said once, and must not glue two
// lines together. A limit on the size of files stands for the full disk; it
// holds for the whole process, so it is lifted before anything else is done.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	var stderr bytes.Buffer
	l, _ := newLogger(t, logging.Options{Format: "json", Stderr: &stderr, File: path})
	l.Info("first")

	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	full := before
	full.Cur = 100
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	l.Info("second, which is torn at byte 100")
	l.Info("third, which finds no room at all")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	l.Info("fourth")

	if n := strings.Count(stderr.String(), "Log file is incomplete"); n != 1 {
		t.Errorf("said %d times, want once: %s", n, &stderr)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != 3 || json.Valid([]byte(lines[1])) || !json.Valid([]byte(lines[2])) || !strings.Contains(lines[2], "fourth") {
		t.Errorf("file has %q", data)
	}
}
