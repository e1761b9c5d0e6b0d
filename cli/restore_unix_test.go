//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
)

// firstItem is the tombstone of file 1 of the slow backend.
const firstItem = "00000000-0000-4000-8000-000000000001"

// TestRestoreTimesOut: a restore that hangs ends by --timeout.
func TestRestoreTimesOut(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 1, "hang=1")
	start := time.Now()
	r := p.run("archive", "restore", firstItem, "out.txt", "--timeout", "3", "--json", "--set", "retry.enabled=true")
	if r.code != output.ExitBackend || !strings.Contains(r.stdout, `"kind":"timeout"`) {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "out.txt")); err == nil {
		t.Error("an output is there")
	}
	if records := p.evidence(); count(records, "action=RESTORE_FAIL", "attempts=1") != 1 || len(records) != 1 {
		t.Errorf("evidence %v", records)
	}
}

// TestRestoreInterruptedWhileWaiting: Ctrl-C during a wait ends it at once, and
// one line says of what.
func TestRestoreInterruptedWhileWaiting(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 1, "fail=1000")
	r := p.start("archive", "restore", firstItem, "out.txt", "--set", "retry.enabled=true",
		"--set", "retry.initial_delay=3600", "--set", "retry.max_delay=3600")
	log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
	eventually(t, "it waits", func() bool {
		text, _ := os.ReadFile(log)
		return strings.Contains(string(text), `"status":"retrying"`)
	})
	if err := r.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	end := r.wait() // or the test's own time-out: the wait is an hour
	const want = `ERROR Restore failed: interrupted while waiting to try again: get: the server is down hint="nothing is left half done: run it again"` + "\n"
	if end.code != output.ExitInterrupted || !strings.HasSuffix(end.stderr, want) {
		t.Errorf("exit code %d\n%s", end.code, end.stderr)
	}
	if count(p.evidence(), "action=RESTORE_FAIL", "status=failed", "attempts=1") != 1 {
		t.Errorf("evidence %v", p.evidence())
	}
}

// TestRestoreStartsPluginAgain: a backend that dies fails the call that is under
// way; where calls are repeated it is started once more.
func TestRestoreStartsPluginAgain(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 1, "die=died")
	r := p.run("archive", "restore", firstItem, "out.txt", "--json")
	if r.code != output.ExitBackend || !strings.Contains(r.stdout, `"kind":"crashed"`) {
		t.Fatalf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if err := os.Remove(filepath.Join(p.dir, "died")); err != nil {
		t.Fatal(err)
	}
	r = p.run("archive", "restore", firstItem, "out.txt", "--set", "retry.enabled=true", "--set", "retry.initial_delay=0")
	if r.code != output.ExitDone || string(p.read("out.txt")) != "1\n" {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	records := p.evidence()
	if count(records, "action=RESTORE", "status=retrying", "attempt=1") != 1 || count(records, "action=RESTORE", "attempts=2") != 1 {
		t.Errorf("evidence %v", records)
	}
}

// TestPluginLog: what a backend says is in the log, with its name.
func TestPluginLog(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 1, "say=hello")
	r := p.run("archive", "restore", firstItem, "out.txt", "--log-level", "debug")
	if r.code != output.ExitDone || !strings.Contains(r.stderr, "Z] DEBUG hello plugin=slow stream=stderr\n") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	r = p.run("archive", "restore", firstItem, "out.txt", "--log-format", "json", "--log-level", "debug")
	if !strings.Contains(r.stderr, `"level":"debug","msg":"hello","plugin":"slow",`) {
		t.Errorf("%s", r.stderr)
	}
	if r = p.run("archive", "restore", firstItem, "out.txt"); strings.Contains(r.stderr, "hello") {
		t.Errorf("at info: %s", r.stderr)
	}
}

// TestDebugLinesOnce: of a batch, whose steps are all told at DEBUG, none is told
// twice.
func TestDebugLinesOnce(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 1, "")
	for metrics, want := range map[string]string{
		"true":  "Restore started, Retrieving restore payload, Decompression codec, Decompression completed, File written, Restore completed",
		"false": "Retrieving restore payload, Decompression codec, Decompression completed, Restore completed",
	} {
		if err := os.RemoveAll(filepath.Join(p.dir, "out")); err != nil {
			t.Fatal(err)
		}
		r := p.batch("--log-level", "debug", "--set", "performance.enable_metrics="+metrics)
		if r.code != output.ExitDone {
			t.Fatalf("exit code %d\n%s", r.code, r.stderr)
		}
		for step := range strings.SplitSeq(want, ", ") {
			if n := strings.Count(r.stderr, " DEBUG "+step); n != 1 {
				t.Errorf("metrics %s: %q is said %d times:\n%s", metrics, step, n, r.stderr)
			}
		}
	}
}

// TestOpeningIsRepeated: commands that leave no evidence wait for a server too;
// health-check says how it is now.
func TestOpeningIsRepeated(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.env = append(p.env, "CODEX_ARCHIVE_URL=postgres://u@127.0.0.1:1/db", "CODEX_ARCHIVE_RETRY_ENABLED=true", "CODEX_ARCHIVE_RETRY_INITIAL=0")
	for command, repeats := range map[string]int{"list": 2, "show 12345678": 2, "init": 2, "health-check": 0} {
		r := p.run(strings.Fields("archive " + command)...)
		for n := 1; n <= 3; n++ {
			want := 0
			if n <= repeats {
				want = 1
			}
			if got := strings.Count(r.stderr, fmt.Sprintf("WARN Attempt %d failed, next in 0.0ms: open: ", n)); got != want || r.code != output.ExitBackend {
				t.Errorf("%s: exit code %d, attempt %d is said %d times\n%s", command, r.code, n, got, r.stderr)
			}
		}
	}
}
