package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// contents are the names and bytes of a directory's files.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range listDir(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(text)
	}
	return found
}

// A file of another application, or an archive with a trigger or a view, is
// refused in every mode and stays as it is, byte for byte.
func TestForeignFileIsLeftAlone(t *testing.T) {
	for _, c := range []struct{ name, journal, statements string }{
		{"tables", "DELETE", "CREATE TABLE customers (x); INSERT INTO customers VALUES (1)"},
		{"tables and a log", "WAL", "CREATE TABLE customers (x); INSERT INTO customers VALUES (1)"},
		{"a table of our prefix", "DELETE", "CREATE TABLE codex_item (x)"},
		{"a table of our name", "DELETE", "CREATE TABLE codex_archive_meta (x)"},
		{"a view", "DELETE", "CREATE VIEW codex_item AS SELECT 1 AS id"},
		{"a virtual table", "DELETE", "CREATE VIRTUAL TABLE codex_text USING fts5(x)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "app.db")
			if err := makeFile(path); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", dsn(path, map[string][]string{"mode": {"rwc"}, "_journal_mode": {c.journal}}))
			if err != nil {
				t.Fatal(err)
			}
			execute(t, db, c.statements)
			db.Close()
			refusedAndUnchanged(t, dir, path)
		})
	}
	for name, statement := range map[string]string{
		"trigger": "CREATE TRIGGER lose BEFORE INSERT ON codex_item BEGIN SELECT RAISE(IGNORE); END",
		"view":    "CREATE VIEW hidden AS SELECT * FROM codex_item",
	} {
		t.Run("an archive with a "+name, func(t *testing.T) {
			a := newArchive(t)
			a.put(newSample(10))
			a.Close()
			db := openRaw(t, a.path)
			execute(t, db, statement)
			db.Close()
			refusedAndUnchanged(t, filepath.Dir(a.path), a.path)
		})
	}
}

// Tables that were altered keep values in another way, or rows twice: they are
// read and not written.
func TestAlteredTables(t *testing.T) {
	a := newArchive(t)
	db := openRaw(t, a.path)
	sqltest.Objects(t, db, dialect())
	db.Close()
	made, err := schema.ReadFile("schema/0001_archive.sql")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, to string }{
		"collation":           {"name TEXT NOT NULL UNIQUE", "name TEXT COLLATE NOCASE NOT NULL UNIQUE"},
		"unique constraint":   {"tombstone    BLOB NOT NULL UNIQUE", "tombstone    BLOB NOT NULL"},
		"type":                {"data     BLOB NOT NULL", "data     ANY NOT NULL"},
		"null":                {"crc32c      INTEGER NOT NULL", "crc32c      INTEGER"},
		"strict":              {"data     BLOB NOT NULL\n) STRICT", "data     BLOB NOT NULL\n)"},
		"narrow unique index": {"WHERE event IS NOT NULL", "WHERE purged_at IS NULL"},
		"quotes":              {"CREATE TABLE codex_item (", `CREATE TABLE "codex_item" (`},
		"plain index":         {"CREATE INDEX codex_item_repo ON codex_item (repo, archived_at);\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(made), c.from, c.to, 1)
			if text == string(made) {
				t.Fatal("nothing was altered")
			}
			another := dialect()
			another.Schema.Files, another.Schema.Definitions = fstest.MapFS{"0001_archive.sql": {Data: []byte(text)}}, nil
			path, kept := filepath.Join(t.TempDir(), "a.db"), newSample(10)
			old := openArchive(t, path, another, sdk.Create)
			old.put(kept)
			old.Close()
			altered := openArchive(t, path, dialect(), sdk.ReadWrite)
			altered.holds(kept)
			it := sqltest.NewItem(10)
			_, err := altered.Put(t.Context(), func(yield func(sdk.Item, error) bool) { yield(it, nil) })
			if name != "quotes" && name != "plain index" {
				wantKind(t, err, sdk.PermissionDenied)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func refusedAndUnchanged(t *testing.T, dir, path string) {
	t.Helper()
	before := contents(t, dir)
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite, sdk.Create, sdk.Upgrade} {
		_, err := open(t.Context(), options(path, mode))
		wantKind(t, err, sdk.NoArchive)
		if after := contents(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("mode %d changed the file", mode)
		}
	}
}

// A log that a killed application left is not played back into its file.
func TestForeignLogIsLeftAlone(t *testing.T) {
	live, dir := t.TempDir(), t.TempDir()
	db, err := sql.Open("sqlite", dsn(filepath.Join(live, "app.db"), map[string][]string{"mode": {"rwc"}, "_journal_mode": {"WAL"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	execute(t, db, "CREATE TABLE customers (x)")
	for name, text := range contents(t, live) {
		if strings.HasSuffix(name, "-shm") {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "app.db")
	before := contents(t, dir)
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.Create} {
		_, err := open(t.Context(), options(path, mode))
		wantKind(t, err, sdk.NoArchive)
		after := contents(t, dir)
		if after["app.db"] != before["app.db"] || after["app.db-wal"] != before["app.db-wal"] {
			t.Errorf("mode %d changed the file or its log", mode)
		}
	}
}

// An archive has one log, whatever name it is opened by.
func TestSymlinkedArchive(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, target, from string }{
		{"directory", real, link},
		{"file", filepath.Join(real, "a.db"), filepath.Join(dir, "b.db")},
	} {
		if err := os.Symlink(c.target, c.from); err != nil {
			t.Fatal(err)
		}
	}
	through := openArchive(t, filepath.Join(link, "a.db"), dialect(), sdk.Create)
	s := newSample(10)
	through.put(s)
	for _, path := range []string{filepath.Join(dir, "b.db"), filepath.Join(link, "a.db"), filepath.Join(real, "a.db")} {
		a := openArchive(t, path, dialect(), sdk.ReadOnly)
		a.holds(s)
	}
	other := openArchive(t, filepath.Join(dir, "b.db"), dialect(), sdk.ReadWrite)
	other.put(newSample(10))
	for _, name := range listDir(t, dir) {
		if strings.HasPrefix(name, "b.db-") {
			t.Errorf("%s lies beside the link", name)
		}
	}
}

// A statement that changes many pages keeps its journal in memory.
func TestNoTemporaryFiles(t *testing.T) {
	a := newArchive(t)
	for range 30 {
		a.put(newSample(60_000))
	}
	for _, connect := range []string{writeDSN(a.path), readDSN(a.path), onlyReadDSN(a.path, true)} {
		var store int
		db, err := sql.Open("sqlite", connect)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow("PRAGMA temp_store").Scan(&store); err != nil || store != 2 {
			t.Errorf("temp_store is %d, %v; want 2, memory", store, err)
		}
		if err := db.QueryRow("PRAGMA trusted_schema").Scan(&store); err != nil || store != 0 {
			t.Errorf("trusted_schema is %d, %v; want 0", store, err)
		}
		db.Close()
	}
}
