package sqltest

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// foreignObjects has views, tables without a log and the like in an archive. It
// is read and not written.
func (s *Suite) foreignObjects(t *testing.T) { s.readAndNotWritten(t, s.Foreign) }

func (s *Suite) readAndNotWritten(t *testing.T, changes map[string][]string) {
	for name, statements := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := s.Database(t)
			items := contest.Small(2)
			MustPut(t, s.Open(t, d.URL(), sdk.Create), items[:1])
			Execute(t, d, statements...)
			archive := s.Open(t, d.URL(), sdk.ReadWrite)
			_, err := put(archive, items[1:])
			Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
			if err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not name %q", err, name)
			}
			if err := contest.Get(t.Context(), archive, items[:1]); err != nil {
				t.Errorf("Get: %v", err)
			}
		})
	}
}

// alteredTables has tables that are no longer as an archive makes them.
func (s *Suite) alteredTables(t *testing.T) {
	t.Run("made", func(t *testing.T) {
		t.Parallel()
		archive := s.archive(t)
		Objects(t, archive.Admin, s.Dialect)
	})
	t.Run("harmless", func(t *testing.T) {
		t.Parallel()
		d := s.Database(t)
		items := contest.Small(2)
		MustPut(t, s.Open(t, d.URL(), sdk.Create), items[:1])
		Execute(t, d, s.Harmless...)
		archive := s.Open(t, d.URL(), sdk.ReadWrite)
		MustPut(t, archive, items[1:])
		if err := contest.Get(t.Context(), archive, items); err != nil {
			t.Error(err)
		}
	})
	s.readAndNotWritten(t, s.Altered)
}

// Objects compares the tables of a new archive with what its dialect says of them.
func Objects(t *testing.T, db *sql.DB, d *sqlbackend.Dialect) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), d.Schema.Objects)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var made []string
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			t.Fatal(err)
		}
		made = append(made, name+"\t"+definition)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(made)
	if want := slices.Sorted(slices.Values(d.Schema.Definitions)); !slices.Equal(made, want) {
		t.Errorf("the tables of a new archive are\n%s\nand not\n%s", strings.Join(made, "\n"), strings.Join(want, "\n"))
	}
}

// HiddenTriggers has triggers that change what is written, and a user who may not
// see them. changes returns the statements that make one. Nothing that a trigger
// touched is acknowledged, and none of it is left.
func (s *Suite) HiddenTriggers(t *testing.T, d *databases.Database, url string, changes map[string]string) {
	for name, statement := range changes {
		t.Run(name, func(t *testing.T) {
			large, small := NewItem(100_000), NewItem(100)
			archive := &Archive{Backend: s.Open(t, url, sdk.ReadWrite), Admin: d.Admin(t)}
			for _, it := range []sdk.Item{large, small} {
				if _, err := archive.Put(t.Context(), one(it)); err != nil {
					t.Fatal(err)
				}
			}
			Execute(t, d, statement)
			t.Cleanup(func() { Execute(t, d, "DROP TRIGGER harm") })
			refused := 0
			for _, write := range archive.everyWrite(large.Record, small.Record) {
				before := archive.rows(t)
				err := write()
				if err == nil {
					continue
				}
				refused++
				Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
				if after := archive.rows(t); after != before {
					t.Errorf("a write that was refused left rows: %s, before %s", after, before)
				}
			}
			if refused == 0 {
				t.Error("every write was acknowledged")
			}
			checkAll(t, archive)
		})
	}
}

// checkAll reads every record and its content: none was changed.
func checkAll(t *testing.T, archive sdk.Backend) {
	t.Helper()
	var live []sdk.Tombstone
	for entry, err := range archive.List(context.Background(), sdk.Query{}) {
		if err != nil || entry.Err != nil {
			t.Fatal(err, entry.Err)
		}
		if entry.Record.Digest != entry.Record.ComputeDigest() {
			t.Errorf("%v was changed", entry.Record.Tombstone)
		}
		if entry.Record.PurgedAt.IsZero() {
			live = append(live, entry.Record.Tombstone)
		}
	}
	for got, err := range archive.Get(context.Background(), live) {
		if err != nil || got.Err != nil {
			t.Errorf("%v, %v", err, got.Err)
		}
	}
}
