//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/soak"
)

// patience bounds how long a test waits for something that must come. It is
// never waited out where all is well.
const patience = 60 * time.Second

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// running is codex as a process under way.
type running struct {
	*exec.Cmd
	t              testing.TB
	stdin          io.WriteCloser
	stdout, stderr *bytes.Buffer
}

func (p *project) start(args ...string) *running {
	p.t.Helper()
	r := &running{Cmd: p.command(args...), t: p.t, stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	var err error
	if r.stdin, err = r.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	r.Stdout, r.Stderr = r.stdout, r.stderr
	if err := r.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { r.Process.Kill() })
	return r
}

// wait ends the input and returns how the process ended.
func (r *running) wait() result {
	r.t.Helper()
	r.stdin.Close()
	_ = r.Wait()
	return result{output.Code(r.ProcessState.ExitCode()), r.stdout.String(), r.stderr.String()}
}

// kill kills the process with SIGKILL, which cannot be caught.
func (r *running) kill() {
	r.t.Helper()
	if err := r.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	_ = r.Wait()
}

// plugin waits for the backend's process and returns its pid.
func (r *running) plugin() int {
	r.t.Helper()
	pid := 0
	eventually(r.t, "a plugin runs", func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", r.Process.Pid, r.Process.Pid))
		if err != nil || len(children) == 0 {
			pid = childOf(r.Process.Pid)
			return pid != 0
		}
		_, err = fmt.Sscan(string(children), &pid)
		return err == nil
	})
	return pid
}

// killSomewhere kills the process, or in each third round its backend, after it has
// written up to most bytes, in each round another number.
func (r *running) killSomewhere(round, most int) {
	r.awaitWritten(int64(1000 + round*7919%most))
	if plugin := childOf(r.Process.Pid); round%3 == 2 && plugin != 0 {
		_ = syscall.Kill(plugin, syscall.SIGKILL) // the process may have ended
		r.wait()
		return
	}
	r.kill()
}

// awaitWritten returns when the process has written n bytes, or has ended.
func (r *running) awaitWritten(n int64) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%d bytes are written", n), func() bool {
		var read, written int64
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", r.Process.Pid))
		if err != nil || !alive(r.Process.Pid) {
			return true
		}
		_, err = fmt.Sscanf(string(text), "rchar: %d\nwchar: %d", &read, &written)
		return err == nil && written >= n
	})
}

// childOf finds a child process of any thread.
func childOf(parent int) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state ppid …; the name may hold anything.
		var state string
		var ppid, pid int
		if _, err := fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &ppid); err != nil || ppid != parent {
			continue
		}
		if _, err := fmt.Sscan(string(text), &pid); err == nil {
			return pid
		}
	}
	return 0
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func needsProc(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc, to find the plugin's process")
	}
}

// db opens the database behind the program's back.
func (p *project) db() *sql.DB {
	p.t.Helper()
	file := url.URL{Scheme: "file", Path: filepath.Join(p.dir, ".codex", "archive.sqlite"), RawQuery: "_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { db.Close() })
	return db
}

func (p *project) number(db *sql.DB, query string) int {
	var n int
	if err := db.QueryRow(query).Scan(&n); err != nil {
		return -1
	}
	return n
}

// big writes a file that is staged, and takes long enough to be interrupted.
func (p *project) big(name string, size int64) {
	p.t.Helper()
	f, err := os.Create(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.CopyN(f, newNoise(name), size); err != nil {
		p.t.Fatal(err)
	}
}

// storingLarge returns a project that stores a file of 96 MiB, a part of which is in
// the database.
func storingLarge(t *testing.T) (p *project, db *sql.DB, run *running) {
	t.Helper()
	if testing.Short() {
		t.Skip("short: 100 MB take seconds")
	}
	t.Parallel()
	needsProc(t)
	p = newProject(t)
	p.must("archive", "init")
	p.big("big", 96<<20)
	db = p.db()
	run = p.start("archive", "store", "repo", "big", "--reason", "dead")
	eventually(t, "rows are staged", func() bool { return p.number(db, "SELECT count(*) FROM codex_artifact_chunk") > 0 })
	return p, db, run
}

func TestKillHostDuringStore(t *testing.T) {
	p, db, run := storingLarge(t)
	plugin := run.plugin()
	if len(p.sockets()) == 0 {
		t.Error("no socket where this test looks for them")
	}
	run.kill()
	eventually(t, "the plugin is gone", func() bool { return !alive(plugin) })

	if n := p.number(db, "SELECT count(*) FROM codex_item"); n != 0 {
		t.Errorf("%d items are visible", n)
	}
	if out := p.must("archive", "list", "--json"); out != "" {
		t.Errorf("list shows %s", out)
	}
	// What was staged goes when it was untouched for an hour.
	if _, err := db.Exec("UPDATE codex_upload SET touched = 0"); err != nil {
		t.Fatal(err)
	}
	p.write("small", []byte("small"))
	p.store("small")
	if n := p.number(db, "SELECT count(*) FROM codex_artifact_chunk"); n != 0 {
		t.Errorf("%d staged rows are left", n)
	}
	p.noSocketsLeft()
	id := p.store("big")
	p.must("archive", "restore", id, "again")
	if !bytes.Equal(p.read("big"), p.read("again")) {
		t.Error("restored content differs")
	}
	p.evidence()
}

// sockets lists what is in the directory where sockets are made.
func (p *project) sockets() []string {
	found, err := filepath.Glob(filepath.Join(p.runtime, "*", "*"))
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// noSocketsLeft looks for what killed runs left after a run that swept.
func (p *project) noSocketsLeft() {
	p.t.Helper()
	if left := p.sockets(); len(left) > 0 {
		p.t.Errorf("left behind: %v", left)
	}
}

// TestKillHostDuringRestoreSoak kills a restore when it has written more and
// more bytes.
func TestKillHostDuringRestoreSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it restores a large file a dozen times")
	}
	t.Parallel()
	needsProc(t)
	p := newProject(t)
	p.big("big", 24<<20)
	want := p.read("big")
	id := p.store("big")
	p.write("old", []byte("old"))
	const steps = 12
	for i := range soak.Rounds(t, steps) {
		if err := os.WriteFile(filepath.Join(p.dir, "out"), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		run := p.start("archive", "restore", id, "out", "--force")
		plugin := run.plugin()
		run.awaitWritten(int64(i%steps) * int64(len(want)) / (steps - 1))
		run.kill()
		eventually(t, "the plugin is gone", func() bool { return !alive(plugin) })
		if got := p.read("out"); !bytes.Equal(got, want) && string(got) != "old" {
			t.Fatalf("kill %d left %d bytes that are neither the old file nor the new one", i, len(got))
		}
	}
	p.must("archive", "restore", id, "out", "--force")
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".codex-temp-") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
	p.noSocketsLeft()
	p.evidence()
}

func TestKillPluginDuringStore(t *testing.T) {
	p, _, run := storingLarge(t)
	plugin := run.plugin()
	if err := syscall.Kill(plugin, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r := run.wait()
	if r.code != output.ExitBackend || !strings.Contains(r.stderr, "plugin") || strings.Contains(r.stderr, "goroutine") {
		t.Errorf("exit code %d:\n%s", r.code, r.stderr)
	}
	if n := count(p.evidence(), "action=ARCHIVE_FAIL", "status=failed"); n != 1 {
		t.Errorf("%d lines of evidence", n)
	}
	if out := p.must("archive", "list", "--json"); out != "" {
		t.Errorf("list shows %s", out)
	}
}

// TestKillBetweenCommitAndEvidence: what a killed command committed, the next
// one records.
func TestKillBetweenCommitAndEvidence(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.must("archive", "init")
	db := p.db()
	run := p.start("archive", "store", "repo", "-", "--path", "x.txt", "--reason", "dead")
	io.WriteString(run.stdin, "content")
	lock := filepath.Join(p.dir, ".codex/evidence/archive_ops.lock")
	eventually(t, "evidence was opened", func() bool {
		_, err := os.Stat(filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl"))
		return err == nil
	})
	release := holdLock(t, lock)
	run.stdin.Close()
	eventually(t, "the item is committed", func() bool { return p.number(db, "SELECT count(*) FROM codex_item") == 1 })
	run.kill()
	release()
	if n := len(p.evidence()); n != 0 {
		t.Fatalf("%d lines of evidence already", n)
	}

	p.write("y.txt", []byte("y"))
	p.store("y.txt")
	records := p.evidence()
	if count(records, "action=ARCHIVE", "repaired=true", "path=x.txt") != 1 || len(records) != 2 {
		t.Errorf("evidence: %v", records)
	}
	p.store("y.txt")
	if n := len(p.evidence()); n != 3 {
		t.Errorf("%d lines after a third command: repaired twice?", n)
	}
}

// holdLock takes the lock of the evidence log, waiting for it.
func holdLock(t *testing.T, path string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { f.Close() }
}

// TestEvidenceFailsAfterCommit: the content is safe, and the error says so.
func TestEvidenceFailsAfterCommit(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.must("archive", "init")
	run := p.start("archive", "store", "repo", "-", "--path", "x.txt", "--reason", "dead")
	log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
	eventually(t, "evidence was opened", func() bool { _, err := os.Stat(log); return err == nil })
	holdLock(t, filepath.Join(p.dir, ".codex/evidence/archive_ops.lock"))() // open has let it go
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(log, 0o700); err != nil {
		t.Fatal(err)
	}
	r := run.wait()
	if r.code != output.ExitEvidence || !strings.Contains(r.stderr, "stored, not recorded") {
		t.Errorf("exit code %d:\n%s", r.code, r.stderr)
	}
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	tombstone := p.field(p.must("archive", "list", "--json"), "tombstone")
	if !strings.Contains(r.stderr, tombstone) {
		t.Errorf("the error does not name %s:\n%s", tombstone, r.stderr)
	}
	p.must("archive", "restore", tombstone, "out")
	if n := count(p.evidence(), "action=ARCHIVE", "repaired=true"); n != 1 {
		t.Errorf("%d repaired lines", n)
	}
}

func TestThirtyStoresAtOnce(t *testing.T) {
	t.Parallel()
	const n = 30
	p := newProject(t)
	var wg sync.WaitGroup
	for i := range n {
		name := fmt.Sprintf("f%d", i)
		p.write(name, []byte(name))
		cmd := p.command("archive", "store", "repo", name, "--reason", "dead")
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		})
	}
	wg.Wait()
	if got := count(p.evidence(), "action=ARCHIVE", "status=success"); got != n {
		t.Errorf("%d lines of evidence, want %d", got, n)
	}
	if got := strings.Count(p.must("archive", "list", "--json"), "\n"); got != n {
		t.Errorf("%d items, want %d", got, n)
	}
}

// TestReadOnlyArchive: a restore succeeds, and says that the archive's history
// does not know of it.
func TestReadOnlyArchive(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.write("a.txt", []byte("a"))
	id := p.store("a.txt")
	codex := filepath.Join(p.dir, ".codex")
	unprivileged := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		// Rights do not bind root: another user restores.
		const nobody = 65534
		unprivileged.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		for _, path := range []string{programs, filepath.Dir(p.dir), p.dir, codex, filepath.Join(codex, "evidence")} {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range []string{p.dir, codex} {
			if err := os.Chown(path, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		err := filepath.Walk(filepath.Join(codex, "evidence"), func(path string, _ os.FileInfo, err error) error {
			if err == nil {
				err = os.Chown(path, nobody, nobody)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p.env = append(p.env, "HOME="+p.dir, "TMPDIR="+p.dir)
	}
	for path, mode := range map[string]os.FileMode{filepath.Join(codex, "archive.sqlite"): 0o444, codex: 0o555} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(codex, 0o755) })
	cmd := p.command("archive", "restore", id, "out.txt")
	cmd.SysProcAttr = unprivileged
	r := finish(t, cmd)
	if r.code != 0 || !strings.Contains(r.stderr, "WARN") || string(p.read("out.txt")) != "a" {
		t.Errorf("exit code %d:\n%s", r.code, r.stderr)
	}
	if n := count(p.evidence(), "action=RESTORE", "status=success", "db_event=skipped"); n != 1 {
		t.Errorf("%d lines of evidence", n)
	}
	cmd = p.command("archive", "store", "repo", "out.txt", "--reason", "dead")
	cmd.SysProcAttr = unprivileged
	if r := finish(t, cmd); r.code != output.ExitBackend {
		t.Errorf("store: exit code %d:\n%s", r.code, r.stderr)
	}
}

// TestInterrupt: Ctrl-C ends a waiting command with 130 and leaves nothing. Ctrl-\
// printed Go's stacks and ended with 2, which says that nothing was begun.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.must("archive", "init")
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		run := p.start("archive", "store", "repo", "-", "--path", "x", "--reason", "dead")
		eventually(t, "evidence was opened", func() bool {
			_, err := os.Stat(filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl"))
			return err == nil
		})
		if err := run.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = run.Wait()
		if code := run.ProcessState.ExitCode(); output.Code(code) != output.ExitInterrupted {
			t.Errorf("%v: exit code %d\n%s", signal, code, run.stderr)
		}
		if err := os.Remove(filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")); err != nil {
			t.Fatal(err)
		}
	}
	if out := p.must("archive", "list", "--json"); out != "" {
		t.Errorf("list shows %s", out)
	}
}

// watch runs codex to its end and measures how much memory it and its plugin
// take. What /proc does not tell is not measured. Both collect garbage from 64
// MiB on, so that the peaks tell what is in use.
func (p *project) watch(args ...string) (stdout string, peaks memory) {
	p.t.Helper()
	env := p.env
	p.env = append(slices.Clone(env), "GOMEMLIMIT=64MiB", "CODEX_ARCHIVE_PASS_ENV=GOMEMLIMIT")
	run := p.start(args...)
	p.env = env
	done := make(chan struct{})
	go func() {
		defer close(done)
		run.Wait()
	}()
	peaks = memory{}
	plugin := 0
	for {
		if plugin == 0 {
			plugin = childOf(run.Process.Pid)
		}
		peaks.note("host", run.Process.Pid)
		peaks.note("plugin", plugin)
		select {
		case <-done:
			if code := run.ProcessState.ExitCode(); code != 0 {
				p.t.Fatalf("codex %v: exit code %d\n%s", args, code, run.stderr)
			}
			return run.stdout.String(), peaks
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// note reads the peak that the kernel keeps for a process.
func (m memory) note(program string, pid int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return
	}
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); found && err == nil {
		m[program] = max(m[program], kib<<10)
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	sum := func(path string) string {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			t.Fatal(err)
		}
		return string(h.Sum(nil))
	}
	return sum(a) == sum(b)
}
