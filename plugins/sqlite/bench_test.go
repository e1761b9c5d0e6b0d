package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// The benchmarks store and read benchItems small files, in groups of MaxItems,
// through the engine and with the bare driver running the same statements.
const (
	benchItems = 10_000
	benchBody  = 2 << 10 // bytes, on average a compressed source file
)

type benchItem struct {
	record sdk.Record
	body   []byte
}

func benchRecords(n int) []benchItem {
	random := rand.NewChaCha8([32]byte{1})
	items := make([]benchItem, n)
	for i := range items {
		body := make([]byte, benchBody)
		random.Read(body)
		r := sdk.Record{
			Content: sdk.Content{
				SHA256: sha256.Sum256(body), Size: benchBody, Codec: sdk.None, StoredSize: benchBody,
				CRC32C: crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)),
			},
			Repo: "bench", Path: fmt.Sprintf("internal/package%d/file%d.go", i/50, i), Commit: "0123456789abcdef0123456789abcdef01234567",
			Reason: "dead", Kind: "code", Mode: 0o644, ModTime: time.Unix(1e9, 0), ArchivedBy: "bench",
			ArchivedAt: time.UnixMicro(1_760_000_000_000_000 + int64(i)),
		}
		random.Read(r.Tombstone[:])
		random.Read(r.Event[:])
		items[i] = benchItem{r, body}
	}
	return items
}

func sequence(items []benchItem) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for i := range items {
			if !yield(sdk.Item{Record: items[i].record, Body: bytes.NewReader(items[i].body)}, nil) {
				return
			}
		}
	}
}

func tombstones(items []benchItem) []sdk.Tombstone {
	ids := make([]sdk.Tombstone, len(items))
	for i := range items {
		ids[i] = items[i].record.Tombstone
	}
	return ids
}

func report(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchItems/b.Elapsed().Seconds(), "items/s")
}

func benchArchive(b *testing.B) (sdk.Backend, string) {
	dir := b.TempDir()
	archive, err := open(b.Context(), sdk.Options{URL: "sqlite:///a.db", Dir: dir, Mode: sdk.Create, Parallel: 5})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { archive.Close() })
	return archive, filepath.Join(dir, "a.db")
}

func BenchmarkPut(b *testing.B) {
	items := benchRecords(benchItems)
	for b.Loop() {
		b.StopTimer()
		archive, _ := benchArchive(b)
		b.StartTimer()
		putAll(b, archive, items)
	}
	report(b)
}

func putAll(tb testing.TB, archive sdk.Backend, items []benchItem) {
	for i := 0; i < len(items); i += sdk.MaxItems {
		if _, err := archive.Put(tb.Context(), sequence(items[i:min(len(items), i+sdk.MaxItems)])); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkBarePut is three prepared inserts an item, in one transaction for
// each group, and nothing else.
func BenchmarkBarePut(b *testing.B) {
	items := benchRecords(benchItems)
	for b.Loop() {
		b.StopTimer()
		_, path := benchArchive(b)
		db, err := sql.Open("sqlite", writeDSN(path)+"&_txlock=immediate")
		if err != nil {
			b.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		if _, err := db.Exec("INSERT INTO codex_name (id, name) VALUES (1, 'a')"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for i := 0; i < len(items); i += sdk.MaxItems {
			if err := barePut(db, items[i:i+sdk.MaxItems]); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		db.Close()
		b.StartTimer()
	}
	report(b)
}

func barePut(db *sql.DB, items []benchItem) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var stmts [3]*sql.Stmt
	for i, text := range []string{
		"INSERT INTO codex_artifact (sha256, size, codec, stored_size, crc32c, present) VALUES (?,?,?,?,?,1) ON CONFLICT DO NOTHING RETURNING id, sha256",
		"INSERT INTO codex_body (artifact, data) VALUES (?,?)",
		`INSERT INTO codex_item (tombstone, event, artifact, repo, path, work_path, revision, reason, kind, note, tags, metadata, file_mode, file_mtime, actor, archived_at)
			VALUES (?,?,?,1,?,?,1,1,1,?,?,?,?,?,1,?)`,
	} {
		if stmts[i], err = tx.Prepare(text); err != nil {
			return err
		}
		defer stmts[i].Close()
	}
	for _, item := range items {
		r := &item.record
		var key int64
		var sha []byte
		if err := stmts[0].QueryRow(r.Content.SHA256[:], r.Content.Size, string(r.Content.Codec), r.Content.StoredSize, int64(r.Content.CRC32C)).Scan(&key, &sha); err != nil {
			return err
		}
		if _, err := stmts[1].Exec(key, item.body); err != nil {
			return err
		}
		if _, err := stmts[2].Exec(r.Tombstone[:], r.Event[:], key, []byte(r.Path), []byte{}, "", "", "", int64(r.Mode), r.ModTime.UnixMicro(), r.ArchivedAt.UnixMicro()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func BenchmarkGet(b *testing.B) {
	items := benchRecords(benchItems)
	archive, _ := benchArchive(b)
	putAll(b, archive, items)
	var ids [][]sdk.Tombstone
	for i := 0; i < len(items); i += sdk.MaxItems {
		ids = append(ids, tombstones(items[i:i+sdk.MaxItems]))
	}
	for b.Loop() {
		for _, group := range ids {
			for found, err := range archive.Get(b.Context(), group) {
				if err != nil || found.Err != nil {
					b.Fatal(err, found.Err)
				}
				if _, err := io.Copy(io.Discard, found.Body); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	report(b)
}

// BenchmarkBareGet selects the same columns, foundRows records a statement.
func BenchmarkBareGet(b *testing.B) {
	items := benchRecords(benchItems)
	archive, path := benchArchive(b)
	putAll(b, archive, items)
	db, err := sql.Open("sqlite", readDSN(path))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	const rows = 32
	stmt, err := db.Prepare(`SELECT i.id, i.tombstone, i.event, i.path, i.work_path, i.note, i.tags, i.metadata,
		i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at,
		r.name, v.name, n.name, k.name, w.name,
		a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.present, u.id, d.data
		FROM codex_item i LEFT JOIN codex_artifact a ON a.id = i.artifact
		LEFT JOIN codex_name r ON r.id = i.repo LEFT JOIN codex_name v ON v.id = i.revision
		LEFT JOIN codex_name n ON n.id = i.reason LEFT JOIN codex_name k ON k.id = i.kind
		LEFT JOIN codex_name w ON w.id = i.actor
		LEFT JOIN codex_upload u ON u.artifact = a.id LEFT JOIN codex_body d ON d.artifact = a.id
		WHERE i.tombstone IN (?` + string(bytes.Repeat([]byte(",?"), rows-1)) + ")")
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	for b.Loop() {
		for i := 0; i < len(items); i += rows {
			if err := bareGet(b.Context(), stmt, items[i:min(len(items), i+rows)], rows); err != nil {
				b.Fatal(err)
			}
		}
	}
	report(b)
}

func bareGet(ctx context.Context, stmt *sql.Stmt, items []benchItem, n int) error {
	args := make([]any, n)
	for i := range args {
		args[i] = items[min(i, len(items)-1)].record.Tombstone[:]
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	into := make([]any, 27)
	for i := range into {
		into[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		data, ok := (*into[26].(*any)).([]byte)
		if !ok || binary.Size(data) != benchBody {
			return fmt.Errorf("no body")
		}
	}
	return rows.Err()
}
