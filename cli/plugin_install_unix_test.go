//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// TestInstallAfterKill: what an install that was killed left in the directory for
// temporary files is removed by the next one. It stayed, a copy of the program and of
// its archive each time.
func TestInstallAfterKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	began := filepath.Join(dir, "began")
	hanging := filetest.Write(t, filepath.Join(dir, "codex-archive-hanging"), []byte("#!/bin/sh\n: > '"+began+"'\ncat >/dev/null\n"))
	install := func(program string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(programs, "codex"), "plugin", "install", program, "--timeout", "600")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir, "XDG_DATA_HOME="+filepath.Join(dir, "data"))
		return cmd
	}
	left := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "codex-install-*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	cmd := install(hanging)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(began); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	// While it lives, another leaves it alone. This one fails: it is no backend.
	if out, err := install(filetest.Write(t, filepath.Join(dir, "codex-archive-false"), []byte("#!/bin/sh\nexit 1\n"))).CombinedOutput(); err == nil || len(left()) != 1 {
		t.Errorf("beside it: %v, left %v\n%s", err, left(), out)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if len(left()) != 1 {
		t.Errorf("after the kill there is %v", left())
	}
	if out, err := install(filepath.Join(dir, "codex-archive-false")).CombinedOutput(); err == nil || len(left()) != 0 {
		t.Errorf("after it: %v, left %v\n%s", err, left(), out)
	}
}
