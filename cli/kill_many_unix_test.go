//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/scripts/soak"
)

// TestKillManySoak kills the host, the backend, or both with SIGKILL while many
// files are stored, stored and removed, or restored. Every file is in its place or
// in the archive, intact; a rerun with --resume finishes; nothing is there twice,
// and the evidence has every record.
func TestKillManySoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it stores thousands of files")
	}
	t.Parallel()
	needsProc(t)
	for name, url := range everyDatabase((*databases.Database).SocketURL) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := url(t)
			for i := range soak.Rounds(t, 3) {
				newManyKill(t, url, i).round()
			}
		})
	}
}

// manyKill is one round of kills.
type manyKill struct {
	*project
	number int
	draw   *rand.Rand
	set    string
	tree   map[string]string // contents by path
}

func newManyKill(t *testing.T, url string, number int) *manyKill {
	p := newProjectOn(t, url)
	draw := rand.New(rand.NewPCG(uint64(number), 1)) // the number is the seed
	k := &manyKill{project: p, number: number, draw: draw, set: fmt.Sprintf("00000000-0000-4000-8000-%012d", number)}
	p.must("archive", "init")
	k.tree = p.plantTree(900)
	k.git("init", "-q")
	k.git("add", "tree")
	k.git("-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "-m", "x")
	return k
}

func (k *manyKill) git(args ...string) string {
	k.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = k.dir, k.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		k.t.Skipf("git %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (k *manyKill) round() {
	k.t.Helper()
	switch k.number % 3 {
	case 0:
		k.store()
	case 1:
		k.storeAndRemove()
	case 2:
		k.restore()
	}
}

// storing is the command that stores the tree.
func (k *manyKill) storing(flags ...string) []string {
	return append([]string{"archive", "store", "repo", "tree", "--reason", "dead", "--resume", k.set}, flags...)
}

func (k *manyKill) store() {
	k.t.Helper()
	args := k.storing()
	k.kill(args, nil)
	k.inPlaceOrArchived(k.tree, k.number, "--set", k.set)
	k.must(args...)
	k.treeIsStored(k.tree, k.set)
}

func (k *manyKill) storeAndRemove() {
	k.t.Helper()
	args := k.storing("--remove")
	k.kill(args, func() int { return k.missing(k.tree) })
	k.inPlaceOrArchived(k.tree, k.number, "--set", k.set)
	k.must(args...)
	k.treeIsStored(k.tree, k.set)
	k.treeIsEmpty()
	if tracked := k.git("ls-files", "tree"); tracked != "" {
		k.t.Errorf("round %d: git still tracks %d files", k.number, strings.Count(tracked, "\n"))
	}
}

func (k *manyKill) restore() {
	k.t.Helper()
	k.must(k.storing()...)
	args := []string{"archive", "batch-restore", "--set", k.set, "--output-dir", "back"}
	k.kill(args, func() int { return len(k.tree) - k.back().missing(k.tree) })
	k.backIsIntact()
	args = append(args, "--results", "r.json")
	if names, _ := filepath.Glob(filepath.Join(k.dir, "batch_restore_*.json")); len(names) == 1 && len(k.read(filepath.Base(names[0]))) > 0 {
		args = append(args[:len(args)-2], "--resume") // else it was killed before there were results
	}
	k.must(args...)
	if there := len(k.tree) - k.back().missing(k.tree); there != len(k.tree) {
		k.t.Errorf("round %d: %d files of %d are restored", k.number, there, len(k.tree))
	}
	k.backIsIntact()
	k.restoresAreRecorded()
}

// back is the project as if it were where files are restored to.
func (k *manyKill) back() *project {
	back := *k.project
	back.dir = filepath.Join(k.dir, "back")
	return &back
}

// backIsIntact checks that what is restored is whole, and nothing else is there.
func (k *manyKill) backIsIntact() {
	k.t.Helper()
	for path, content := range k.tree {
		found, err := os.ReadFile(filepath.Join(k.dir, "back", path))
		if err == nil && !bytes.Equal(found, []byte(content)) {
			k.t.Errorf("round %d: %s is torn", k.number, path)
		}
	}
}

// restoresAreRecorded checks that each output has a line of evidence, and each
// event of the archive one.
func (k *manyKill) restoresAreRecorded() {
	k.t.Helper()
	outputs, ids := map[string]bool{}, map[string]int{}
	for _, e := range k.evidence() {
		if hasAll(e, []string{"action=RESTORE", "status=success"}) {
			outputs[filepath.ToSlash(e["output"].(string))] = true
			ids[e["id"].(string)]++
		}
	}
	for path := range k.tree {
		if !outputs[path] {
			k.t.Errorf("round %d: %s has no line of evidence", k.number, path)
		}
	}
	for id, n := range ids {
		if n != 1 {
			k.t.Errorf("round %d: event %s has %d lines", k.number, id, n)
		}
	}
}

// kill runs a command and kills it, its backend, or both, when it has written a
// drawn number of bytes, or when done has reached a drawn number.
func (k *manyKill) kill(args []string, done func() int) {
	k.t.Helper()
	run := k.start(args...)
	plugin := run.plugin()
	if victim := k.draw.IntN(2); done == nil || victim == 0 {
		run.awaitWritten(k.draw.Int64N(9 << 20))
	} else {
		n := k.draw.IntN(len(k.tree))
		eventually(k.t, "some are done", func() bool { return !alive(run.Process.Pid) || done() > n })
	}
	victim := k.draw.IntN(3)
	if victim != 0 {
		_ = run.Process.Kill() // it may have ended
	}
	if victim != 1 {
		_ = syscall.Kill(plugin, syscall.SIGKILL) // so may this
	}
	r := run.wait()
	eventually(k.t, "the plugin is gone", func() bool { return !alive(plugin) })
	k.t.Logf("round %d, %s: victim %d, exit code %d", k.number, args[1], victim, r.code)
}
