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

// A file that is not a log of this program is never written to.
func TestForeignFileIsRefused(t *testing.T) {
	for _, content := range []string{"import os\n", "{}\n", "\n", "[section]\n", `{"ts":"yesterday"}`, "\x00"} {
		path := filepath.Join(t.TempDir(), "src.py")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := logging.New(logging.Options{File: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", content, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%q became %q, %v", content, got, err)
		}
	}
}

func TestOwnLogIsContinued(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		path := filepath.Join(t.TempDir(), "x.log")
		for range 2 {
			l, _ := newLogger(t, logging.Options{File: path, Format: format})
			l.Info("x")
		}
		whole, err := os.ReadFile(path)
		if err != nil || bytes.Count(whole, []byte("\n")) != 2 {
			t.Errorf("%s: %q, %v", format, whole, err)
		}
		// A full disk cut the first line short.
		for _, n := range []int{0, 1, 10, 27, 45} {
			if err := os.WriteFile(path, whole[:min(n, len(whole)/2)], 0o600); err != nil {
				t.Fatal(err)
			}
			newLogger(t, logging.Options{File: path, Format: format})
		}
	}
}

func TestDevicesAndLinksAreRefused(t *testing.T) {
	dir := t.TempDir()
	victim, link, project := filepath.Join(dir, "victim"), filepath.Join(dir, "link"), filepath.Join(dir, ".codex", "logs")
	for _, err := range []error{
		os.WriteFile(victim, nil, 0o600), os.Symlink(victim, link), os.Symlink("nowhere", link+"2"),
		os.Mkdir(filepath.Dir(project), 0o700), os.Symlink(dir, project),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/dev/stdout", "/dev/null", "/dev/tty", link, link + "2", filepath.Join(project, "new.log")} {
		if _, _, err := logging.New(logging.Options{File: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{filepath.Join(dir, "nowhere"), filepath.Join(dir, "new.log")} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}

// A full disk must not stop the program, is said once, and must not glue two
// lines together. A limit on the size of files takes the part of a full disk; it
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
