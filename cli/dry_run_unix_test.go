//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// unprivileged lets codex run in the project as a user whom rights bind, which they do
// not do to root.
func (p *project) unprivileged() {
	p.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	for _, path := range []string{programs, filepath.Dir(p.dir), p.dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			p.t.Fatal(err)
		}
	}
	home := p.t.TempDir()
	for i, set := range p.env {
		if strings.HasPrefix(set, "HOME=") || strings.HasPrefix(set, "TMPDIR=") {
			p.env[i] = set[:strings.Index(set, "=")+1] + home
		}
	}
	for _, root := range []string{p.dir, home, p.runtime} {
		if err := filepath.Walk(root, func(path string, _ os.FileInfo, err error) error {
			if err == nil {
				err = os.Lchown(path, nobody, nobody)
			}
			return err
		}); err != nil {
			p.t.Fatal(err)
		}
	}
	p.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// TestDryRunsPromiseNothing: what cannot be read or written is said by the dry run
// too.
func TestDryRunsPromiseNothing(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.makeDirs("d/locked", "d/files", "kept")
	p.write("d/files/readable", []byte("a"))
	p.write("d/files/secret", []byte("b"))
	p.unprivileged()
	id := p.store("d/files/readable")
	for path, mode := range map[string]os.FileMode{"d/files/secret": 0, "d/locked": 0, "kept": 0o555} {
		if err := os.Chmod(filepath.Join(p.dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(p.dir, "d/locked"), 0o755) }) // or it cannot be removed
	check := func(want output.Code, out string, args ...string) {
		t.Helper()
		r := p.run(append([]string{"archive"}, args...)...)
		if r.code != want || !strings.Contains(r.stdout, out) {
			t.Errorf("%v: exit code %d, want %d and %q\n%s%s", args, r.code, want, out, r.stdout, r.stderr)
		}
	}
	store := []string{"store", "r", "d", "--reason", "dead", "--continue-on-error"}
	check(output.ExitBatch, "Would store d/files/readable\nWould fail d/files/secret: permission denied\nWould fail d/locked: permission denied\n1 file, 1 byte;",
		append(store, "--dry-run")...)
	check(output.ExitBatch, `{"dry_run":true,"path":"d/files/secret","size_bytes":0,"error":{"code":1,`, append(store, "--dry-run", "--json")...)
	check(output.ExitFailed, "Would fail d/files/secret", "store", "r", "d/files/secret", "--reason", "dead", "--verify", "--dry-run")
	check(output.ExitBatch, "[ERROR] d/files/secret: permission denied", store...)

	for _, out := range []string{"kept/x", "kept/new/x"} {
		p.write("m.csv", []byte("tombstone,output\n"+id+","+out+"\n"))
		check(output.ExitFailed, "Item 1: would fail: write "+out+": permission denied", "batch-restore", "m.csv", "--dry-run")
		check(output.ExitFailed, "Item 1 failed: write "+out+": permission denied", "batch-restore", "m.csv")
	}
	p.write("m.csv", []byte("tombstone,output\n"+id+",x\n"))
	check(output.ExitFailed, "would fail", "batch-restore", "m.csv", "--dry-run", "--base-dir", "kept/new")
	check(output.ExitDone, "would write x", "batch-restore", "m.csv", "--dry-run", "--base-dir", "new")
}

func (p *project) makeDirs(names ...string) {
	p.t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(p.dir, name), 0o755); err != nil {
			p.t.Fatal(err)
		}
	}
}
