//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// TestFailuresLeaveNothing runs every command that uses an archive where it must
// fail, in an empty directory and in a clone without .codex. A failure makes no
// directory, so it makes no project either.
func TestFailuresLeaveNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts hundreds of programs")
	}
	t.Parallel()
	const unknown = "00000000-0000-4000-8000-00000000dead"
	outside := newProject(t) // what commands are given lies outside of where they run
	outside.write("file", []byte("content"))
	outside.write("manifest.json", []byte(`{"items":[{"tombstone":"`+unknown+`","output":"a/b/out"}]}`))
	outside.write("codex-archive-dies", []byte("#!/bin/sh\nexit 1\n"))
	if err := os.Chmod(filepath.Join(outside.dir, "codex-archive-dies"), 0o755); err != nil {
		t.Fatal(err)
	}
	outside.store("file")
	path := func(name string) string { return filepath.Join(outside.dir, name) }

	restores := [][]string{
		{"restore", unknown, "a/b/out"},
		{"restore", unknown, "-"},
		{"batch-restore", path("manifest.json"), "--results", path("results.json")},
		{"list"}, {"show", unknown}, {"stats"}, {"health-check"},
	}
	all := slices.Concat(restores, [][]string{{"init"}, {"store", "repo", path("file"), "--reason", "dead"}})
	for _, c := range []struct {
		cause    string
		flags    []string
		commands [][]string
	}{
		{"no archive", nil, restores},
		{"unknown tombstone", []string{"--url", "sqlite:///" + path(".codex/archive.sqlite")}, restores[:3]},
		{"unknown file", nil, [][]string{{"store", "repo", path("missing"), "--reason", "dead"}}},
		{"not a regular file", nil, [][]string{{"store", "repo", "/dev/null", "--reason", "dead"}}},
		{"unknown reason", nil, [][]string{{"store", "repo", path("file"), "--reason", "whim"}}},
		{"no such backend", []string{"--backend", "nothere", "--url", "nothere://x"}, all},
		{"wrong backend", []string{"--backend", "postgres", "--url", "mysql://localhost/db"}, all},
		{"unreachable server", []string{"--url", "postgres://127.0.0.1:1/db"}, all},
		{"unreachable server, repeats", []string{"--url", "mysql://127.0.0.1:1/db", "--set", "retry.enabled=true", "--set", "retry.initial_delay=0.01"}, all},
		{"backend that does not start", []string{"--backend", "dies", "--url", "dies://x", "--plugin-dir", outside.dir}, all},
		{"backend that crashes", []string{"--backend", "slow", "--url", "slow://1?die=" + path("died")}, [][]string{{"restore", firstItem, "a/b/out"}}},
		{"evidence that cannot be", []string{"--set", "evidence.dir=" + path("file") + "/evidence"}, slices.DeleteFunc(slices.Clone(all), func(c []string) bool { return c[0] == "init" })},
	} {
		for _, clone := range []bool{false, true} {
			for _, command := range c.commands {
				name := c.cause + "/" + strings.Join(command[:1], " ")
				if clone {
					name += " in a clone"
				}
				t.Run(name, func(t *testing.T) {
					p := newEmpty(t)
					p.env = append(p.env, "CODEX_ARCHIVE_PLUGIN_PATH="+filepath.Join(programs, "vendor"))
					if clone {
						p.git("init", "-q")
					}
					os.Remove(path("died"))
					before := treeBelow(t, p.dir)
					r := p.run(slices.Concat([]string{"archive"}, command, c.flags)...)
					if r.code == output.ExitDone {
						t.Fatalf("succeeded: %s%s", r.stdout, r.stderr)
					}
					if after := treeBelow(t, p.dir); !slices.Equal(before, after) {
						t.Errorf("exit code %d, and there are now %q\n%s", r.code, after, r.stderr)
					}
				})
			}
		}
	}
}

// TestLogBeginsWithTheFirstAct: the repeats before the first act that goes ahead
// are in the log that it begins.
func TestLogBeginsWithTheFirstAct(t *testing.T) {
	t.Parallel()
	p := newEmpty(t)
	p.env = append(p.env, "CODEX_ARCHIVE_PLUGIN_PATH="+filepath.Join(programs, "vendor"), "CODEX_ARCHIVE_RETRY_ENABLED=true", "CODEX_ARCHIVE_RETRY_INITIAL=0.01")
	p.must("archive", "restore", firstItem, "out", "--backend", "slow", "--url", "slow://1?fail=2")
	records := p.evidence()
	if count(records, "status=retrying") != 2 || count(records, "action=RESTORE", "status=success") != 1 {
		t.Errorf("the log has %v", records)
	}
}

// newEmpty is a directory that is no project yet.
func newEmpty(t *testing.T) *project {
	t.Helper()
	p := newProject(t)
	if err := os.RemoveAll(filepath.Join(p.dir, ".codex")); err != nil {
		t.Fatal(err)
	}
	return p
}

// treeBelow lists what is below dir, with the content of files.
func treeBelow(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		content := ""
		if d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(b)
		}
		all = append(all, path+" "+content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
