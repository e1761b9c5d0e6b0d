package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/smallfs"
	"github.com/codex-archive/codex/sdk"
)

// TestTempDirFull: where the directory for temporary files has no room, or is not
// there, a command says which directory that is and what to do, with the code of a
// file of this machine. One that needs no such file goes on.
func TestTempDirFull(t *testing.T) {
	smallfs.Run(t, "size=64k,nr_inodes=20", func(t *testing.T, full string) {
		p := newProject(t)
		p.big("big", 2*sdk.StagedBody) // more than is kept in memory
		program := filepath.Join(p.dir, "codex-archive-slow")
		copyFile(t, filepath.Join(programs, "vendor", "codex-archive-slow"), program)
		if out, err := exec.Command("tar", "-czf", filepath.Join(p.dir, "slow.tar.gz"), "-C", p.dir, "codex-archive-slow").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		id := p.store("big")
		missing := filepath.Join(p.dir, "none")
		for _, c := range []struct {
			temp   string
			args   []string
			code   output.Code
			remedy string
		}{
			{full, []string{"plugin", "install", program}, output.ExitFailed, "make room there, or set TMPDIR"},
			{full, []string{"plugin", "install", "slow.tar.gz"}, output.ExitFailed, "make room there, or set TMPDIR"},
			{full, []string{"archive", "restore", id, "-"}, output.ExitFailed, "make room there, or set TMPDIR"},
			{full, []string{"archive", "restore", id, "back"}, output.ExitDone, ""},
			{full, []string{"archive", "store", "r", "big", "--reason", "dead"}, output.ExitDone, ""},
			{missing, []string{"plugin", "install", program}, output.ExitFailed, "set TMPDIR to a directory that exists"},
			{missing, []string{"archive", "restore", id, "-"}, output.ExitFailed, "set TMPDIR to a directory that exists"},
		} {
			r := p.with("TMPDIR=" + c.temp).run(c.args...)
			if r.code != c.code || c.remedy != "" && !(strings.Contains(r.stderr, c.temp) && strings.Contains(r.stderr, c.remedy)) {
				t.Errorf("TMPDIR=%s codex %q: exit code %d, want %d, %s and %q\n%s", c.temp, c.args, r.code, c.code, c.temp, c.remedy, r.stderr)
			}
		}
		p.socketsGoElsewhere(full)
	})
}

// socketsGoElsewhere: a full XDG_RUNTIME_DIR is passed over. Where there is no room
// anywhere, the message names the first place.
func (p *project) socketsGoElsewhere(full string) {
	p.t.Helper()
	for i := range 20 { // not one more file fits
		if err := os.WriteFile(filepath.Join(full, string(rune('a'+i))), nil, 0o600); err != nil {
			break
		}
	}
	if r := p.with("XDG_RUNTIME_DIR="+full).run("archive", "list"); r.code != output.ExitDone {
		p.t.Errorf("with a full XDG_RUNTIME_DIR: exit code %d\n%s", r.code, r.stderr)
	}
}

// with returns a project with another environment.
func (p *project) with(variables ...string) *project {
	other := *p
	other.env = append(append([]string{}, p.env...), variables...)
	return &other
}
