//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// plantTree makes a tree of n small files, some of them with the same content,
// one that is staged, and a link. It returns the contents by path.
func (p *project) plantTree(n int) map[string]string {
	p.t.Helper()
	tree := map[string]string{}
	for i := range n {
		tree[fmt.Sprintf("tree/d%02d/f%04d", i%23, i)] = fmt.Sprintf("content %d\n", i-i%7/6)
	}
	for path, content := range tree {
		if err := os.MkdirAll(filepath.Join(p.dir, filepath.Dir(path)), 0o755); err != nil {
			p.t.Fatal(err)
		}
		p.write(path, []byte(content))
	}
	p.big("tree/big", 9<<20)
	tree["tree/big"] = string(p.read("tree/big"))
	if err := os.Symlink("d00/f0000", filepath.Join(p.dir, "tree/link")); err != nil {
		p.t.Fatal(err)
	}
	return tree
}

// listed returns the records of the archive by path, those that flags select.
func (p *project) listed(flags ...string) map[string][]map[string]any {
	p.t.Helper()
	records := map[string][]map[string]any{}
	for line := range strings.Lines(p.must(append([]string{"archive", "list", "--json", "--limit", "0"}, flags...)...)) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			p.t.Fatal(err)
		}
		path := record["path"].(string)
		records[path] = append(records[path], record)
	}
	return records
}

// inPlaceOrArchived checks that every file is where it was, or can be restored.
func (p *project) inPlaceOrArchived(tree map[string]string, round int, flags ...string) {
	p.t.Helper()
	records := p.listed(flags...)
	var manifest strings.Builder
	manifest.WriteString("tombstone,output\n")
	gone := map[string]string{}
	for path, content := range tree {
		found, err := os.ReadFile(filepath.Join(p.dir, path))
		switch {
		case err == nil && string(found) != content:
			p.t.Errorf("%s was changed", path)
		case err == nil:
		case len(records[path]) == 0:
			p.t.Errorf("%s is neither in its place nor in the archive: %v", path, err)
		default:
			out := fmt.Sprintf("back%d/%s", round, path)
			gone[out] = content
			fmt.Fprintf(&manifest, "%s,%s\n", records[path][0]["tombstone"], out)
		}
	}
	if len(gone) == 0 {
		return
	}
	p.write("m.csv", []byte(manifest.String()))
	p.must("archive", "batch-restore", "m.csv", "--results", "r.json")
	for out, content := range gone {
		if string(p.read(out)) != content {
			p.t.Errorf("%s differs", out)
		}
	}
	p.t.Logf("round %d: %d of %d files are in the archive alone", round, len(gone), len(tree))
}

// missing counts the files that are not in their place.
func (p *project) missing(tree map[string]string) int {
	n := 0
	for path := range tree {
		if _, err := os.Lstat(filepath.Join(p.dir, path)); err != nil {
			n++
		}
	}
	return n
}

// treeIsStored checks that the set has each file once, and the evidence each
// record.
func (p *project) treeIsStored(tree map[string]string, set string) {
	p.t.Helper()
	records := p.listed("--set", set)
	if len(records) != len(tree)+1 { // the link
		p.t.Errorf("%d paths are recorded of %d", len(records), len(tree)+1)
	}
	recorded := map[string]int{}
	for _, e := range p.evidence() {
		if e["action"] == "ARCHIVE" && e["status"] == "success" {
			recorded[e["tombstone"].(string)]++
		}
	}
	for path, all := range records {
		if len(all) != 1 || all[0]["set"] != set || all[0]["content_present"] != true {
			p.t.Errorf("%s: %v", path, all)
		}
		if content, ok := tree[path]; ok && all[0]["sha256"] != sha256Hex([]byte(content)) {
			p.t.Errorf("%s: other content is recorded", path)
		}
		if n := recorded[all[0]["tombstone"].(string)]; n != 1 {
			p.t.Errorf("%s has %d lines of evidence", path, n)
		}
	}
	if len(recorded) != len(records) {
		p.t.Errorf("%d records, %d lines of evidence", len(records), len(recorded))
	}
}

func (p *project) treeIsEmpty() {
	p.t.Helper()
	err := filepath.WalkDir(filepath.Join(p.dir, "tree"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Base(path) != "tree" {
			p.t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		p.t.Error(err)
	}
}

// storeHeld begins to store and remove a tree, and returns when everything is
// committed and nothing is removed: recording waits for the lock.
func storeHeld(t *testing.T) (p *project, run *running, release func()) {
	t.Helper()
	for {
		p = newProject(t)
		p.must("archive", "init")
		p.plantTree(40)
		log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
		run = p.start("archive", "store", "repo", "tree", "--reason", "dead", "--remove", "--continue-on-error")
		eventually(t, "evidence was opened", func() bool { _, err := os.Stat(log); return err == nil })
		release = holdLock(t, filepath.Join(p.dir, ".codex/evidence/archive_ops.lock"))
		if len(p.evidence()) == 0 {
			break
		}
		release() // the lock came too late
		run.wait()
	}
	db := p.db()
	eventually(t, "all items are committed", func() bool { return p.number(db, "SELECT count(*) FROM codex_item") == 42 })
	return p, run, release
}

// TestRemoveSparesWhatChanged: a file that is changed or replaced after it was
// stored is not removed.
func TestRemoveSparesWhatChanged(t *testing.T) {
	t.Parallel()
	p, run, release := storeHeld(t)
	p.write("tree/d00/f0000", []byte("changed"))
	if err := os.Rename(filepath.Join(p.dir, "tree/big"), filepath.Join(p.dir, "big")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../big", filepath.Join(p.dir, "tree/big")); err != nil {
		t.Fatal(err)
	}
	release()
	r := run.wait()
	if r.code != output.ExitBatch || !strings.Contains(r.stdout, "tree/d00/f0000: the file changed since it was stored, and was not removed") ||
		!strings.Contains(r.stdout, "[ERROR] tree/big: ") || !strings.Contains(r.stdout, "Failed: 2\n") || !strings.Contains(r.stdout, "Removed: 40\n") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if !bytes.Equal(p.read("tree/d00/f0000"), []byte("changed")) || len(p.read("tree/big")) != 9<<20 {
		t.Error("what changed was removed")
	}
	if n := count(p.evidence(), "action=ARCHIVE", "status=success"); n != 42 {
		t.Errorf("%d lines of evidence", n)
	}
	if n := count(p.evidence(), "action=ARCHIVE_FAIL"); n != 0 {
		t.Errorf("%d lines say that a file was not stored", n)
	}
}

// TestKillBeforeTreeIsRecorded: nothing is removed before it is recorded, and
// the next command records what was committed.
func TestKillBeforeTreeIsRecorded(t *testing.T) {
	t.Parallel()
	p, run, release := storeHeld(t)
	run.kill()
	release()
	if n := len(p.evidence()); n != 0 {
		t.Fatalf("%d lines of evidence already", n)
	}
	p.inPlace(42)
	set := p.listed()["tree/big"][0]["set"].(string)
	out := p.must("archive", "store", "repo", "tree", "--reason", "dead", "--remove", "--resume", set)
	if !strings.Contains(out, "In the set before: 42\n") || !strings.Contains(out, "Removed: 42\n") {
		t.Errorf("it printed %s", out)
	}
	p.write("x", nil)
	p.store("x")
	if n := count(p.evidence(), "action=ARCHIVE", "repaired=true"); n != 42 {
		t.Errorf("%d lines are marked as repaired", n)
	}
	p.treeIsEmpty()
}

// inPlace checks that the tree has n files and links.
func (p *project) inPlace(n int) {
	p.t.Helper()
	err := filepath.WalkDir(filepath.Join(p.dir, "tree"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n--
		}
		return err
	})
	if err != nil || n != 0 {
		p.t.Errorf("%d files are missing: %v", n, err)
	}
}
