//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/databases"
)

// away are flags under which a command repeats its call for two minutes: long
// enough for a server to come back, on a busy machine too.
var away = []string{"--set", "retry.max_attempts=10", "--set", "retry.initial_delay=0.5", "--set", "retry.jitter=false"}

// backAfterTwo starts the server when two attempts of a command have failed.
func (p *project) backAfterTwo(server *databases.Server) {
	p.t.Helper()
	log := filepath.Join(p.dir, ".codex/evidence/archive_ops.jsonl")
	eventually(p.t, "two attempts failed", func() bool {
		content, err := os.ReadFile(log)
		return err == nil && bytes.Count(content, []byte(`"status":"retrying"`)) >= 2
	})
	server.Start(p.t)
}

// onServers runs a test on a server of its own for each product.
func onServers(t *testing.T, test func(t *testing.T, server *databases.Server)) {
	t.Helper()
	for name, start := range map[string]func(testing.TB, ...string) *databases.Server{
		"postgres": databases.NewPostgres, "mariadb": databases.NewMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

// retryingProject is a project with one record on a server, which repeats what fails.
func retryingProject(t *testing.T, server *databases.Server) (p *project, id string) {
	t.Helper()
	p = newProject(t)
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+server.Database(t).URL(), "CODEX_ARCHIVE_RETRY_ENABLED=true")
	p.write("a.txt", []byte("content"))
	return p, p.store("a.txt")
}

// TestRetryThroughRestart: the server is away for at least two attempts. There
// is one line of evidence for each repeat, and one for the restore.
func TestRetryThroughRestart(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *databases.Server) {
		p, id := retryingProject(t, server)
		server.Stop(t)
		run := p.start(append([]string{"archive", "restore", id, "out.txt"}, away...)...)
		p.backAfterTwo(server)
		if r := run.wait(); r.code != 0 || string(p.read("out.txt")) != "content" {
			t.Fatalf("exit code %d\n%s", r.code, r.stderr)
		}
		p.retried(1, 1)
	})
}

// TestBatchRetryThroughRestart: the same for the items of a batch, of which the
// first meets a server that is away.
func TestBatchRetryThroughRestart(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *databases.Server) {
		p, id := retryingProject(t, server)
		p.write("m.csv", []byte("tombstone,output\n"+id+",1\n"+id+",2\n"+id+",3\n"))
		server.Stop(t)
		run := p.start(append([]string{"archive", "batch-restore", "m.csv", "--results", "r.json", "--set", "batch.max_concurrent=1"}, away...)...)
		p.backAfterTwo(server)
		if r := run.wait(); r.code != 0 || string(p.read("1")) != "content" || string(p.read("3")) != "content" {
			t.Fatalf("exit code %d\n%s", r.code, r.stderr)
		}
		p.retried(1, 3)
		if n := count(p.evidence(), "action=RESTORE", "status=success", "output=1", "attempts=1"); n != 0 {
			t.Error("the first item was restored at once")
		}
	})
}

// retried checks the evidence of restores of which some were retried: the
// attempts are counted from 1, and a success names how many there were.
func (p *project) retried(retried, restored int) {
	p.t.Helper()
	records := p.evidence()
	repeats := count(records, "action=RESTORE", "status=retrying")
	for attempt := 1; attempt <= repeats; attempt++ {
		if count(records, "action=RESTORE", "status=retrying", fmt.Sprintf("attempt=%d", attempt)) != 1 {
			p.t.Errorf("no line, or several, of attempt %d of %d: %v", attempt, repeats, records)
		}
	}
	if repeats < 2 || count(records, "action=RESTORE", "status=success", fmt.Sprintf("attempts=%d", repeats+1)) != retried ||
		count(records, "action=RESTORE", "status=success") != restored {
		p.t.Errorf("evidence of %d repeats: %v", repeats, records)
	}
}

// TestNotRetried: an error that is not temporary ends the command at once.
func TestNotRetried(t *testing.T) {
	t.Parallel()
	database := databases.Postgres(t)
	p := newProject(t)
	base := append(p.env, "CODEX_ARCHIVE_RETRY_ENABLED=true", "CODEX_ARCHIVE_RETRY_INITIAL=0")
	p.env = append(base[:len(base):len(base)], "CODEX_ARCHIVE_URL="+database.URL())
	p.write("a.txt", []byte("content"))
	p.write("other.txt", []byte("other"))
	id := p.store("a.txt", "--set", "archive.codec=none")
	try := func(what string, code output.Code, args ...string) {
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
	try("not found", output.ExitNotFound, "00000000-0000-4000-8000-000000000000", "out")
	try("refused", output.ExitRefused, id, "other.txt")
	if _, err := database.Admin(t).Exec(`UPDATE codex_body SET data = 'contenT'`); err != nil {
		t.Fatal(err)
	}
	try("corrupt", output.ExitIntegrity, id, "out")
	p.env = append(base[:len(base):len(base)], "CODEX_ARCHIVE_URL="+database.URLAs(database.User, "wrong"))
	try("wrong password", output.ExitBackend, id, "out")
	if _, err := os.Stat(filepath.Join(p.dir, "out")); err == nil {
		t.Error("an output is there")
	}
}
