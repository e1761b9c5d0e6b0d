//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
)

// TestRetryThroughRestart: the server is away for the first two tries and back
// for the third. One line of evidence for each repeat, and one for the restore.
func TestRetryThroughRestart(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *databases.Server{
		"postgres": databases.NewPostgres, "mariadb": databases.NewMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			p := newProject(t)
			p.env = append(p.env, "CODEX_ARCHIVE_URL="+server.Database(t).URL(), "CODEX_ARCHIVE_RETRY_ENABLED=true")
			p.write("a.txt", []byte("content"))
			id := p.store("a.txt")
			server.Stop(t)
			// One second, then ten: enough to start a server in, on a busy machine too.
			run := p.start("archive", "restore", id, "out.txt", "--set", "retry.initial_delay=1",
				"--set", "retry.backoff_factor=10", "--set", "retry.jitter=false")
			log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
			eventually(t, "two attempts failed", func() bool {
				content, err := os.ReadFile(log)
				return err == nil && bytes.Count(content, []byte(`"status":"retrying"`)) == 2
			})
			server.Start(t)
			if r := run.wait(); r.code != 0 || string(p.read("out.txt")) != "content" {
				t.Fatalf("exit code %d\n%s", r.code, r.stderr)
			}
			records := p.evidence()
			if count(records, "action=RESTORE", "status=retrying") != 2 ||
				count(records, "action=RESTORE", "status=success", "attempts=3") != 1 {
				t.Errorf("evidence: %v", records)
			}
			if count(records, "status=retrying", "attempt=1") != 1 || count(records, "status=retrying", "attempt=2") != 1 {
				t.Errorf("attempts are not counted: %v", records)
			}
		})
	}
}

// TestBatchRetryThroughRestart: the same for the items of a batch, of which the
// first meets a server that is away.
func TestBatchRetryThroughRestart(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *databases.Server{
		"postgres": databases.NewPostgres, "mariadb": databases.NewMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			p := newProject(t)
			p.env = append(p.env, "CODEX_ARCHIVE_URL="+server.Database(t).URL(), "CODEX_ARCHIVE_RETRY_ENABLED=true")
			p.write("a.txt", []byte("content"))
			id := p.store("a.txt")
			p.write("m.csv", []byte("tombstone,output\n"+id+",1\n"+id+",2\n"+id+",3\n"))
			server.Stop(t)
			run := p.start("archive", "batch-restore", "m.csv", "--results", "r.json", "--set", "batch.max_concurrent=1",
				"--set", "retry.initial_delay=1", "--set", "retry.backoff_factor=10", "--set", "retry.jitter=false")
			log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
			eventually(t, "two attempts failed", func() bool {
				content, err := os.ReadFile(log)
				return err == nil && bytes.Count(content, []byte(`"status":"retrying"`)) == 2
			})
			server.Start(t)
			if r := run.wait(); r.code != 0 || string(p.read("1")) != "content" || string(p.read("3")) != "content" {
				t.Fatalf("exit code %d\n%s", r.code, r.stderr)
			}
			records := p.evidence()
			for want, pairs := range map[int][]string{
				1: {"action=RESTORE", "status=success", "attempts=3", "output=1"},
				2: {"action=RESTORE", "status=retrying"},
			} {
				if got := count(records, pairs...); got != want {
					t.Errorf("%d records with %v, want %d: %v", got, pairs, want, records)
				}
			}
			if count(records, "action=RESTORE", "status=success", "attempts=1") != 2 {
				t.Errorf("evidence: %v", records)
			}
		})
	}
}

// TestNotRetried: what will not pass by itself is tried once.
func TestNotRetried(t *testing.T) {
	t.Parallel()
	database := databases.Postgres(t)
	p := newProject(t)
	base := append(p.env, "CODEX_ARCHIVE_RETRY_ENABLED=true", "CODEX_ARCHIVE_RETRY_INITIAL=0")
	p.env = append(base[:len(base):len(base)], "CODEX_ARCHIVE_URL="+database.URL())
	p.write("a.txt", []byte("content"))
	p.write("other.txt", []byte("other"))
	id := p.store("a.txt", "--set", "archive.codec=none")
	try := func(what string, code int, args ...string) {
		t.Helper()
		before := len(p.evidence())
		if r := p.run(append([]string{"archive", "restore"}, args...)...); r.code != code {
			t.Errorf("%s: exit code %d, want %d\n%s", what, r.code, code, r.stderr)
		}
		records := p.evidence()[before:]
		if len(records) != 1 || count(records, "action=RESTORE_FAIL", "attempts=1") != 1 {
			t.Errorf("%s: evidence %v", what, records)
		}
		p.write("m.csv", []byte("tombstone,output\n"+strings.Join(args, ",")+"\n"))
		if r := p.run("archive", "batch-restore", "m.csv", "--results", "r.json"); r.code != code {
			t.Errorf("%s in a batch: exit code %d, want %d\n%s", what, r.code, code, r.stderr)
		}
		records = p.evidence()[before+1:]
		if len(records) != 2 || count(records, "action=RESTORE_FAIL", "attempts=1") != 1 || count(records, "action=BATCH_RESTORE_COMPLETE") != 1 {
			t.Errorf("%s in a batch: evidence %v", what, records)
		}
	}
	try("not found", exitNotFound, "00000000-0000-4000-8000-000000000000", "out")
	try("refused", exitRefused, id, "other.txt")
	if _, err := database.Admin(t).Exec(`UPDATE codex_body SET data = 'contenT'`); err != nil {
		t.Fatal(err)
	}
	try("corrupt", exitIntegrity, id, "out")
	p.env = append(base[:len(base):len(base)], "CODEX_ARCHIVE_URL="+database.URLAs(database.User, "wrong"))
	try("wrong password", exitBackend, id, "out")
	if _, err := os.Stat(filepath.Join(p.dir, "out")); err == nil {
		t.Error("an output is there")
	}
}
