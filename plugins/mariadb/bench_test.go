package main

import (
	"context"
	"database/sql"
	"errors"
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

func fresh(b *testing.B) sdk.Options { return sdk.Options{URL: databases.MariaDB(b).URL()} }

func BenchmarkPut(b *testing.B) {
	items := contest.Small(contest.Items)
	options := func() sdk.Options { return fresh(b) }
	var driver *bare
	contest.Run(b, contest.Items,
		contest.Open(open).Putting(b, "engine", items, options),
		contest.Process(sqltest.Program(b)).Putting(b, "process", items, options),
		contest.Contestant{Name: "bare",
			Prepare: func() error {
				o := fresh(b)
				if err := contest.Open(open).Archive(b, o).Close(); err != nil {
					return err
				}
				driver = prepareBare(b, o.URL)
				return nil
			},
			Round: func() error { return driver.put(b.Context(), items) },
			Done:  func() error { return driver.close() },
		})
}

func BenchmarkGet(b *testing.B) {
	items := contest.Small(contest.Items)
	o := fresh(b)
	contest.Open(open).Fill(b, o, items)
	driver := prepareBare(b, o.URL)
	defer driver.close()
	contest.Run(b, contest.Items,
		contest.Open(open).Getting(b, "engine", items, o),
		contest.Process(sqltest.Program(b)).Getting(b, "process", items, o),
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
		&d.sought: contest.ServerSelect + "IN (" + list("?", getRows) + ")",
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
	keys, err := contest.Keys(d.artifact.QueryContext(ctx, args...))
	if err != nil {
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
	var r contest.SQLRow
	return contest.Select(ctx, d.sought, getRows, items, r.Into(), r.Check)
}
