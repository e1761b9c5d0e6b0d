package main

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// direct is another application behind the same pooler, which asks in the plain
// way.
func direct(t *testing.T, p *databases.Pooler) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", p.URL()+"?default_query_exec_mode=simple_protocol&sslmode=disable")
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
	target.URL = func() string { return databases.Postgres(t).NewPooler(t).URL() }
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
	p := databases.Postgres(t).NewPooler(t)
	other := direct(t, p)
	if _, err := other.ExecContext(t.Context(), "CREATE TABLE orders (n int)"); err != nil {
		t.Fatal(err)
	}
	before := settings(t, other)
	items := contest.Small(20)
	for i, mode := range []sdk.Mode{sdk.Create, sdk.ReadOnly, sdk.ReadWrite, sdk.ReadOnly, sdk.Upgrade} {
		archive := suite().Open(t, p.URL()+"?search_path=public", mode)
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
		if after := settings(t, other); after != before {
			t.Errorf("after mode %d the connections have settings\n%s\nbefore\n%s", mode, after, before)
		}
	}
}

// settings are what the pooler's connections have: settings, locks and prepared
// statements.
func settings(t *testing.T, db *sql.DB) string {
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
