package main

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/sdk"
)

// The bare driver runs the engine's statements with as many rows each, reads
// every column into a variable of its type, bytes without a copy, and checks the
// bodies.

const getRows = 32 // records of one SELECT

func in(dir string) sdk.Options { return sdk.Options{URL: "sqlite:///a.db", Dir: dir} }

func bareDB(b *testing.B, dsn string) *sql.DB {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

func BenchmarkPut(b *testing.B) {
	items := contest.Small(contest.Items)
	fresh := func() sdk.Options { return in(b.TempDir()) }
	var db *sql.DB
	contest.Run(b, contest.Items,
		contest.Open(open).Putting(b, "engine", items, fresh),
		contest.Process(program(b)).Putting(b, "process", items, fresh),
		contest.Contestant{Name: "bare",
			Prepare: func() error {
				dir := b.TempDir()
				if err := contest.Open(open).Archive(b, in(dir)).Close(); err != nil {
					return err
				}
				db = bareDB(b, writeDSN(filepath.Join(dir, "a.db"))+"&_txlock=immediate")
				_, err := db.Exec(`INSERT INTO codex_name (id, name) VALUES (1, 'a');
					INSERT INTO codex_directory (id, path) VALUES (1, x'');
					INSERT INTO codex_origin VALUES (1, x'', x'', 1, 1, 1, '', '', '', '', '', '')`)
				return err
			},
			Round: func() error {
				for group := range slices.Chunk(items, sdk.MaxItems) {
					if err := barePut(db, group); err != nil {
						return err
					}
				}
				return nil
			},
			Done: func() error { return db.Close() },
		})
}

func BenchmarkGet(b *testing.B) {
	items := contest.Small(contest.Items)
	dir := b.TempDir()
	contest.Open(open).Fill(b, in(dir), items)
	db := bareDB(b, readDSN(filepath.Join(dir, "a.db")))
	defer db.Close()
	stmt, err := db.Prepare(bareSelect)
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	contest.Run(b, contest.Items,
		contest.Open(open).Getting(b, "engine", items, in(dir)),
		contest.Process(program(b)).Getting(b, "process", items, in(dir)),
		contest.Contestant{Name: "bare", Round: func() error { return bareGet(b.Context(), stmt, items) }},
	)
}

var bareSelect = `SELECT i.id, i.tombstone, i.event, p.path, p.work_path, i.name, i.work_name,
	i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at, i.digest, i.git_blob,
	o.set_id, o.note, o.tags, o.metadata, o.file_type, o.work_state, o.host,
	r.name, v.name, n.name, k.name, w.name,
	a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.present, u.id, d.artifact, d.data` + contest.From + "IN (?" + strings.Repeat(",?", getRows-1) + ")"

// barePut is three prepared inserts an item, in one transaction for the group,
// and nothing else.
func barePut(db *sql.DB, items []contest.Item) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var stmts [3]*sql.Stmt
	for i, text := range []string{
		"INSERT INTO codex_artifact (sha256, size, codec, stored_size, crc32c, stored_sha256, present) VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING RETURNING id, sha256",
		"INSERT INTO codex_body (artifact, data) VALUES (?,?)",
		`INSERT INTO codex_item (tombstone, event, artifact, origin, repo, actor, directory, name, file_mode, file_mtime, archived_at, retain_until, digest, git_blob)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
	} {
		if stmts[i], err = tx.Prepare(text); err != nil {
			return err
		}
		defer stmts[i].Close()
	}
	for _, item := range items {
		r := &item.Record
		var key int64
		var sha []byte
		if err := stmts[0].QueryRow(r.Content.SHA256[:], r.Content.Size, string(r.Content.Codec), r.Content.StoredSize, int64(r.Content.CRC32C), r.Content.StoredSHA256[:], 1).Scan(&key, &sha); err != nil {
			return err
		}
		if _, err := stmts[1].Exec(key, item.Body); err != nil {
			return err
		}
		if _, err := stmts[2].Exec(r.Tombstone[:], r.Event[:], key, 1, 1, 1, 1, []byte(r.Path), int64(r.Mode), r.ModTime.UnixMicro(),
			r.ArchivedAt.UnixMicro(), nil, r.Digest[:], []byte{}); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// bareGet selects the same columns, as many records a statement.
func bareGet(ctx context.Context, stmt *sql.Stmt, items []contest.Item) error {
	var id, mode, artifact, size, stored, crc, present int64
	var tombstone, event, path, workPath, name, workName, digest, blob, set, sha, data sql.RawBytes
	var note, tags, metadata, fileType, state, host, repo, revision, reason, kind, actor, codec string
	var mtime, archived, retain, purged, upload, body sql.NullInt64
	into := []any{
		&id, &tombstone, &event, &path, &workPath, &name, &workName,
		&mode, &mtime, &archived, &retain, &purged, &digest, &blob,
		&set, &note, &tags, &metadata, &fileType, &state, &host,
		&repo, &revision, &reason, &kind, &actor,
		&artifact, &sha, &size, &codec, &stored, &crc, &present, &upload, &body, &data,
	}
	return contest.Select(ctx, stmt, getRows, items, into, func() error { return contest.Check(data, uint32(crc)) })
}
