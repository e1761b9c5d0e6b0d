package main

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// The bare driver runs the engine's statements with as many rows each, reads
// every column into a variable of its type and checks the bodies. It is pgx
// itself, and pgx below database/sql, as the engine has it.

const (
	putRows = 100 // of one INSERT
	getRows = 32  // records of one SELECT
)

func fresh(b *testing.B) sdk.Options { return sdk.Options{URL: databases.Postgres(b).URL()} }

func bareConn(b *testing.B, url string) *pgx.Conn {
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// sqlConn returns a connection, and what it came from to be closed.
func sqlConn(b *testing.B, url string) (*sql.Conn, *sql.DB) {
	c, err := connect(b.Context(), sdk.Options{URL: url, Mode: sdk.ReadWrite})
	if err != nil {
		b.Fatal(err)
	}
	db := sql.OpenDB(c.Write)
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return conn, db
}

func BenchmarkPut(b *testing.B) {
	items := contest.Small(contest.Items)
	options := func() sdk.Options { return fresh(b) }
	// tables makes the tables, and the name that all records of the bare driver
	// have.
	tables := func() (*sql.Conn, *sql.DB, string) {
		o := fresh(b)
		if err := contest.Open(open).Archive(b, o).Close(); err != nil {
			b.Fatal(err)
		}
		conn, db := sqlConn(b, o.URL)
		if _, err := conn.ExecContext(b.Context(), "INSERT INTO codex_name (name) VALUES ('a')"); err != nil {
			b.Fatal(err)
		}
		return conn, db, o.URL
	}
	var native *pgx.Conn
	var std *sql.Conn
	var db *sql.DB
	contest.Run(b, contest.Items,
		contest.Open(open).Putting(b, "engine", items, options),
		contest.Process(sqltest.Program(b)).Putting(b, "process", items, options),
		contest.Contestant{Name: "sql",
			Prepare: func() error { std, db, _ = tables(); return nil },
			Round:   func() error { return sqlPut(b.Context(), std, items) },
			Done:    func() error { return errors.Join(std.Close(), db.Close()) },
		},
		contest.Contestant{Name: "pgx",
			Prepare: func() error {
				var url string
				std, db, url = tables()
				native = bareConn(b, url)
				return errors.Join(std.Close(), db.Close())
			},
			Round: func() error { return nativePut(b.Context(), native, items) },
			Done:  func() error { return native.Close(b.Context()) },
		})
}

func BenchmarkGet(b *testing.B) {
	items := contest.Small(contest.Items)
	o := fresh(b)
	contest.Open(open).Fill(b, o, items)
	native := bareConn(b, o.URL)
	defer native.Close(b.Context())
	std, db := sqlConn(b, o.URL)
	defer db.Close()
	defer std.Close()
	stmt, err := std.PrepareContext(b.Context(), bareSelect)
	if err != nil {
		b.Fatal(err)
	}
	contest.Run(b, contest.Items,
		contest.Open(open).Getting(b, "engine", items, o),
		contest.Process(sqltest.Program(b)).Getting(b, "process", items, o),
		contest.Contestant{Name: "sql", Round: func() error { return sqlGet(b.Context(), stmt, items) }},
		contest.Contestant{Name: "pgx", Round: func() error { return nativeGet(b.Context(), native, items) }},
	)
}

const (
	bareArtifacts = `INSERT INTO codex_artifact (sha256, size, codec, stored_size, crc32c, stored_sha256, present)
		SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bigint[])
		ON CONFLICT DO NOTHING RETURNING id, sha256`
	bareBodies = "INSERT INTO codex_body (artifact, data) SELECT * FROM unnest($1::bigint[], $2::bytea[])"
	bareItems  = `INSERT INTO codex_item (tombstone, event, artifact, origin, repo, actor, directory, name, file_mode, file_mtime, archived_at, retain_until, digest, git_blob)
		SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[],
			$9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bytea[], $14::bytea[])`
	bareSelect = contest.ServerSelect + "= ANY($1)"
)

// each makes an array of one value of each item.
func each[T any](items []contest.Item, value func(*contest.Item) T) []T {
	out := make([]T, len(items))
	for i := range items {
		out[i] = value(&items[i])
	}
	return out
}

func artifactArgs(items []contest.Item) []any {
	return []any{
		each(items, func(i *contest.Item) []byte { return i.Record.Content.SHA256[:] }),
		each(items, func(i *contest.Item) int64 { return i.Record.Content.Size }),
		each(items, func(i *contest.Item) string { return string(i.Record.Content.Codec) }),
		each(items, func(i *contest.Item) int64 { return i.Record.Content.StoredSize }),
		each(items, func(i *contest.Item) int64 { return int64(i.Record.Content.CRC32C) }),
		each(items, func(i *contest.Item) []byte { return i.Record.Content.StoredSHA256[:] }),
		each(items, func(i *contest.Item) int64 { return 1 }),
	}
}

func bodyArgs(items []contest.Item, keys map[sdk.Digest]int64) []any {
	return []any{
		each(items, func(i *contest.Item) int64 { return keys[i.Record.Content.SHA256] }),
		each(items, func(i *contest.Item) []byte { return i.Body }),
	}
}

func itemArgs(items []contest.Item, keys map[sdk.Digest]int64) []any {
	one := each(items, func(*contest.Item) int64 { return 1 })
	return []any{
		each(items, func(i *contest.Item) []byte { return i.Record.Tombstone[:] }),
		each(items, func(i *contest.Item) []byte { return i.Record.Event[:] }),
		each(items, func(i *contest.Item) int64 { return keys[i.Record.Content.SHA256] }),
		one, one, one, one,
		each(items, func(i *contest.Item) []byte { return []byte(i.Record.Path) }),
		each(items, func(i *contest.Item) int64 { return int64(i.Record.Mode) }),
		each(items, func(i *contest.Item) int64 { return i.Record.ModTime.UnixMicro() }),
		each(items, func(i *contest.Item) int64 { return i.Record.ArchivedAt.UnixMicro() }),
		each(items, func(i *contest.Item) *int64 { return nil }),
		each(items, func(i *contest.Item) []byte { return i.Record.Digest[:] }),
		each(items, func(i *contest.Item) []byte { return []byte{} }),
	}
}

// nativePut is three inserts from arrays for every hundred items, in one
// transaction for each group, and nothing else.
func nativePut(ctx context.Context, conn *pgx.Conn, items []contest.Item) error {
	for group := range slices.Chunk(items, sdk.MaxItems) {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(group, putRows) {
			if err := nativeInsert(ctx, tx, some); err != nil {
				return err
			}
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

func nativeInsert(ctx context.Context, tx pgx.Tx, items []contest.Item) error {
	rows, err := tx.Query(ctx, bareArtifacts, artifactArgs(items)...)
	if err != nil {
		return err
	}
	keys := map[sdk.Digest]int64{}
	var key int64
	var sum []byte
	if _, err := pgx.ForEachRow(rows, []any{&key, &sum}, func() error { keys[sdk.Digest(sum)] = key; return nil }); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, bareBodies, bodyArgs(items, keys)...); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, bareItems, itemArgs(items, keys)...)
	return err
}

// sqlPut is nativePut through database/sql, with prepared statements.
func sqlPut(ctx context.Context, conn *sql.Conn, items []contest.Item) error {
	var stmts [3]*sql.Stmt
	for i, text := range []string{bareArtifacts, bareBodies, bareItems} {
		stmt, err := conn.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer stmt.Close()
		stmts[i] = stmt
	}
	for group := range slices.Chunk(items, sdk.MaxItems) {
		if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
			return err
		}
		for some := range slices.Chunk(group, putRows) {
			if err := sqlInsert(ctx, stmts, some); err != nil {
				return err
			}
		}
		if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	return nil
}

func sqlInsert(ctx context.Context, stmts [3]*sql.Stmt, items []contest.Item) error {
	keys, err := contest.Keys(stmts[0].QueryContext(ctx, artifactArgs(items)...))
	if err != nil {
		return err
	}
	if _, err := stmts[1].ExecContext(ctx, bodyArgs(items, keys)...); err != nil {
		return err
	}
	_, err = stmts[2].ExecContext(ctx, itemArgs(items, keys)...)
	return err
}

// nativeGet selects the same columns, as many records a statement.
func nativeGet(ctx context.Context, conn *pgx.Conn, items []contest.Item) error {
	count := 0
	var r contest.Row[pgtype.DriverBytes, pgtype.Int8]
	into := r.Into()
	for some := range slices.Chunk(items, getRows) {
		rows, err := conn.Query(ctx, bareSelect, each(some, func(i *contest.Item) []byte { return i.Record.Tombstone[:] }))
		if err != nil {
			return err
		}
		if _, err := pgx.ForEachRow(rows, into, func() error { count++; return r.Check() }); err != nil {
			return err
		}
	}
	return contest.Complete(count, items)
}

// sqlGet is nativeGet through database/sql.
func sqlGet(ctx context.Context, stmt *sql.Stmt, items []contest.Item) error {
	count := 0
	var r contest.SQLRow
	read := contest.Read(r.Into(), r.Check)
	for some := range slices.Chunk(items, getRows) {
		n, err := read(stmt.QueryContext(ctx, each(some, func(i *contest.Item) []byte { return i.Record.Tombstone[:] })))
		if err != nil {
			return err
		}
		count += n
	}
	return contest.Complete(count, items)
}
