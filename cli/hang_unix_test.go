//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
)

// stuck is the commands that call each method of a backend.
var stuck = map[string][]string{
	"open":    {"health-check"},
	"health":  {"health-check"},
	"missing": {"store", "r", "large", "--reason", "dead", "--set", "archive.codec=none"},
	"put":     {"store", "r", "small", "--reason", "dead"},
	"list":    {"list"},
	"get":     {"restore", firstItem, "out.txt"},
	"append":  {"restore", firstItem, "out.txt"},
	"close":   {"list"},
}

// hungProject has a backend that never returns from method. Its program writes
// its process id to the file pid.
func hungProject(t *testing.T, method string) *project {
	p := batchProject(t, 1, "stick="+method)
	p.write("small", []byte("a"))
	p.write("large", make([]byte, 1<<20))
	wrapper := "#!/bin/sh\necho $$ >> '" + filepath.Join(p.dir, "pid") + "'\nexec '" + filepath.Join(programs, "vendor", "codex-archive-slow") + "'\n"
	if err := os.MkdirAll(filepath.Join(p.dir, "wrapped"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "wrapped", "codex-archive-slow"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "CODEX_ARCHIVE_PLUGIN_PATH="+filepath.Join(p.dir, "wrapped"))
	return p
}

// mustBeGone fails if a program of the backend runs.
func (p *project) mustBeGone() {
	p.t.Helper()
	for _, line := range strings.Fields(string(p.read("pid"))) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			p.t.Errorf("the backend still runs: %v", err)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// soon is when a command must have ended whose backend hangs: below the 30 seconds
// that a backend has to close its archive in peace, and more on a machine that is so
// busy that even a command that does nothing takes long.
func (p *project) soon() (context.Context, context.CancelFunc) {
	start := time.Now()
	p.must("--version")
	return context.WithTimeout(p.t.Context(), 25*time.Second+100*time.Since(start))
}

// TestHungBackendIsKilled: a backend that hangs in any method is killed soon
// after --timeout.
func TestHungBackendIsKilled(t *testing.T) {
	t.Parallel()
	for method, command := range stuck {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			p := hungProject(t, method)
			ctx, cancel := p.soon()
			defer cancel()
			args := append([]string{"archive"}, command...)
			cmd := p.command(append(args, "--timeout", "3")...)
			limited := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
			limited.Dir, limited.Env = cmd.Dir, cmd.Env
			out, err := limited.CombinedOutput()
			if ctx.Err() != nil {
				t.Errorf("it did not end: %s", out)
			}
			if method != "close" && (err == nil || limited.ProcessState.ExitCode() != 6) {
				t.Errorf("it ended with %v: %s", err, out)
			}
			p.mustBeGone()
		})
	}
}

// TestHungBackendInBatch: a backend that hangs costs the items under way their
// time. It is killed then, and those that follow have another.
func TestHungBackendInBatch(t *testing.T) {
	t.Parallel()
	for name, timeout := range map[string]string{"each by itself": "10", "in groups": "12"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const items, parallel = 40, 2
			p := hungProject(t, "none")
			p.env = append(p.env, "CODEX_ARCHIVE_BACKEND=slow", fmt.Sprintf("CODEX_ARCHIVE_URL=slow://%d?freeze=%s", items, filepath.Join(p.dir, "frozen")))
			p.manifest(items)
			r := p.batch("--continue-on-error", "--set", "batch.timeout_per_item="+timeout, "--set", fmt.Sprint("batch.max_concurrent=", parallel))
			n, errs := p.statuses()
			unrecorded := 0 // files that were there when the backend hung, and whose event it did not take
			for _, e := range errs {
				if strings.Contains(e, "not in the archive's history") {
					unrecorded++
				}
			}
			if r.code != output.ExitBatch || n["failed"] == 0 || n["failed"] > parallel || n["success"] != items-n["failed"] || p.restored() != n["success"]+unrecorded {
				t.Errorf("exit code %d, %v, %q\n%s%s", r.code, n, errs, r.stdout, r.stderr)
			}
			if !slices.ContainsFunc(errs, func(e string) bool { return strings.Contains(e, "batch.timeout_per_item") }) {
				t.Errorf("no error says that the time was over: %q", errs)
			}
			pids := strings.Fields(string(p.read("pid")))
			if len(pids) != 2 {
				t.Errorf("the backend was started %d times", len(pids))
			}
			p.write("pid", []byte(pids[0])) // the other may be about to leave
			p.mustBeGone()
			if r := p.batch("--resume"); r.code != 0 || p.restored() != items {
				t.Errorf("resume: exit code %d\n%s", r.code, r.stderr)
			}
		})
	}
}

// TestHungBackendIsSaid: a command that waits for a backend says so, once, and
// Ctrl-C ends both.
func TestHungBackendIsSaid(t *testing.T) {
	t.Parallel()
	p := hungProject(t, "get")
	ctx, cancel := p.soon()
	defer cancel()
	cmd := p.command("archive", "restore", firstItem, "out.txt")
	limited := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	limited.Dir, limited.Env = cmd.Dir, cmd.Env
	var said strings.Builder
	limited.Stderr = writerFunc(func(b []byte) (int, error) {
		said.Write(b)
		if strings.Contains(string(b), "Still waiting") {
			_ = limited.Process.Signal(os.Interrupt)
		}
		return len(b), nil
	})
	_ = limited.Run()
	if ctx.Err() != nil || limited.ProcessState.ExitCode() != 130 || strings.Count(said.String(), "Still waiting for the backend after 5 s (get)") != 1 {
		t.Errorf("it ended with %v: %s", limited.ProcessState, said.String())
	}
	p.mustBeGone()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
