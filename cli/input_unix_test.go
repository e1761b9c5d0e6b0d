//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// TestInterruptedInput: a command that reads a list from a pipe which stays open
// ends with the first signal. The pipe is standard input, or has a name.
func TestInterruptedInput(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"batch-restore", "-"}, {"store", "r", "--reason", "dead", "--files-from", "-"},
		{"batch-restore", "pipe"}, {"store", "r", "--reason", "dead", "--files-from", "pipe"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.must("archive", "init")
			fifo := filepath.Join(p.dir, "pipe")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := p.command(append([]string{"archive"}, args...)...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			var pipe io.WriteCloser
			var err error
			if args[len(args)-1] == "-" {
				pipe, err = cmd.StdinPipe()
			}
			if err == nil {
				err = cmd.Start()
			}
			if err == nil && pipe == nil {
				pipe, err = os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the reader
			}
			if err != nil {
				t.Fatal(err)
			}
			// More than a pipe holds: once it is written, the command reads.
			if _, err := pipe.Write(bytes.Repeat([]byte("name\n"), 100_000)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // the exit code says it
			pipe.Close()
			if code := output.Code(cmd.ProcessState.ExitCode()); code != output.ExitInterrupted {
				t.Errorf("exit code %d\n%s", code, stderr.String())
			}
		})
	}
}
