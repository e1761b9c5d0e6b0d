package main

import (
	"context"
	"database/sql"
	"os"
	"slices"

	"modernc.org/sqlite"

	"github.com/codex-archive/codex/sdk"
)

// checkTables refuses a file that belongs to another application, and an archive
// in which a trigger or a view decides what is stored or read. It does not change
// the file: opening it for writing would.
func checkTables(ctx context.Context, path string, writable bool) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return err
	}
	connector, err := sqlite.NewConnector(onlyReadDSN(path, writable))
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }() // it was only read
	conn, err := db.Conn(ctx)         // the pool would open the file again for the second query
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it was only read
	objects, err := readObjects(ctx, conn)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.kind != "table" {
			return sdk.Errorf(sdk.NoArchive, "%s has a %s %q, which could change or hide what is stored; no archive has any", path, o.kind, o.name)
		}
	}
	if len(objects) == 0 || slices.ContainsFunc(objects, func(o object) bool { return o.name == metaTable }) {
		return checkMeta(ctx, conn, path, len(objects) > 0)
	}
	return sdk.Errorf(sdk.NoArchive, "%s has a table %s and no archive: it belongs to something else; use another database", path, objects[0].name)
}

const metaTable = "codex_archive_meta"

// object is a table, a view or a trigger.
type object struct{ kind, name string }

// readObjects leaves out what SQLite makes for itself.
func readObjects(ctx context.Context, db *sql.Conn) (objects []object, err error) {
	rows, err := db.QueryContext(ctx, "SELECT type, name FROM sqlite_schema WHERE type <> 'index' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.kind, &o.name); err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, rows.Err()
}

// checkMeta refuses a table that has only the name of ours.
func checkMeta(ctx context.Context, db *sql.Conn, path string, exists bool) error {
	if !exists {
		return nil
	}
	ours := false
	err := db.QueryRowContext(ctx, "SELECT count(*) > 0 FROM pragma_table_info('"+metaTable+"') WHERE name = 'archive'").Scan(&ours)
	if err == nil && !ours {
		err = sdk.Errorf(sdk.NoArchive, "%s has a table %s that no archive has: it belongs to something else; use another database", path, metaTable)
	}
	return err
}
