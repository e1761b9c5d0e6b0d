package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// The bare driver runs the engine's statements with as many rows each, reads
// every column into a variable of its type, bytes without a copy, and checks the
// bodies.

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

func BenchmarkPut(b *testing.B) {
	items := contest.Small(contest.Items)
	through := func(name string, open func(context.Context, sdk.Options) (sdk.Backend, error)) contest.Contestant {
		var archive sdk.Backend
		return contest.Contestant{Name: name,
			Prepare: func() error { archive = benchArchive(b, databases.MariaDB(b).URL(), open); return nil },
			Round:   func() error { return contest.Put(b.Context(), archive, items) },
			Done:    func() error { return archive.Close() },
		}
	}
	var driver *bare
	contest.Run(b, contest.Items, through("engine", open), through("process", contest.Process(sqltest.Program(b))),
		contest.Contestant{Name: "bare",
			Prepare: func() error {
				url := databases.MariaDB(b).URL()
				if err := benchArchive(b, url, open).Close(); err != nil {
					return err
				}
				driver = prepareBare(b, url)
				return nil
			},
			Round: func() error { return driver.put(b.Context(), items) },
			Done:  func() error { return driver.close() },
		})
}

func BenchmarkGet(b *testing.B) {
	items := contest.Small(contest.Items)
	url := databases.MariaDB(b).URL()
	archive := benchArchive(b, url, open)
	if err := contest.Put(b.Context(), archive, items); err != nil {
		b.Fatal(err)
	}
	defer archive.Close()
	process := benchArchive(b, url, contest.Process(sqltest.Program(b)))
	defer process.Close()
	driver := prepareBare(b, url)
	defer driver.close()
	contest.Run(b, contest.Items,
		contest.Contestant{Name: "engine", Round: func() error { return contest.Get(b.Context(), archive, items) }},
		contest.Contestant{Name: "process", Round: func() error { return contest.Get(b.Context(), process, items) }},
		contest.Contestant{Name: "bare", Round: func() error { return driver.get(b.Context(), items) }},
	)
}

// bare is the driver with its statements, prepared once.
type bare struct {
	db                           *sql.DB
	conn                         *sql.Conn
	artifact, body, item, sought *sql.Stmt
}

// list writes n of what, with commas.
func list(what string, n int) string { return what + strings.Repeat(","+what, n-1) }

func prepareBare(b *testing.B, url string) *bare {
	c, err := connect(b.Context(), sdk.Options{URL: url, Mode: sdk.ReadWrite})
	if err != nil {
		b.Fatal(err)
	}
	d := &bare{db: sql.OpenDB(c.Write)}
	if d.conn, err = d.db.Conn(b.Context()); err != nil {
		b.Fatal(err)
	}
	for stmt, text := range map[**sql.Stmt]string{
		&d.artifact: "INSERT IGNORE INTO codex_artifact (sha256, size, codec, stored_size, crc32c, stored_sha256, present) VALUES " +
			list("(?,?,?,?,?,?,?)", putRows) + " RETURNING id, sha256",
		&d.body: "INSERT INTO codex_body (artifact, data) VALUES " + list("(?,?)", putRows),
		&d.item: "INSERT INTO codex_item (tombstone, event, artifact, origin, repo, actor, directory, name, file_mode, file_mtime, archived_at, retain_until, digest, git_blob) VALUES " +
			list("("+list("?", 14)+")", putRows),
		&d.sought: `SELECT i.id, i.tombstone, i.event, p.path, i.name, i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at, i.digest, i.git_blob,
			o.set_id, o.note, o.tags, o.metadata, o.file_type, o.work_state, o.host, r.name, v.name, n.name, k.name, w.name,
			a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.stored_sha256, a.present, u.id, d.artifact, d.data
			FROM codex_item i LEFT JOIN codex_artifact a ON a.id = i.artifact
			LEFT JOIN codex_directory p ON p.id = i.directory LEFT JOIN codex_origin o ON o.id = i.origin
			LEFT JOIN codex_name r ON r.id = i.repo LEFT JOIN codex_name v ON v.id = o.revision
			LEFT JOIN codex_name n ON n.id = o.reason LEFT JOIN codex_name k ON k.id = o.kind
			LEFT JOIN codex_name w ON w.id = i.actor
			LEFT JOIN codex_upload u ON u.artifact = a.id LEFT JOIN codex_body d ON d.artifact = a.id
			WHERE i.tombstone IN (` + list("?", getRows) + ")",
	} {
		if *stmt, err = d.conn.PrepareContext(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
	return d
}

func (d *bare) close() error { return errors.Join(d.conn.Close(), d.db.Close()) }

// put is three inserts for every hundred items, in one transaction for each
// group, and nothing else.
func (d *bare) put(ctx context.Context, items []contest.Item) error {
	for group := range slices.Chunk(items, sdk.MaxItems) {
		if _, err := d.conn.ExecContext(ctx, "START TRANSACTION"); err != nil {
			return err
		}
		for some := range slices.Chunk(group, putRows) {
			if err := d.insert(ctx, some); err != nil {
				return err
			}
		}
		if _, err := d.conn.ExecContext(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	return nil
}

func (d *bare) insert(ctx context.Context, items []contest.Item) error {
	var args []any
	for i := range items {
		c := &items[i].Record.Content
		args = append(args, c.SHA256[:], c.Size, string(c.Codec), c.StoredSize, int64(c.CRC32C), c.StoredSHA256[:], 1)
	}
	rows, err := d.artifact.QueryContext(ctx, args...)
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
	var bodies, records []any
	for i := range items {
		r := &items[i].Record
		key := keys[r.Content.SHA256]
		bodies = append(bodies, key, items[i].Body)
		records = append(records, r.Tombstone[:], r.Event[:], key, 1, 1, 1, 1, []byte(r.Path),
			int64(r.Mode), r.ModTime.UnixMicro(), r.ArchivedAt.UnixMicro(), nil, r.Digest[:], []byte{})
	}
	if _, err := d.body.ExecContext(ctx, bodies...); err != nil {
		return err
	}
	_, err = d.item.ExecContext(ctx, records...)
	return err
}

// get selects the same columns, as many records a statement.
func (d *bare) get(ctx context.Context, items []contest.Item) error {
	var id, mode, artifact, size, stored, crc, present int64
	var tombstone, event, path, name, digest, blob, set, sha, storedSHA, data sql.RawBytes
	var note, tags, metadata, fileType, state, host, repo, revision, reason, kind, actor, codec string
	var mtime, archived, retain, purged, upload, body sql.NullInt64
	into := []any{
		&id, &tombstone, &event, &path, &name, &mode, &mtime, &archived, &retain, &purged, &digest, &blob,
		&set, &note, &tags, &metadata, &fileType, &state, &host, &repo, &revision, &reason, &kind, &actor,
		&artifact, &sha, &size, &codec, &stored, &crc, &storedSHA, &present, &upload, &body, &data,
	}
	count := 0
	for some := range slices.Chunk(items, getRows) {
		args := make([]any, getRows)
		for i := range args {
			args[i] = some[min(i, len(some)-1)].Record.Tombstone[:]
		}
		rows, err := d.sought.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			count++
			if err := contest.Check(data, uint32(crc)); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	if count != len(items) {
		return fmt.Errorf("%d rows of %d", count, len(items))
	}
	return nil
}
