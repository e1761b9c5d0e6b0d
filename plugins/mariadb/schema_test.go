package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// TestInterruptedSchema begins after each statement at which a program may have
// been killed, before or after it recorded that statement.
func TestInterruptedSchema(t *testing.T) {
	t.Parallel()
	text, err := schema.ReadFile("schema/0001_tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	statements := strings.SplitAfter(string(text), ";\n")
	statements = statements[:len(statements)-1] // nothing follows the last
	for done := 1; done <= len(statements); done++ {
		t.Run(fmt.Sprint(done), func(t *testing.T) {
			t.Parallel()
			d := databases.MariaDB(t)
			admin := d.Admin(t)
			exec := func(statement string) {
				t.Helper()
				if _, err := admin.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range statements[:done] {
				exec(s)
			}
			if noted := done - 1; noted > 0 {
				exec(fmt.Sprintf("INSERT INTO codex_archive_meta (id, archive, schema_version, schema_step, created_at) VALUES (1, 'sixteen bytes it', 0, %d, 0)", noted))
			}
			_, err := open(t.Context(), sdk.Options{URL: d.URL(), Mode: sdk.ReadWrite})
			sqltest.Failed(t, err, sdk.NoArchive, false, sdk.EffectNone)
			archive := suite().Open(t, d.URL(), sdk.Create)
			sqltest.MustPut(t, archive, contest.Small(3))
			sqltest.Retrievable(t, archive, 3)
		})
	}
}
