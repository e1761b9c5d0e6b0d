package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// pooler is a PgBouncer in transaction mode, with few connections of its own, in
// front of a database.
type pooler struct {
	d       *databases.Database
	address string
}

// newPooler starts a PgBouncer until the test ends.
func newPooler(t *testing.T, d *databases.Database) *pooler {
	t.Helper()
	program, err := findPooler()
	if err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("CODEX_TEST_REQUIRE_DATABASES") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	host, port, err := net.SplitHostPort(d.Server().Address())
	if err != nil {
		t.Fatal(err)
	}
	address := sqltest.ClosedPort(t)
	_, listen, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "codex-pooler-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"users": fmt.Sprintf("%q %q\n", d.User, d.Password),
		"ini": fmt.Sprintf("[databases]\n%s = host=%s port=%s dbname=%s user=%s password='%s'\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\n"+
			"unix_socket_dir =\nauth_type = plain\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = 2\nserver_tls_sslmode = disable\n",
			d.Name, host, port, d.Name, d.User, strings.ReplaceAll(d.Password, "'", "''"), listen, filepath.Join(dir, "users")),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{filepath.Join(dir, "ini")}
	if os.Geteuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Log(log.String())
		}
	})
	p := &pooler{d, address}
	db := p.direct(t)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := db.PingContext(t.Context())
		if err == nil {
			return p
		}
		if time.Now().After(end) {
			t.Fatalf("%v\n%s", err, log.String())
		}
	}
}

func findPooler() (string, error) {
	for _, path := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("PgBouncer: not installed (scripts/databases/install.sh installs it)")
}

func (p *pooler) url() string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(p.d.User, p.d.Password), Host: p.address, Path: "/" + p.d.Name}
	return u.String()
}

// direct is another application behind the same pooler, which asks in the plain
// way.
func (p *pooler) direct(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", p.url()+"?default_query_exec_mode=simple_protocol&sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestPooler runs rules of the contract that need many transactions behind a
// pooler that gives each another of its connections.
func TestPooler(t *testing.T) {
	t.Parallel()
	target := suite().Target(t, open)
	target.URL = func() string { return newPooler(t, databases.Postgres(t)).url() }
	target.Damage = nil
	report, err := backendtest.RunRules(t.Context(), target, backendtest.Options{Run: func(id string) bool {
		return strings.HasPrefix(id, "PUT-0") || strings.HasPrefix(id, "GET-0") || strings.HasPrefix(id, "PURGE-0")
	}})
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for _, r := range report.Results {
		switch r.Status {
		case backendtest.Failed:
			t.Errorf("%s: %s", r.ID, r.Why)
		case backendtest.Passed:
			passed++
		}
	}
	if passed < 10 {
		t.Errorf("%d rules were run", passed)
	}
}

// TestPoolerIsLeftAsItWas uses an archive in every mode, and then the pooler's
// connections for another application: they are as it expects, and can write.
func TestPoolerIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	p := newPooler(t, databases.Postgres(t))
	other := p.direct(t)
	if _, err := other.ExecContext(t.Context(), "CREATE TABLE orders (n int)"); err != nil {
		t.Fatal(err)
	}
	before := p.settings(t, other)
	items := contest.Small(20)
	for i, mode := range []sdk.Mode{sdk.Create, sdk.ReadOnly, sdk.ReadWrite, sdk.ReadOnly, sdk.Upgrade} {
		archive := suite().Open(t, p.url()+"?search_path=public", mode)
		if mode != sdk.ReadOnly {
			sqltest.MustPut(t, archive, items[i:i+1])
		}
		for entry, err := range archive.List(t.Context(), sdk.Query{WithEvents: true, WithHolds: true}) {
			if err != nil || entry.Err != nil {
				t.Fatal(err, entry.Err)
			}
		}
		if _, err := archive.Health(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := other.ExecContext(t.Context(), "INSERT INTO orders VALUES (1)"); err != nil {
			t.Errorf("after mode %d another application cannot write: %v", mode, err)
		}
		if after := p.settings(t, other); after != before {
			t.Errorf("after mode %d the connections have settings\n%s\nbefore\n%s", mode, after, before)
		}
	}
}

// settings are what the pooler's connections have: settings, locks and prepared
// statements.
func (p *pooler) settings(t *testing.T, db *sql.DB) string {
	t.Helper()
	var text string
	err := db.QueryRowContext(t.Context(), `SELECT coalesce((SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings
		WHERE source = 'session' AND name <> 'application_name'), '') || ' locks ' || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
		|| ' statements ' || (SELECT count(*) FROM pg_prepared_statements)`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
