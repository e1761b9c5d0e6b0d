//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// TestRestoreOutputClosed: a reader that goes away ends the restore with an
// error, and the evidence says that content left and how much.
func TestRestoreOutputClosed(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	content := make([]byte, 4<<20)
	if _, err := io.ReadFull(newNoise("closed"), content); err != nil {
		t.Fatal(err)
	}
	p.write("a.bin", content)
	id := p.store("a.bin")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := p.command("archive", "restore", id, "-", "--log-format", "json")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = write, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	if _, err := io.ReadFull(read, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	read.Close()
	_ = cmd.Wait()
	if code := output.Code(cmd.ProcessState.ExitCode()); code != output.ExitFailed || !strings.Contains(stderr.String(), `"kind":"output_closed"`) {
		t.Errorf("exit code %d\n%s", code, stderr.String())
	}
	records := p.evidence()[1:]
	if len(records) != 2 || count(records[:1], "action=RESTORE", "status=started", "output=-") != 1 ||
		count(records[1:], "action=RESTORE_FAIL", "status=failed", "output=-") != 1 {
		t.Fatalf("evidence: %v", records)
	}
	if sent, _ := records[1]["bytes"].(float64); sent < 1000 || int(sent) >= len(content) {
		t.Errorf("%v bytes were delivered according to the evidence", records[1]["bytes"])
	}
	var metrics strings.Builder
	metrics.WriteString(p.must("archive", "metrics", "--action", "RESTORE", "--json"))
	if text := metrics.String(); !strings.Contains(text, `"count": 1,`) || !strings.Contains(text, `"failures": 1,`) {
		t.Errorf("the restore does not count once:\n%s", text)
	}
	if got := p.must("archive", "restore", id, "-"); got != string(content) {
		t.Errorf("%d bytes, want %d", len(got), len(content))
	}
	if records := p.evidence()[3:]; count(records, "status=started") != 1 || count(records, "action=RESTORE", "status=success") != 1 {
		t.Errorf("evidence: %v", records)
	}
}

// TestReaderGone: a reader that goes away ends each command with an exit code of its
// own. Signals killed those that keep no journal of what they do, init among them, and
// those whose log lines lost their reader.
func TestReaderGone(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.write("a.txt", []byte("a\n"))
	id := p.store("a.txt")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	defer write.Close()
	for _, c := range []struct {
		line string
		says string // on stderr; a reader of what changed nothing has what it wanted
	}{
		{"archive list", ""},
		{"archive list --json", ""},
		{"--help", ""},
		{"plugin list", ""},
		{"archive init", ""},
		{"archive hold " + id + " --case c --by me", "what was done is recorded"},
	} {
		cmd := p.command(strings.Fields(c.line)...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = write, &stderr
		_ = cmd.Run() // judged by its exit code
		if code := cmd.ProcessState.ExitCode(); code != int(output.ExitFailed) || !strings.Contains(stderr.String(), c.says) || c.says == "" && stderr.Len() > 0 {
			t.Errorf("%s: exit code %d\n%s", c.line, code, stderr.String())
		}
	}
	cmd := p.command("archive", "restore", id, "b.txt", "--by", "me")
	cmd.Stderr = write
	if out, err := cmd.Output(); err != nil || string(out) != "b.txt\n" {
		t.Errorf("without a reader of stderr: %v, %q", err, out)
	}
}

// TestBatchResumeLooksAtOutputs: a success whose output is gone, or is another
// file since, is done again.
func TestBatchResumeLooksAtOutputs(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 4, "")
	if r := p.batch(); r.code != output.ExitDone {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	if err := os.Remove(p.dir + "/out/2"); err != nil {
		t.Fatal(err)
	}
	p.write("out/3", []byte("x\n"))
	r := p.batch("--resume", "--force", "--dry-run")
	if !strings.Contains(r.stdout, "1 would be written, 1 replaced, 0 there already, 0 would fail, 2 would be skipped") {
		t.Errorf("dry run: %s%s", r.stdout, r.stderr)
	}
	r = p.batch("--resume", "--force")
	if r.code != output.ExitDone || p.restored() != 4 || !strings.Contains(r.stdout, "Resuming: 2 of 4 items done") {
		t.Errorf("exit code %d, %d files\n%s%s", r.code, p.restored(), r.stdout, r.stderr)
	}
	if got := count(p.evidence(), "action=RESTORE", "status=success"); got != 6 {
		t.Errorf("%d restores, want 4 and 2", got)
	}
}

// TestBatchUnreachable: an archive that cannot be reached ends the batch after
// one item's retries, whatever continue_on_error says. One lost connection does
// not.
func TestBatchUnreachable(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 40, "")
	p.env = append(p.env, "CODEX_ARCHIVE_BACKEND=postgres", "CODEX_ARCHIVE_URL=postgres://u@127.0.0.1:1/none?sslmode=disable")
	r := p.batch("--continue-on-error", "--set", "retry.enabled=true", "--set", "retry.initial_delay=0", "--set", "batch.max_concurrent=2")
	n, _ := p.statuses()
	if r.code != output.ExitBackend || n["failed"] == 0 || n["failed"] > 2 || n["skipped"] != 40-n["failed"] {
		t.Fatalf("exit code %d, %v\n%s%s", r.code, n, r.stdout, r.stderr)
	}
	if got := count(p.evidence(), "status=retrying"); got != 2*n["failed"] {
		t.Errorf("%d repeats for %d items", got, n["failed"])
	}
	if lines := strings.Split(strings.TrimSpace(r.stdout), "\n"); !strings.HasPrefix(lines[len(lines)-1], "Resume with: ") {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}

	p = batchProject(t, 6, "fail=1")
	r = p.batch("--continue-on-error", "--set", "batch.max_concurrent=1")
	if n, _ := p.statuses(); r.code != output.ExitBatch || n["failed"] != 1 || n["success"] != 5 {
		t.Errorf("one lost connection: exit code %d, %v\n%s", r.code, n, r.stderr)
	}
}
