package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

func benchArchive(b *testing.B, url string, open func(context.Context, sdk.Options) (sdk.Backend, error)) sdk.Backend {
	archive, err := open(b.Context(), sdk.Options{URL: url, Mode: sdk.Create, Parallel: 5})
	if err != nil {
		b.Fatal(err)
	}
	return archive
}

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
	through := func(name string, open func(context.Context, sdk.Options) (sdk.Backend, error)) contest.Contestant {
		var archive sdk.Backend
		return contest.Contestant{Name: name,
			Prepare: func() error { archive = benchArchive(b, databases.Postgres(b).URL(), open); return nil },
			Round:   func() error { return contest.Put(b.Context(), archive, items) },
			Done:    func() error { return archive.Close() },
		}
	}
	// fresh makes the tables, and the name that all records of the bare driver
	// have.
	fresh := func() (*sql.Conn, *sql.DB, string) {
		url := databases.Postgres(b).URL()
		if err := benchArchive(b, url, open).Close(); err != nil {
			b.Fatal(err)
		}
		conn, db := sqlConn(b, url)
		if _, err := conn.ExecContext(b.Context(), "INSERT INTO codex_name (name) VALUES ('a')"); err != nil {
			b.Fatal(err)
		}
		return conn, db, url
	}
	var native *pgx.Conn
	var std *sql.Conn
	var db *sql.DB
	contest.Run(b, contest.Items, through("engine", open), through("process", contest.Process(sqltest.Program(b))),
		contest.Contestant{Name: "sql",
			Prepare: func() error { std, db, _ = fresh(); return nil },
			Round:   func() error { return sqlPut(b.Context(), std, items) },
			Done:    func() error { return errors.Join(std.Close(), db.Close()) },
		},
		contest.Contestant{Name: "pgx",
			Prepare: func() error {
				var url string
				std, db, url = fresh()
				native = bareConn(b, url)
				return errors.Join(std.Close(), db.Close())
			},
			Round: func() error { return nativePut(b.Context(), native, items) },
			Done:  func() error { return native.Close(b.Context()) },
		})
}

func BenchmarkGet(b *testing.B) {
	items := contest.Small(contest.Items)
	url := databases.Postgres(b).URL()
	archive := benchArchive(b, url, open)
	if err := contest.Put(b.Context(), archive, items); err != nil {
		b.Fatal(err)
	}
	defer archive.Close()
	process := benchArchive(b, url, contest.Process(sqltest.Program(b)))
	defer process.Close()
	native := bareConn(b, url)
	defer native.Close(b.Context())
	std, db := sqlConn(b, url)
	defer db.Close()
	defer std.Close()
	stmt, err := std.PrepareContext(b.Context(), bareSelect)
	if err != nil {
		b.Fatal(err)
	}
	contest.Run(b, contest.Items,
		contest.Contestant{Name: "engine", Round: func() error { return contest.Get(b.Context(), archive, items) }},
		contest.Contestant{Name: "process", Round: func() error { return contest.Get(b.Context(), process, items) }},
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
	bareSelect = `SELECT i.id, i.tombstone, i.event, p.path, i.name, i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at, i.digest, i.git_blob,
		o.set_id, o.note, o.tags, o.metadata, o.file_type, o.work_state, o.host, r.name, v.name, n.name, k.name, w.name,
		a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.stored_sha256, a.present, u.id, d.artifact, d.data
		FROM codex_item i LEFT JOIN codex_artifact a ON a.id = i.artifact
		LEFT JOIN codex_directory p ON p.id = i.directory LEFT JOIN codex_origin o ON o.id = i.origin
		LEFT JOIN codex_name r ON r.id = i.repo LEFT JOIN codex_name v ON v.id = o.revision
		LEFT JOIN codex_name n ON n.id = o.reason LEFT JOIN codex_name k ON k.id = o.kind
		LEFT JOIN codex_name w ON w.id = i.actor
		LEFT JOIN codex_upload u ON u.artifact = a.id LEFT JOIN codex_body d ON d.artifact = a.id
		WHERE i.tombstone = ANY($1)`
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
	rows, err := stmts[0].QueryContext(ctx, artifactArgs(items)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	keys := map[sdk.Digest]int64{}
	for rows.Next() {
		var key int64
		var sum []byte
		if err := rows.Scan(&key, &sum); err != nil {
			return err
		}
		keys[sdk.Digest(sum)] = key
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if _, err := stmts[1].ExecContext(ctx, bodyArgs(items, keys)...); err != nil {
		return err
	}
	_, err = stmts[2].ExecContext(ctx, itemArgs(items, keys)...)
	return err
}

// bareRow is what one row of bareSelect is read into: bytes without a copy, and
// what may be NULL without a pointer, in the types of pgx or of database/sql.
type bareRow[B ~[]byte, N any] struct {
	id, mode, artifact, size, stored, crc, present     int64
	tombstone, event, path, name, digest, blob         B
	set, sha, storedSHA, data                          B
	note, tags, metadata, fileType, state, host, codec string
	repo, revision, reason, kind, actor                string
	mtime, archived, retain, purged, upload, body      N
}

func (r *bareRow[B, N]) into() []any {
	return []any{
		&r.id, &r.tombstone, &r.event, &r.path, &r.name, &r.mode, &r.mtime, &r.archived, &r.retain, &r.purged, &r.digest, &r.blob,
		&r.set, &r.note, &r.tags, &r.metadata, &r.fileType, &r.state, &r.host, &r.repo, &r.revision, &r.reason, &r.kind, &r.actor,
		&r.artifact, &r.sha, &r.size, &r.codec, &r.stored, &r.crc, &r.storedSHA, &r.present, &r.upload, &r.body, &r.data,
	}
}

// nativeGet selects the same columns, as many records a statement.
func nativeGet(ctx context.Context, conn *pgx.Conn, items []contest.Item) error {
	count := 0
	var r bareRow[pgtype.DriverBytes, pgtype.Int8]
	into := r.into()
	for some := range slices.Chunk(items, getRows) {
		rows, err := conn.Query(ctx, bareSelect, each(some, func(i *contest.Item) []byte { return i.Record.Tombstone[:] }))
		if err != nil {
			return err
		}
		if _, err := pgx.ForEachRow(rows, into, func() error {
			count++
			return contest.Check(r.data, uint32(r.crc))
		}); err != nil {
			return err
		}
	}
	return complete(count, len(items))
}

func complete(n, of int) error {
	if n != of {
		return fmt.Errorf("%d rows of %d", n, of)
	}
	return nil
}

// sqlGet is nativeGet through database/sql.
func sqlGet(ctx context.Context, stmt *sql.Stmt, items []contest.Item) error {
	count := 0
	var r bareRow[sql.RawBytes, sql.NullInt64]
	into := r.into()
	for some := range slices.Chunk(items, getRows) {
		rows, err := stmt.QueryContext(ctx, each(some, func(i *contest.Item) []byte { return i.Record.Tombstone[:] }))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			count++
			if err := contest.Check(r.data, uint32(r.crc)); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return complete(count, len(items))
}
