//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/scripts/soak"
)

// TestHoldRacesPurgeSoak places a hold while a purge runs. One of the two wins:
// the record is held and its content stays, or it is purged and the hold is
// refused. It is never held and purged.
func TestHoldRacesPurgeSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts some hundred programs")
	}
	t.Parallel()
	for name, url := range everyDatabase((*databases.Database).URL) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProjectOn(t, url(t))
			held, purged := 0, 0
			for round := range soak.Rounds(t, 6) {
				if p.race(round) {
					held++
				} else {
					purged++
				}
			}
			t.Logf("the hold won %d times, the purge %d times", held, purged)
			p.must("archive", "evidence", "verify")
		})
	}
}

// race has a hold and a purge meet, and reports whether the hold won.
func (p *project) race(round int) (held bool) {
	p.t.Helper()
	draw := rand.New(rand.NewPCG(uint64(round), 1))
	p.write("raced", fmt.Appendf(nil, "content of round %d", round))
	id := p.store("raced")
	p.must("archive", "prune-request", id, "--by", "ann")
	hold := []string{"archive", "hold", id, "--case", "17", "--by", "legal"}
	purge := []string{"archive", "purge", id, "--by", "bob"}
	// The one that is started later may have a shorter way: which of them comes
	// first is drawn.
	first, second, gap := hold, purge, time.Duration(draw.Int64N(int64(40*time.Millisecond)))
	if round%2 == 0 {
		first, second = purge, hold
	}
	one := p.start(first...)
	time.Sleep(gap)
	two := p.start(second...)
	results := map[string]result{first[1]: one.wait(), second[1]: two.wait()}
	h, g := results["hold"], results["purge"]
	held = h.code == output.ExitDone
	restored := p.run("archive", "restore", id, fmt.Sprintf("out%d", round))
	lines := p.evidence()
	holds := count(lines, "tombstone="+id, "action=HOLD", "status=success")
	purges := count(lines, "tombstone="+id, "action=PURGE", "status=success")
	switch {
	case held && (g.code != output.ExitRefused || restored.code != output.ExitDone || holds != 1 || purges != 0):
	case !held && (g.code != output.ExitDone || h.code != output.ExitFailed || restored.code != output.ExitFailed || purges != 1 || holds != 0):
	default:
		return held
	}
	p.t.Errorf("round %d: hold %d, purge %d, restore %d, %d and %d lines of evidence\n%s\n%s\n%s",
		round, h.code, g.code, restored.code, holds, purges, h.stderr, g.stderr, restored.stderr)
	return held
}

// TestKillDuringPurgeSoak kills host or plugin, or both, while a purge has its
// transaction open. All records of the purge are as before, or all are purged; the
// same command again completes it; the evidence has each purge once.
func TestKillDuringPurgeSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts some hundred programs")
	}
	t.Parallel()
	needsProc(t)
	for name, start := range map[string]func(*testing.T, *project) freezer{
		"sqlite": newLockWatch,
		"postgres": func(t *testing.T, p *project) freezer {
			return newWireWatch(t, p, databases.Postgres(t), wire{"sslmode=disable", "BEGIN ISOLATION LEVEL READ COMMITTED;", "COMMIT\x00"})
		},
		"mariadb": func(t *testing.T, p *project) freezer {
			return newWireWatch(t, p, databases.MariaDB(t), wire{"tls=false", "START TRANSACTION", "COMMIT"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			f := start(t, p)
			inside, rounds := 0, 0
			for round := range soak.Rounds(t, 3) {
				if p.killPurge(f, round) {
					inside++
				}
				rounds++
			}
			t.Logf("%d of %d kills were inside a transaction", inside, rounds)
			p.purgedOnce(rounds * purgeSize)
		})
	}
}

// purgeSize is how many records a purge has that is killed.
const purgeSize = 4

// killPurge kills one purge and runs it again. It reports whether a transaction
// was open.
func (p *project) killPurge(f freezer, round int) (inside bool) {
	p.t.Helper()
	draw := rand.New(rand.NewPCG(uint64(round), 2))
	var ids []string
	for i := range purgeSize {
		p.write("victim", fmt.Appendf(nil, "round %d, content %d", round, i/2)) // each content twice
		ids = append(ids, p.store("victim"))
	}
	p.must(append([]string{"archive", "prune-request", "--by", "ann"}, ids...)...)
	purge := append([]string{"archive", "purge", "--by", "bob"}, ids...)
	victim := draw.IntN(3)
	f.arm(draw, 4<<10)
	run := p.start(purge...)
	inside = f.freeze(run.Process.Pid)
	plugin := childOf(run.Process.Pid) // 0: the purge is over
	if victim != 0 {
		_ = run.Process.Kill() // it may have ended by itself
	}
	if victim != 1 && plugin != 0 {
		_ = syscall.Kill(plugin, syscall.SIGKILL) // so may this
	}
	f.thaw()
	run.wait()
	eventually(p.t, "the plugin is gone", func() bool { return plugin == 0 || !alive(plugin) })
	if n := p.purged(ids); n != 0 && n != purgeSize {
		p.t.Errorf("round %d: %d of %d records are purged", round, n, purgeSize)
	}
	p.must(purge...)
	if n := p.purged(ids); n != purgeSize {
		p.t.Errorf("round %d: %d of %d records are purged in the end", round, n, purgeSize)
	}
	return inside
}

// purgedOnce checks that all records, n of them, have one PURGE in their history
// and one in the evidence, under one id.
func (p *project) purgedOnce(n int) {
	p.t.Helper()
	p.write("last", []byte("last")) // what the last kill left is recorded by the command after it
	last := p.store("last")
	lines, found := p.evidence(), 0
	for line := range strings.Lines(p.must("archive", "list", "--json", "--limit", "0")) {
		var listed struct{ Tombstone string }
		if err := json.Unmarshal([]byte(line), &listed); err != nil {
			p.t.Fatal(err)
		}
		if listed.Tombstone == last {
			continue
		}
		var shown struct{ Events []struct{ ID, Action string } }
		if err := json.Unmarshal([]byte(p.must("archive", "show", listed.Tombstone, "--json")), &shown); err != nil {
			p.t.Fatal(err)
		}
		for _, e := range shown.Events {
			if e.Action != "PURGE" {
				continue
			}
			found++
			if n := count(lines, "action=PURGE", "status=success", "tombstone="+listed.Tombstone, "id="+e.ID); n != 1 {
				p.t.Errorf("%s has %d lines of evidence of its purge", listed.Tombstone, n)
			}
		}
	}
	if all := count(lines, "action=PURGE", "status=success"); found != n || all != n {
		p.t.Errorf("%d purges in the archive and %d in the evidence, want %d", found, all, n)
	}
	p.must("archive", "evidence", "verify")
}
