//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/soak"
)

// TestKillDuringRotateSoak kills a rotation with SIGKILL at any moment. The log is
// then as it was, or rotated, and whole; the next rotation does its work.
func TestKillDuringRotateSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts many programs")
	}
	t.Parallel()
	p := newProject(t)
	p.must("archive", "evidence", "keygen")
	p.write("a", []byte("a"))
	lines, closed, inside := 0, 0, 0
	var longest time.Duration
	for round := range soak.Rounds(t, 2) {
		p.store("a")
		lines++
		if round == 0 {
			longest = p.measure("archive", "evidence", "rotate", "--dry-run")
		}
		draw := rand.New(rand.NewPCG(uint64(round), 0))
		run := p.start("archive", "evidence", "rotate")
		switch next := fmt.Sprintf("archive_ops.%06d.", closed+1); draw.IntN(3) {
		case 0:
			time.Sleep(time.Duration(draw.Int64N(int64(longest)))) // anywhere
		case 1:
			run.awaitEvidence(next + "checkpoint")
		case 2:
			run.awaitEvidence(next + "jsonl")
		}
		time.Sleep(time.Duration(draw.Int64N(int64(2 * time.Millisecond)))) // where exactly is chance
		_ = run.Process.Kill()                                              // it may have ended by itself
		run.wait()

		parts := p.parts()
		switch {
		case parts == closed: // the old state
			if _, err := os.Stat(filepath.Join(p.dir, fmt.Sprintf(".codex/evidence/archive_ops.%06d.checkpoint", closed+1))); err == nil {
				inside++
			}
		case parts == closed+1: // the new state
			closed, lines = parts, lines+1
		default:
			t.Fatalf("%d parts, %d before", parts, closed)
		}
		p.wholeLog(lines)
	}
	p.store("a")
	p.must("archive", "evidence", "rotate")
	if p.parts() != closed+1 {
		t.Errorf("%d parts after a rotation that was not killed, %d before", p.parts(), closed)
	}
	p.wholeLog(lines + 2)
	p.must("archive", "evidence", "verify", "--reconcile")
	if left, _ := filepath.Glob(filepath.Join(p.dir, ".codex/evidence/.codex-temp-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	t.Logf("%d rotations; %d kills came between checkpoint and rename", closed+1, inside)
}

// awaitEvidence returns when a file is in the directory of the evidence, or the
// process has ended.
func (r *running) awaitEvidence(name string) {
	r.t.Helper()
	path := filepath.Join(r.Dir, ".codex/evidence", name)
	for end := time.Now().Add(patience); alive(r.Process.Pid); {
		if _, err := os.Lstat(path); err == nil {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("still not there: %s", name)
		}
	}
}

// measure is how long a command takes on this machine now.
func (p *project) measure(args ...string) time.Duration {
	p.t.Helper()
	begun := time.Now()
	p.must(args...)
	return 2 * time.Since(begun)
}

// parts counts the closed parts of the log: a second name of the part that grows
// is none.
func (p *project) parts() int {
	p.t.Helper()
	dir := filepath.Join(p.dir, ".codex/evidence")
	current, err := os.Stat(filepath.Join(dir, "archive_ops.jsonl"))
	if err != nil {
		p.t.Fatal(err)
	}
	names, err := fs.Glob(os.DirFS(dir), "archive_ops.0*.jsonl")
	if err != nil {
		p.t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			p.t.Fatal(err)
		}
		if !os.SameFile(info, current) {
			n++
			if _, err := os.Stat(filepath.Join(dir, strings.TrimSuffix(name, "jsonl")+"checkpoint")); err != nil {
				p.t.Errorf("a part without its checkpoint: %v", err)
			}
		}
	}
	return n
}

// wholeLog checks that the log, all parts together, has so many lines.
func (p *project) wholeLog(lines int) {
	p.t.Helper()
	if out := p.must("archive", "evidence", "verify"); !strings.Contains(out, fmt.Sprintf("Lines: %d, chained", lines)) {
		p.t.Fatalf("want %d lines:\n%s", lines, out)
	}
}
