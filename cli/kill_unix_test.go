//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/scripts/soak"
	"github.com/codex-archive/codex/sdk"
)

// TestKillInsideTransactionSoak kills the plugin, the host, or both with SIGKILL
// while a store has its transaction open. Nothing that was acknowledged is lost,
// nothing is there twice, and the evidence names what is there.
func TestKillInsideTransactionSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts some hundred programs")
	}
	t.Parallel()
	needsProc(t)
	for name, c := range map[string]struct {
		rounds int
		new    func(*testing.T, *project) freezer
	}{
		"sqlite": {20, newLockWatch},
		"postgres": {8, func(t *testing.T, p *project) freezer {
			return newWireWatch(t, p, databases.Postgres(t), wire{"sslmode=disable", "BEGIN ISOLATION LEVEL READ COMMITTED;", "COMMIT\x00"})
		}},
		"mariadb": {8, func(t *testing.T, p *project) freezer {
			return newWireWatch(t, p, databases.MariaDB(t), wire{"tls=false", "START TRANSACTION", "COMMIT"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			k := killer{p: p, freezer: c.new(t, p), acknowledged: map[string]string{}, sizes: map[string]int64{}}
			rounds := 0
			for i := range soak.Rounds(t, c.rounds) {
				k.round(i)
				rounds++
			}
			t.Logf("%d of %d kills were inside a transaction; %d stores were acknowledged", k.inside, rounds, len(k.acknowledged))
			if 2*k.inside < rounds {
				t.Errorf("only %d of %d kills were inside a transaction", k.inside, rounds)
			}
			k.check()
		})
	}
}

// freezer stops a store at a point of its transaction.
type freezer interface {
	// arm draws the point, before the store is started.
	arm(draw *rand.Rand, size int64)
	// freeze waits for the point, or for the end of the host. It reports whether a
	// transaction is open that is not committed; then nothing goes on.
	freeze(host int) (inside bool)
	// thaw has what was not killed go on.
	thaw()
}

// killer counts what kills do.
type killer struct {
	p            *project
	freezer      freezer
	inside       int
	acknowledged map[string]string // tombstones by path
	sizes        map[string]int64  // of all that was given to store, by path
}

// drawSize returns a size that is stored in one row, in several, or, seldom, in
// transactions of their own before that of the record.
func drawSize(draw *rand.Rand) int64 {
	switch n := draw.IntN(12); {
	case n < 6:
		return 4 << 10
	case n < 9:
		return 300 << 10
	case n < 11:
		return 2 << 20
	default:
		return sdk.StagedBody + 1<<20
	}
}

// round kills one store. Its number is the seed of all that is drawn.
func (k *killer) round(number int) {
	k.p.t.Helper()
	draw := rand.New(rand.NewPCG(uint64(number), 0))
	name, size := fmt.Sprintf("f%d", number), drawSize(draw)
	k.p.big(name, size)
	k.sizes[name] = size
	victim, retry := draw.IntN(3), draw.IntN(2) == 1
	k.freezer.arm(draw, size)
	run := k.p.start("archive", "store", "repo", name, "--reason", "dead", "--set", "retry.initial_delay=0.05", "--set", fmt.Sprint("retry.enabled=", retry))
	if k.freezer.freeze(run.Process.Pid) {
		k.inside++
	}
	plugin := childOf(run.Process.Pid) // 0: the store is over
	if victim != 0 {
		_ = run.Process.Kill() // it may have ended by itself
	}
	if victim != 1 && plugin != 0 {
		_ = syscall.Kill(plugin, syscall.SIGKILL) // so may this
	}
	k.freezer.thaw()
	r := run.wait()
	eventually(k.p.t, "the plugin is gone", func() bool { return plugin == 0 || !alive(plugin) })
	switch {
	case r.code == 0:
		k.acknowledged[name] = k.p.field(r.stdout, "tombstone")
	case victim == 0 && (retry || r.code != output.ExitBackend):
		k.p.t.Errorf("round %d, the plugin was killed, retry is %v: exit code %d\n%s", number, retry, r.code, r.stderr)
	}
	if err := os.Remove(filepath.Join(k.p.dir, name)); err != nil {
		k.p.t.Fatal(err)
	}
}

// check compares the archive and the evidence with what was acknowledged.
func (k *killer) check() {
	k.p.t.Helper()
	k.p.write("last", []byte("last")) // the evidence of the last kill is written by the command after it
	k.p.store("last")
	var manifest strings.Builder
	manifest.WriteString("tombstone,output\n")
	there := map[string]string{} // tombstones by path
	lines := k.p.evidence()
	for line := range strings.Lines(k.p.must("archive", "list", "--json", "--limit", "0")) {
		var item struct{ Tombstone, Path string }
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			k.p.t.Fatal(err)
		}
		if first, doubled := there[item.Path]; doubled {
			k.p.t.Errorf("%s is there twice: %s, %s", item.Path, first, item.Tombstone)
		}
		there[item.Path] = item.Tombstone
		if n := count(lines, "action=ARCHIVE", "status=success", "tombstone="+item.Tombstone); n != 1 {
			k.p.t.Errorf("%s has %d lines of evidence", item.Path, n)
		}
		fmt.Fprintf(&manifest, "%s,all/%s\n", item.Tombstone, item.Path)
	}
	if n := count(lines, "action=ARCHIVE", "status=success"); n != len(there) {
		k.p.t.Errorf("%d lines of evidence for %d records", n, len(there))
	}
	for path, tombstone := range k.acknowledged {
		if there[path] != tombstone {
			k.p.t.Errorf("%s was acknowledged as %s and is there as %q", path, tombstone, there[path])
		}
	}
	k.p.write("all.csv", []byte(manifest.String()))
	k.p.must("archive", "batch-restore", "all.csv", "--results", "all.json")
	delete(there, "last")
	for path := range there {
		want := sha256.New()
		if _, err := io.CopyN(want, newNoise(path), k.sizes[path]); err != nil {
			k.p.t.Fatal(err)
		}
		if got := sha256.Sum256(k.p.read("all/" + path)); !bytes.Equal(got[:], want.Sum(nil)) {
			k.p.t.Errorf("%s was restored with other content", path)
		}
	}
	k.p.must("archive", "evidence", "verify")
	k.p.t.Logf("%d records are there, %d of them acknowledged", len(there), len(k.acknowledged))
}
