//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
)

// serverCase is a server that will not serve, and what people are told of it.
type serverCase struct {
	name  string
	kind  sdk.Kind
	words []string // of the message
	url   string
	// ruin brings the server into this state and returns what repairs it.
	ruin func(t *testing.T) (repair func())
}

// TestServersThatWillNotServe runs every command that asks a database against
// servers that are stopped, full up, somewhere else, or do not know the user:
// one clear line on stderr that names the place, a hint, exit code 6, the right
// kind, and the password nowhere.
func TestServersThatWillNotServe(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *databases.Server{
		"postgres": databases.NewPostgres, "mariadb": databases.NewMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, "max_connections=12")
			d := server.Database(t)
			p := newProject(t)
			base := p.env
			use := func(url string) {
				p.env = append(base[:len(base):len(base)], "CODEX_ARCHIVE_URL="+url, "CODEX_ARCHIVE_LOG_FILE=.codex/archive.log")
			}
			use(d.URL())
			p.write("a.txt", []byte("a"))
			id := p.store("a.txt")
			for _, c := range serverCases(t, name, d) {
				t.Run(c.name, func(t *testing.T) {
					use(c.url)
					defer c.ruin(t)()
					p.allFail(t, id, c, secretOf(d))
				})
			}
			use(d.URL())
			p.must("archive", "restore", id, "back.txt")
			p.secretFree(t, secretOf(d))
		})
	}
}

func serverCases(t *testing.T, product string, d *databases.Database) []serverCase {
	address := d.Server().Address()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(*testing.T) func() { return func() {} }
	cases := []serverCase{
		{"wrong password", sdk.Unauthenticated, []string{d.Name, address, d.User}, d.URLAs(d.User, "not"+d.Password), nothing},
		{"no password", sdk.Unauthenticated, []string{address, d.User, "assword"}, d.URLAs(d.User, ""), nothing},
		{"no such user", sdk.Unauthenticated, []string{address, "nobody"}, d.URLAs("nobody", d.Password), nothing},
		{"unknown host", sdk.Unavailable, []string{"unknown host host.invalid"}, strings.Replace(d.URL(), "127.0.0.1:"+port, "host.invalid:"+port, 1), nothing},
		{"no listener", sdk.Unavailable, []string{"connection refused"}, strings.Replace(d.URL(), address, closedPort(t), 1), nothing},
		{"out of connections", sdk.Busy, []string{address, "connection"}, d.URL(), func(t *testing.T) func() { return occupy(t, d) }},
		{"stopped", sdk.Unavailable, []string{address, "connection refused"}, d.URL(), func(t *testing.T) func() {
			d.Server().Stop(t)
			return func() { d.Server().Start(t) }
		}},
	}
	missing := serverCase{"missing database", sdk.NoArchive, []string{`"missing" does not exist`, "CREATE DATABASE"}, strings.TrimSuffix(d.URL(), d.Name) + "missing", nothing}
	if product == "mariadb" { // which does not tell strangers what there is
		missing.kind, missing.words = sdk.PermissionDenied, []string{"'missing'", "the database is not there, or this user has no right to it"}
	}
	return append(cases, missing)
}

// occupy takes every connection that the server has, those for superusers too.
func occupy(t *testing.T, d *databases.Database) (leave func()) {
	t.Helper()
	admin := d.Admin(t)
	for {
		if _, err := admin.Conn(t.Context()); err != nil {
			break // there are no more
		}
	}
	return func() { admin.Close() }
}

// allFail runs all commands, by turns with output for people and for programs.
func (p *project) allFail(t *testing.T, id string, c serverCase, secret string) {
	t.Helper()
	p.write("manifest.json", fmt.Appendf(nil, `{"items": [{"tombstone": %q, "output": "x/one"}]}`, id))
	for i, args := range [][]string{
		{"store", "repo", "a.txt", "--reason", "dead"}, {"restore", id, "x/out"}, {"list"}, {"health-check"}, {"show", id},
		{"batch-restore", "manifest.json"}, {"init"},
	} {
		args = append([]string{"archive"}, args...)
		document := i%2 == 1
		if document {
			args = append(args, "--json", "--log-format", "json")
		}
		r := p.run(args...)
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("codex %v prints the password:\n%s%s", args, r.stdout, r.stderr)
		}
		if r.code != output.ExitBackend {
			t.Errorf("codex %v: exit code %d\n%s", args, r.code, r.stderr)
			continue
		}
		if n := strings.Count(r.stderr, "\n"); n > 2 || strings.Contains(r.stderr, "goroutine") {
			t.Errorf("codex %v says %d lines:\n%s", args, n, r.stderr)
		}
		said := r.stderr
		if args[1] == "batch-restore" {
			said = r.stdout // the reasons are printed with the progress
		}
		for _, word := range c.words {
			if quoted, _ := json.Marshal(word); !strings.Contains(said, word) && !strings.Contains(said, strings.Trim(string(quoted), `"`)) {
				t.Errorf("codex %v does not say %q:\n%s", args, word, said)
			}
		}
		if !strings.Contains(r.stderr, "hint") {
			t.Errorf("codex %v has no hint:\n%s", args, r.stderr)
		}
		if document && args[1] != "batch-restore" && !strings.Contains(r.stdout, fmt.Sprintf(`{"error":{"code":6,"kind":%q`, c.kind)) {
			t.Errorf("codex %v prints %s", args, r.stdout)
		}
	}
	if _, err := os.Stat(filepath.Join(p.dir, "x", "out")); err == nil {
		t.Error("an output is there")
	}
}

// secretOf returns the random end of a password, which is in every form of
// it, percent-encoded or not.
func secretOf(d *databases.Database) string { return d.Password[len(d.Password)-16:] }

// everyDatabase returns for each database a function that makes one and returns
// its URL, or "" for the project's own.
func everyDatabase(url func(*databases.Database) string) map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": func(t *testing.T) string { return url(databases.Postgres(t)) },
		"mariadb":  func(t *testing.T) string { return url(databases.MariaDB(t)) },
	}
}

// newProjectOn makes a project that uses the archive at url; "" is its own.
func newProjectOn(t *testing.T, url string) *project {
	t.Helper()
	p := newProject(t)
	if url != "" {
		p.env = append(p.env, "CODEX_ARCHIVE_URL="+url)
	}
	return p
}

// secretFree looks for a password in everything that lies in the project.
func (p *project) secretFree(t *testing.T, secret string) {
	t.Helper()
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if content, err := os.ReadFile(path); err != nil || strings.Contains(string(content), secret) {
			t.Errorf("%s holds the password (%v)", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestServerThatOnlyReads: what reads succeeds, with a WARN where a restore is
// not entered, and what writes is told why not.
func TestServerThatOnlyReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		start func(testing.TB, ...string) *databases.Server
		make  func(d *databases.Database) string
	}{
		"postgres": {databases.NewPostgres, func(d *databases.Database) string {
			return "ALTER ROLE " + d.User + " SET default_transaction_read_only = on"
		}},
		"mariadb": {databases.NewMariaDB, func(*databases.Database) string { return "SET GLOBAL read_only = 1" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := c.start(t).Database(t)
			p := newProjectOn(t, d.URL())
			p.write("a.txt", []byte("a"))
			id := p.store("a.txt")
			if _, err := d.Admin(t).ExecContext(t.Context(), c.make(d)); err != nil {
				t.Fatal(err)
			}
			p.must("archive", "list")
			if out := p.must("archive", "health-check"); !strings.Contains(out, "Writable: no") {
				t.Error(out)
			}
			r := p.run("archive", "restore", id, "out")
			if r.code != 0 || strings.Count(r.stderr, " WARN ") != 1 || string(p.read("out")) != "a" {
				t.Errorf("restore: exit code %d\n%s", r.code, r.stderr)
			}
			r = p.run("archive", "store", "repo", "a.txt", "--reason", "dead")
			if r.code != output.ExitBackend || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "read") {
				t.Errorf("store: exit code %d\n%s", r.code, r.stderr)
			}
			if records := p.evidence(); count(records, "action=RESTORE", "status=success", "db_event=skipped") != 1 ||
				count(records, "action=ARCHIVE_FAIL") != 1 {
				t.Errorf("evidence: %v", records)
			}
			p.secretFree(t, secretOf(d))
		})
	}
}

// TestServerThatMayLose: that MariaDB does not write what it acknowledges is
// said by each command that writes; of either server health-check says it.
func TestServerThatMayLose(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		start   func(testing.TB, ...string) *databases.Server
		setting string
		warns   int
	}{
		"postgres": {databases.NewPostgres, "fsync=off", 0},
		"mariadb":  {databases.NewMariaDB, "innodb_flush_log_at_trx_commit=2", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProjectOn(t, c.start(t, c.setting).Database(t).URL())
			p.write("a.txt", []byte("a"))
			p.must("archive", "init")
			r := p.run("archive", "store", "repo", "a.txt", "--reason", "dead")
			if r.code != 0 || strings.Count(r.stderr, " WARN what is stored may be lost") != c.warns {
				t.Errorf("store: exit code %d\n%s", r.code, r.stderr)
			}
			id := p.field(r.stdout, "tombstone")
			r = p.run("archive", "restore", id, "out")
			if r.code != 0 || strings.Count(r.stderr, " WARN what is stored may be lost") != c.warns {
				t.Errorf("restore: exit code %d\n%s", r.code, r.stderr)
			}
			name, _, _ := strings.Cut(c.setting, "=")
			if out := p.must("archive", "health-check"); !strings.Contains(out, "\nDurable: no (the server has "+name) {
				t.Error(out)
			}
		})
	}
}

// TestSlowCommitIsSaid: a command whose COMMIT waits says what for, and ends well
// when that is over.
func TestSlowCommitIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server     func(t *testing.T) *databases.Server
		block, end []string
		says       string
	}{
		"postgres": {
			func(t *testing.T) *databases.Server { return databases.NewPostgres(t, databases.Replicable...) },
			[]string{"ALTER SYSTEM SET synchronous_standby_names = 'absent'", "SELECT pg_reload_conf()"},
			[]string{"ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"},
			"synchronous standby",
		},
		"mariadb": {
			func(t *testing.T) *databases.Server { return databases.NewMariaDB(t) },
			[]string{"BACKUP STAGE START", "BACKUP STAGE FLUSH", "BACKUP STAGE BLOCK_DDL", "BACKUP STAGE BLOCK_COMMIT"},
			[]string{"BACKUP STAGE END"},
			"a backup that blocks commits",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := c.server(t).Database(t)
			p := newProjectOn(t, d.URL())
			p.write("a.txt", []byte("a"))
			p.must("archive", "init")
			admin, err := d.Admin(t).Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer admin.Close()
			execute := func(statements []string) {
				for _, statement := range statements {
					if _, err := admin.ExecContext(t.Context(), statement); err != nil {
						t.Errorf("%s: %v", statement, err)
					}
				}
			}
			execute(c.block)
			end := sync.OnceFunc(func() { execute(c.end) })
			defer end() // whatever happens, or the database cannot be dropped
			cmd := p.command("archive", "store", "repo", "a.txt", "--reason", "dead")
			var said strings.Builder
			cmd.Stderr = writerFunc(func(b []byte) (int, error) {
				said.Write(b)
				if strings.Contains(string(b), "the commit is taking long") {
					end()
				}
				return len(b), nil
			})
			if err := cmd.Run(); err != nil || !strings.Contains(said.String(), c.says) {
				t.Errorf("%v: %s", err, said.String())
			}
			if n := count(p.evidence(), "action=ARCHIVE", "status=success"); n != 1 {
				t.Errorf("%d stores", n)
			}
		})
	}
}
