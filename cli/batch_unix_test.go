//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
)

// batchProject is a project on the slow backend with a manifest of n items.
func batchProject(t testing.TB, n int, options string) *project {
	t.Helper()
	p := newProject(t)
	p.env = append(p.env, "CODEX_ARCHIVE_PLUGIN_PATH="+filepath.Join(programs, "vendor"),
		"CODEX_ARCHIVE_BACKEND=slow", fmt.Sprintf("CODEX_ARCHIVE_URL=slow://%d?%s", n, options))
	p.manifest(n)
	return p
}

// manifest writes m.json with n items.
func (p *project) manifest(n int) {
	p.t.Helper()
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(`{"tombstone": "00000000-0000-4000-8000-%012d", "output": "out/%d"}`, i+1, i+1)
	}
	p.write("m.json", []byte(`{"items": [`+strings.Join(items, ",\n")+"]}"))
}

func (p *project) batch(flags ...string) result {
	return p.run(append([]string{"archive", "batch-restore", "m.json", "--results", "r.json"}, flags...)...)
}

// statuses returns how many items of r.json have each status, the errors of
// those that failed, and checks the summary.
func (p *project) statuses() (n map[string]int, errors []string) {
	p.t.Helper()
	var doc struct {
		Items []struct {
			Status string
			Error  *string
		}
		Summary map[string]float64
	}
	if err := json.Unmarshal(p.read("r.json"), &doc); err != nil {
		p.t.Fatal(err)
	}
	n = map[string]int{}
	for _, item := range doc.Items {
		n[item.Status]++
		if item.Error != nil {
			errors = append(errors, *item.Error)
		}
		if (item.Error != nil) != (item.Status == "failed") {
			p.t.Errorf("status %s with error %v", item.Status, item.Error)
		}
	}
	s := doc.Summary
	if len(s) != 5 || int(s["succeeded"]) != n["success"] || int(s["failed"]) != n["failed"] || int(s["skipped"]) != n["skipped"] || int(s["total"]) != len(doc.Items) {
		p.t.Errorf("summary %v of %v", s, n)
	}
	return n, errors
}

// restored checks that the outputs are whole, and returns how many there are.
func (p *project) restored() int {
	p.t.Helper()
	entries, err := os.ReadDir(filepath.Join(p.dir, "out"))
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if got := string(p.read("out/" + e.Name())); got != e.Name()+"\n" {
			p.t.Errorf("out/%s holds %q", e.Name(), got)
		}
	}
	return len(entries)
}

func TestBatchPluginDies(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 60, "delay=1ms")
	p.env = append(p.env, fmt.Sprintf("CODEX_ARCHIVE_URL=slow://60?die=%s", filepath.Join(p.dir, "died")))
	r := p.batch("--continue-on-error", "--set", "batch.max_concurrent=32")
	n, errors := p.statuses()
	if r.code != output.ExitBatch || n["failed"] == 0 || n["failed"] > 32 || n["success"] != 60-n["failed"] || p.restored() < n["success"] {
		t.Fatalf("exit code %d, %v, %d files\n%s%s", r.code, n, p.restored(), r.stdout, r.stderr)
	}
	for _, e := range errors {
		if !strings.Contains(e, "is gone") {
			t.Errorf("an item failed with %q, want that the plugin is gone", e)
		}
	}
	if got := count(p.evidence(), "action=RESTORE_FAIL"); got != n["failed"] {
		t.Errorf("%d RESTORE_FAIL for %v", got, n)
	}
	if r := p.batch("--resume"); r.code != 0 || p.restored() != 60 {
		t.Errorf("resume: exit code %d, %d files\n%s", r.code, p.restored(), r.stderr)
	}
}

func TestBatchPluginDiesWithRetry(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 60, "")
	p.env = append(p.env, fmt.Sprintf("CODEX_ARCHIVE_URL=slow://60?die=%s", filepath.Join(p.dir, "died")))
	r := p.batch("--set", "retry.enabled=true", "--set", "retry.initial_delay=0", "--set", "batch.max_concurrent=32")
	if n, _ := p.statuses(); r.code != 0 || n["success"] != 60 || p.restored() != 60 {
		t.Fatalf("exit code %d, %v\n%s%s", r.code, n, r.stdout, r.stderr)
	}
	if count(p.evidence(), "status=retrying") == 0 {
		t.Error("no retrying record")
	}
}

func TestBatchRetries(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 3, "fail=2")
	r := p.batch("--set", "retry.enabled=true", "--set", "retry.initial_delay=0", "--set", "batch.max_concurrent=1")
	if r.code != 0 || p.restored() != 3 {
		t.Fatalf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	records := p.evidence()
	for want, pairs := range map[int][]string{
		1: {"action=RESTORE", "status=success", "attempts=3"},
		2: {"action=RESTORE", "status=retrying"},
		3: {"action=RESTORE", "status=success"},
	} {
		if got := count(records, pairs...); got != want {
			t.Errorf("%d records with %v, want %d", got, pairs, want)
		}
	}
}

func TestBatchItemTimesOut(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 8, "hang=3&mark=gets")
	r := p.batch("--continue-on-error", "--set", "batch.timeout_per_item=5", "--set", "retry.enabled=true", "--set", "batch.max_concurrent=2")
	n, errors := p.statuses()
	if r.code != output.ExitBatch || n["failed"] != 1 || n["success"] != 7 || p.restored() != 7 {
		t.Fatalf("exit code %d, %v\n%s%s", r.code, n, r.stdout, r.stderr)
	}
	if !strings.Contains(errors[0], "batch.timeout_per_item") {
		t.Errorf("error %q", errors[0])
	}
	if count(p.evidence(), "status=retrying") != 0 || count(p.evidence(), "action=RESTORE_FAIL", "attempts=1") != 1 {
		t.Error("the end of the time was retried, or is not recorded")
	}
}

// TestBatchInterrupted interrupts in the middle: what was begun is finished,
// nothing else begins, and the last line leads to the rest.
func TestBatchInterrupted(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 50, "")
	p.env = append(p.env, fmt.Sprintf("CODEX_ARCHIVE_URL=slow://50?delay=20ms&mark=%s", filepath.Join(p.dir, "gets")))
	r := p.start("archive", "batch-restore", "m.json", "--results", "r.json", "--set", "batch.max_concurrent=2")
	eventually(t, "some items are under way", func() bool {
		gets, _ := os.ReadFile(filepath.Join(p.dir, "gets"))
		return len(gets) >= 4
	})
	if err := r.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	end := r.wait()
	n, _ := p.statuses()
	if end.code != output.ExitInterrupted || n["failed"] != 0 || n["skipped"] == 0 || n["success"] < 2 || p.restored() != n["success"] {
		t.Fatalf("exit code %d, %v, %d files\n%s%s", end.code, n, p.restored(), end.stdout, end.stderr)
	}
	if !strings.Contains(end.stderr, "a second interrupt ends at once") {
		t.Errorf("nothing says what is waited for:\n%s", end.stderr)
	}
	lines := strings.Split(strings.TrimSpace(end.stdout), "\n")
	last, ok := strings.CutPrefix(lines[len(lines)-1], "Resume with: codex ")
	if !ok {
		t.Fatalf("the last line does not say how to resume: %q", lines[len(lines)-1])
	}
	if got := count(p.evidence(), "action=RESTORE", "status=success"); got != n["success"] {
		t.Errorf("%d RESTORE for %d files", got, n["success"])
	}
	before := len(p.read("gets"))
	if r := p.run(strings.Fields(last)...); r.code != 0 || p.restored() != 50 {
		t.Fatalf("resume: exit code %d, %d files\n%s", r.code, p.restored(), r.stderr)
	}
	if got := len(p.read("gets")) - before; got != n["skipped"] {
		t.Errorf("resuming asked for %d files, %d were missing", got, n["skipped"])
	}
}

func TestBatchInterruptedWhileWaiting(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 5, "fail=1000")
	r := p.start("archive", "batch-restore", "m.json", "--results", "r.json", "--set", "retry.enabled=true", "--set", "retry.initial_delay=3600", "--set", "retry.max_delay=3600", "--set", "batch.timeout_per_item=86400")
	log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
	eventually(t, "all items wait", func() bool {
		text, _ := os.ReadFile(log)
		return strings.Count(string(text), `"status":"retrying"`) == 5
	})
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	end := r.wait() // or the test's own time-out: the wait is an hour
	if n, _ := p.statuses(); end.code != output.ExitInterrupted || n["failed"] != 5 {
		t.Fatalf("exit code %d, %v\n%s%s", end.code, n, end.stdout, end.stderr)
	}
}

func TestBatchKilled(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 40, "")
	p.env = append(p.env, fmt.Sprintf("CODEX_ARCHIVE_URL=slow://40?delay=20ms&mark=%s", filepath.Join(p.dir, "gets")))
	r := p.start("archive", "batch-restore", "m.json", "--set", "batch.max_concurrent=2")
	eventually(t, "some items are under way", func() bool {
		gets, _ := os.ReadFile(filepath.Join(p.dir, "gets"))
		return len(gets) >= 4
	})
	r.kill()
	if end := p.run("archive", "batch-restore", "m.json", "--resume"); end.code != 0 || p.restored() != 40 {
		t.Fatalf("exit code %d, %d files\n%s", end.code, p.restored(), end.stderr)
	}
}

func TestBatchOutputClosed(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 20, "")
	cmd := p.command("archive", "batch-restore", "m.json", "--results", "r.json")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	cmd.Stdout = write
	err = cmd.Run()
	write.Close()
	if n, _ := p.statuses(); n["success"] != 20 || err == nil {
		t.Errorf("%v, %v: want all restored and an error about stdout", n, err)
	}
}

// TestBatchBaseDirSwapped: a directory in the base that becomes a symbolic link
// while the batch runs leads nowhere.
func TestBatchBaseDirSwapped(t *testing.T) {
	t.Parallel()
	const items = 300
	p := batchProject(t, items, "")
	in := func(name string) string { return filepath.Join(p.dir, name) }
	for _, dir := range []string{"base/out", "outside"} {
		if err := os.MkdirAll(in(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../outside", in("base/link")); err != nil {
		t.Fatal(err)
	}
	r := p.start("archive", "batch-restore", "m.json", "--results", "r.json", "--base-dir", "base", "--continue-on-error")
	// The manifest has been checked once there is a results file. The test's own
	// deadline bounds this.
	for _, err := os.Stat(in("r.json")); err != nil; _, err = os.Stat(in("r.json")) {
		time.Sleep(time.Millisecond)
	}
	stop, swapped := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				swapped <- n
				return
			default:
			}
			os.Rename(in("base/out"), in("base/dir"))
			os.Rename(in("base/link"), in("base/out"))
			os.Rename(in("base/out"), in("base/link"))
			os.Rename(in("base/dir"), in("base/out"))
		}
	}()
	end := r.wait()
	close(stop)
	n := <-swapped
	statuses, _ := p.statuses()
	t.Logf("%v, swapped %d times", statuses, n)
	if statuses["success"]+statuses["failed"] != items {
		t.Errorf("%v\n%s", statuses, end.stderr)
	}
	if entries, err := os.ReadDir(in("outside")); err != nil || len(entries) != 0 {
		t.Errorf("%d files outside of the base, %v", len(entries), err)
	}
}

// TestBatchMemory restores large files, more than fit into memory together.
func TestBatchMemory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("512 MB take seconds")
	}
	const size, most = 16 << 20, 128 << 20 // bytes
	p := newProject(t)
	content := make([]byte, size)
	if _, err := io.ReadFull(newNoise("large"), content[:size/2]); err != nil {
		t.Fatal(err)
	}
	p.write("large", content)
	id := p.store("large")
	var manifest strings.Builder
	manifest.WriteString("tombstone,output\n")
	for i := range 32 {
		fmt.Fprintf(&manifest, "%s,out/%d\n", id, i)
	}
	p.write("m.csv", []byte(manifest.String()))
	_, peaks := p.watch("archive", "batch-restore", "m.csv", "--results", "r.json", "--set", "batch.max_concurrent=32")
	if n, _ := p.statuses(); n["success"] != 32 || count(p.evidence(), "action=RESTORE", "attempts=1") != 32 {
		t.Errorf("%v", n)
	}
	for program, peak := range peaks {
		t.Logf("%s: %d MiB", program, peak>>20)
		if peak > most {
			t.Errorf("%s had %d MiB, allowed %d", program, peak>>20, most>>20)
		}
	}
	for i := range 32 {
		if !bytes.Equal(p.read(fmt.Sprintf("out/%d", i)), content) {
			t.Errorf("out/%d is not what was stored", i)
		}
	}
}

// BenchmarkBatch restores 50 files that the backend takes 100 ms for each, one
// and five at a time.
func BenchmarkBatch(b *testing.B) {
	for _, parallel := range []string{"1", "5"} {
		b.Run("concurrent="+parallel, func(b *testing.B) {
			for b.Loop() {
				p := batchProject(b, 50, "delay=100ms")
				if out, err := p.command("archive", "batch-restore", "m.json", "--set", "batch.max_concurrent="+parallel).CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
		})
	}
}

// terminal runs codex on a terminal of 100 columns and returns what is written
// to it.
func (p *project) terminal(args string) (string, error) {
	p.t.Helper()
	script, err := exec.LookPath("script")
	if err != nil {
		p.t.Skip("needs script(1), to have a terminal")
	}
	cmd := exec.Command(script, "-qec", "stty cols 100; "+filepath.Join(programs, "codex")+" "+args, "/dev/null")
	cmd.Dir, cmd.Env = p.dir, append(slices.Clone(p.env), "TERM=xterm")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// shown returns the lines that a terminal shows after all of written,
// without the blanks at their ends.
func shown(written string) []string {
	written = regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(written, "")
	lines, column := []string{""}, 0
	for written != "" {
		last := &lines[len(lines)-1]
		switch rest := written; {
		case strings.HasPrefix(rest, "\x1b[2K"):
			*last, written = strings.Repeat(" ", column), rest[4:]
		case strings.HasPrefix(rest, "\x1b[0K"):
			*last, written = (*last)[:column], rest[4:]
		case rest[0] == '\r':
			column, written = 0, rest[1:]
		case rest[0] == '\n':
			lines, written = append(lines, strings.Repeat(" ", column)), rest[1:]
		default:
			*last = (*last)[:column] + rest[:1] + (*last)[min(column+1, len(*last)):]
			column, written = column+1, rest[1:]
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// TestBatchTerminal runs codex on a terminal: a live bar in the place of the
// Progress lines.
func TestBatchTerminal(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 7, "")
	text, err := p.terminal("archive batch-restore m.json --results r.json")
	if err != nil || strings.Contains(text, "Progress:") || !strings.Contains(text, "(6/7)") || !strings.Contains(text, "Succeeded: 7") {
		t.Errorf("%v\n%q", err, text)
	}
	if got := shown(text)[1]; got != "Batch Restore Complete:" {
		t.Errorf("the second line is %q", got)
	}
}

// TestBatchTerminalLines: what is logged or printed while the bar is there has
// lines of its own, and the bar is drawn again below them.
func TestBatchTerminalLines(t *testing.T) {
	t.Parallel()
	p := batchProject(t, 7, "fail=2")
	if err := os.Mkdir(filepath.Join(p.dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.write("out/3", []byte("other\n"))
	text, err := p.terminal("archive batch-restore m.json --results r.json --continue-on-error --set batch.max_concurrent=1 --set retry.enabled=true --set retry.initial_delay=0")
	if err == nil {
		t.Error("want an error")
	}
	lines := shown(text)
	for i, want := range []string{
		`^Processing 7 items`, `^\[[^ ]+\] WARN Attempt 1 failed, next in 0\.0ms: .*the server is down tombstone=[0-9a-f-]+$`, `^\[[^ ]+\] WARN Attempt 2 failed`,
		`^\[ERROR\] Item 3 failed: output out/3 exists with other content; --force replaces it$`, `^Batch Restore Complete:$`,
	} {
		if !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Errorf("line %d: %q, want %s", i+1, lines[i], want)
		}
	}
	for _, after := range []string{`Attempt 1 failed.*`, `Attempt 2 failed.*`, `Item 3 failed.*`} {
		if !regexp.MustCompile(after + `\r\n\r[^\r\n]*\(\d/7\)`).MatchString(text) {
			t.Errorf("no bar follows %s", after)
		}
	}
	if t.Failed() {
		t.Logf("%q", text)
	}
}
