package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// foldingDir mounts a file system that folds case, and returns its directory.
func foldingDir(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"losetup", "mkfs.exfat", "mount.exfat-fuse", "umount"} {
		if _, err := exec.LookPath(program); err != nil || os.Getuid() != 0 {
			t.Skip("to mount a file system that folds case it needs root, losetup and Debian's exfatprogs and exfat-fuse")
		}
	}
	image, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 16<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.exfat", image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	device, err := exec.Command("losetup", "--find", "--show", image).Output()
	if err != nil {
		t.Skipf("this system lends no loop device: %v", err)
	}
	loop := strings.TrimSpace(string(device))
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", loop).Run() }) // it may be detached
	if out, err := exec.Command("mount.exfat-fuse", loop, dir).CombinedOutput(); err != nil {
		t.Skipf("this system mounts no exfat: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return dir
}

// TestFoldedCase: two outputs that are one file where the file system folds case
// are found before anything is written.
func TestFoldedCase(t *testing.T) {
	dir := foldingDir(t)
	p := newProject(t)
	for name, content := range map[string]string{"upper": "one", "lower": "two"} {
		p.write(name, []byte(content))
	}
	upper, lower := p.store("upper"), p.store("lower")
	manifest := func(first, second string) {
		p.write("m.csv", fmt.Appendf(nil, "tombstone,output\n%s,%q\n%s,%q\n", upper, first, lower, second))
	}
	refused := func(want string, flags ...string) {
		t.Helper()
		r := p.run(append([]string{"archive", "batch-restore", "--results", "r.json"}, flags...)...)
		if r.code != output.ExitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: exit code %d, %s%s", flags, r.code, r.stdout, r.stderr)
		}
	}
	one := "this file system takes the two names for one"
	for _, names := range [][2]string{{"A", "a"}, {"NEW/dir/x", "new/dir/x"}, {"Ä", "ä"}} {
		manifest(names[0], names[1])
		refused(one, "m.csv", "--base-dir", dir)
		refused(one, "m.csv", "--base-dir", filepath.Join(dir, "later"))
		refused(one, "m.csv", "--base-dir", dir, "--dry-run")
		manifest(filepath.Join(dir, names[0]), filepath.Join(dir, names[1]))
		refused(one, "m.csv")
	}
	manifest("A", "a/x")
	refused("is a directory: item 2 goes into it", "m.csv", "--base-dir", dir)

	if err := os.MkdirAll(filepath.Join(p.dir, "tree", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.write("tree/sub/x", []byte("x"))
	p.write("tree/sub/X", []byte("X"))
	p.must("archive", "store", "cased", "tree", "--reason", "dead")
	refused(one, "--repo", "cased", "--output-dir", dir)
	p.write("found.jsonl", []byte(p.must("archive", "list", "--repo", "cased", "--json")))
	refused(one, "found.jsonl", "--output-dir", dir)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v was written, %v", entries, err)
	}

	// The same names are two files elsewhere, and others are restored here.
	p.must("archive", "batch-restore", "--repo", "cased", "--output-dir", "back", "--results", "r.json")
	if string(p.read("back/tree/sub/x")) != "x" || string(p.read("back/tree/sub/X")) != "X" {
		t.Error("the two files were confused")
	}
	manifest("x", "y/z")
	p.must("archive", "batch-restore", "m.csv", "--base-dir", dir, "--results", "r.json")
}

// TestFoldedOwnFiles: the files of the archive are known in other letters, too. This
// file system has a number for each spelling.
func TestFoldedOwnFiles(t *testing.T) {
	p := newProject(t)
	p.dir = filepath.Join(foldingDir(t), "project")
	p.makeDirs("")
	p.write("a", []byte("a"))
	id := p.store("a")
	refused := func(want output.Code, args ...string) {
		t.Helper()
		r := p.run(append([]string{"archive"}, args...)...)
		if r.code != want || !strings.Contains(r.stderr+r.stdout, "belongs to the archive itself") {
			t.Errorf("%v: exit code %d, %s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	for _, name := range []string{
		".CODEX/archive.sqlite", ".codex/ARCHIVE.SQLITE-wal", ".Codex/Evidence/archive_ops.jsonl",
		".codex/evidence/ARCHIVE_OPS.JSONL", ".codex/evidence/PENDING/x", "../PROJECT/.codex/archive.sqlite",
	} {
		refused(output.ExitRefused, "restore", id, name, "--force")
		p.write("m.csv", []byte("tombstone,output\n"+id+","+name+"\n"))
		refused(output.ExitRefused, "batch-restore", "m.csv", "--force", "--results", "r.json")
	}
	refused(output.ExitUsage, "store", "repo", ".CODEX/ARCHIVE.SQLITE", "--reason", "dead", "--remove")
	p.must("archive", "store", "repo", ".CODEX", "--reason", "dead", "--remove")
	p.must("archive", "restore", id, "b")
	if n := len(p.evidence()); n == 0 {
		t.Error("the evidence is gone")
	}
}
