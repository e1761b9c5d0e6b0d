//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/cli/internal/output"
)

// TestDescribeHangingPrograms: programs that say nothing are started at the same
// time, and Ctrl-C ends the command as it ends others.
func TestDescribeHangingPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"first", "second"} {
		script := fmt.Sprintf("#!/bin/sh\n: > '%s'\nexec sleep 600\n", filepath.Join(dir, name))
		if err := os.Chmod(filetest.Write(t, filepath.Join(dir, "codex-archive-"+name), []byte(script)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(programs, "codex"), "plugin", "list", "--describe", "--plugin-dir", dir)
	var stdout bytes.Buffer
	cmd.Dir, cmd.Stdout = dir, &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its code is looked at
		close(ended)
	}()
	for _, name := range []string{"first", "second"} {
		for {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				break
			}
			select {
			case <-ended:
				t.Fatalf("it ended before both were started:\n%s", &stdout)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	<-ended
	if code := output.Code(cmd.ProcessState.ExitCode()); code != 130 || stdout.Len() > 0 {
		t.Errorf("exit code %d, and\n%s", code, &stdout)
	}
}
