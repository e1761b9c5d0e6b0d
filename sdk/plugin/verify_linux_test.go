package plugin

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// sumOf returns the hash of a file.
func sumOf(t *testing.T, path string) *sdk.Digest {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sdk.Digest(sha256.Sum256(data))
	return &sum
}

// TestVerifiedProgram starts a program whose hash is known. What runs is a sealed
// copy: neither the file at its path nor the copy can be changed under it.
func TestVerifiedProgram(t *testing.T) {
	c := as(t, "memory")
	path := filepath.Join(t.TempDir(), "codex-archive-copy")
	data, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	c.Path, c.SHA256 = path, sumOf(t, path)
	p, backend := start(t, c)
	if _, err := backend.Health(t.Context()); err != nil {
		t.Error(err)
	}
	exe := fmt.Sprintf("/proc/%d/exe", p.Pid())
	target, err := os.Readlink(exe)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(target, "memfd:") {
		t.Errorf("%s runs, not a copy", target)
	}
	// The file itself is not busy: it is not what runs.
	if err := os.WriteFile(path, []byte("changed"), 0o755); err != nil {
		t.Error(err)
	}
	if *sumOf(t, exe) != *c.SHA256 {
		t.Error("other bytes run than were checked")
	}
	if f, err := os.OpenFile(exe, os.O_WRONLY, 0); err == nil {
		if _, err := f.WriteAt([]byte{0}, 0); err == nil {
			t.Error("what runs can be written")
		}
		f.Close()
	}
}

// TestSealed tries to write the copy before it is run.
func TestSealed(t *testing.T) {
	f, err := os.Open(script(t, "some bytes"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	i, err := sealed(f)
	if err != nil {
		t.Fatal(err)
	}
	defer i.close()
	if _, err := i.copy.WriteAt([]byte{0}, 0); err == nil {
		t.Error("the copy can be written")
	}
	if err := i.copy.Truncate(0); err == nil {
		t.Error("the copy can be cut")
	}
}

func TestChangedProgram(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	path := script(t, "#!/bin/sh\necho > "+marker+"\nexit 3\n")
	binary := filepath.Join(t.TempDir(), "codex-archive-binary")
	self := as(t, "memory")
	data, err := os.ReadFile(self.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, append(data, 0), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]string{"script": path, "binary": binary} {
		t.Run(name, func(t *testing.T) {
			c := Command{Path: changed, Env: self.Env, SocketDir: shortDir(t), SHA256: sumOf(t, self.Path)}
			_, err := Launch(t.Context(), c)
			var sum *SumError
			if !errors.As(err, &sum) || sum.Want != *c.SHA256 || sum.Got != *sumOf(t, changed) {
				t.Errorf("%v", err)
			}
			refused(t, c, "it was not run")
			if _, err := os.Stat(marker); err == nil {
				t.Error("it was run")
			}
		})
	}
	t.Run("script that is locked", func(t *testing.T) {
		refused(t, Command{Path: path, SocketDir: shortDir(t), SHA256: sumOf(t, path)}, "it ended at once (exit status 3)")
		if _, err := os.Stat(marker); err != nil {
			t.Error("it was not run")
		}
	})
	t.Run("missing", func(t *testing.T) {
		refused(t, Command{Path: filepath.Join(t.TempDir(), "gone"), SocketDir: shortDir(t), SHA256: sumOf(t, path)}, "it is not there")
	})
}
