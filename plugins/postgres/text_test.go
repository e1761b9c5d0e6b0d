package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// TestEncodings stores text through a role and a database whose clients have
// another encoding by default.
func TestEncodings(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "EUC_JP", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			d := databases.Postgres(t)
			sqltest.Execute(t, d,
				fmt.Sprintf("ALTER ROLE %s SET client_encoding = '%s'", d.User, encoding),
				fmt.Sprintf("ALTER DATABASE %s SET client_encoding = '%s'", d.Name, encoding))
			suite().TextArrives(t, d, d.URL()+"?client_encoding="+encoding)
		})
	}
}

// TestDatabaseOfAnotherEncoding refuses to make an archive where not all text can
// be stored, and makes nothing.
func TestDatabaseOfAnotherEncoding(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "EUC_JP", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			d := databases.Postgres(t)
			name := strings.ToLower("e_" + encoding + "_" + d.Name)
			sqltest.Execute(t, d, fmt.Sprintf("CREATE DATABASE %s OWNER %s ENCODING '%s' LOCALE 'C' TEMPLATE template0", name, d.User, encoding))
			t.Cleanup(func() { sqltest.Execute(t, d, "DROP DATABASE "+name+" WITH (FORCE)") })
			url := strings.TrimSuffix(d.URL(), d.Name) + name
			_, err := open(t.Context(), sdk.Options{URL: url, Mode: sdk.Create})
			sqltest.Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
			if !strings.Contains(fmt.Sprint(err), encoding) || !strings.Contains(fmt.Sprint(err), name) {
				t.Errorf("%v does not name database and encoding", err)
			}
			db, err := suite().Dial(t, sdk.Options{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			var tables int
			if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables); err != nil || tables != 0 {
				t.Errorf("%d tables were made, %v", tables, err)
			}
		})
	}
}

// TestDurable says what the server does with what it acknowledges.
func TestDurable(t *testing.T) {
	t.Parallel()
	for setting, durable := range map[string]bool{"fsync=on": true, "fsync=off": false} {
		server := databases.NewPostgres(t, setting)
		h, err := suite().Open(t, server.Database(t).URL(), sdk.Create).Health(t.Context())
		if err != nil || h.Durable != durable || durable != (h.NotDurable == "") {
			t.Errorf("%s: durable %v (%s), %v", setting, h.Durable, h.NotDurable, err)
		}
	}
}
