package main

import (
	"fmt"
	"testing"

	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// tampered is an archive whose file a test changes behind its back.
func tampered(t *testing.T) *sqltest.Archive {
	t.Helper()
	a := newArchive(t)
	db := a.raw()
	db.SetMaxOpenConns(1) // the pragma is the connection's
	execute(t, db, "PRAGMA foreign_keys = OFF")
	return &sqltest.Archive{
		Backend: a.Backend, Admin: db,
		Cut:  "CAST(substr(data, 1, length(data) - 1) AS BLOB)",
		Zero: "zeroblob(length(data))",
	}
}

func TestDamage(t *testing.T) { sqltest.Damage(t, tampered) }

func TestWrongSize(t *testing.T) { sqltest.WrongSize(t, tampered) }

func TestUnreadableRows(t *testing.T) { sqltest.UnreadableRows(t, tampered) }

func TestInspection(t *testing.T) { sqltest.Inspection(t, tampered) }

func TestMissingBodies(t *testing.T) { sqltest.MissingBodies(t, tampered, true) }

// Triggers that come while the archive is open.
func TestDiscardedRows(t *testing.T) {
	sqltest.DiscardedRows(t, tampered, func(event, table string) []string {
		return []string{fmt.Sprintf("CREATE TRIGGER lose BEFORE %s ON %s BEGIN SELECT RAISE(IGNORE); END", event, table)}
	})
}
