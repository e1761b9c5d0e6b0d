package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
)

// The benchmarks store and read benchItems small files, in groups of MaxItems,
// through the engine and with pgx itself running the same statements.
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
	url := databases.Postgres(b).URL()
	archive, err := open(b.Context(), sdk.Options{URL: url, Mode: sdk.Create, Parallel: 5})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { archive.Close() })
	return archive, url
}

func bareConn(b *testing.B, url string) *pgx.Conn {
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(context.Background()) })
	return conn
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

// bareRows is how many rows one statement of the bare driver carries.
const bareRows = 100

// BenchmarkBarePut is three inserts from arrays for every hundred items, in one
// transaction for each group, and nothing else.
func BenchmarkBarePut(b *testing.B) {
	items := benchRecords(benchItems)
	for b.Loop() {
		b.StopTimer()
		_, url := benchArchive(b)
		conn := bareConn(b, url)
		if _, err := conn.Exec(b.Context(), "INSERT INTO codex_name (name) VALUES ('a')"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for group := range slices.Chunk(items, sdk.MaxItems) {
			if err := barePut(b.Context(), conn, group); err != nil {
				b.Fatal(err)
			}
		}
	}
	report(b)
}

func barePut(ctx context.Context, conn *pgx.Conn, group []benchItem) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	for items := range slices.Chunk(group, bareRows) {
		if err := bareInsert(ctx, tx, items); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// of makes an array of one value of each item.
func of[T any](items []benchItem, value func(*benchItem) T) []T {
	out := make([]T, len(items))
	for i := range items {
		out[i] = value(&items[i])
	}
	return out
}

func bareInsert(ctx context.Context, tx pgx.Tx, items []benchItem) error {
	sums := of(items, func(i *benchItem) []byte { return i.record.Content.SHA256[:] })
	rows, err := tx.Query(ctx, `INSERT INTO codex_artifact (sha256, size, codec, stored_size, crc32c, present)
		SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
		ON CONFLICT DO NOTHING RETURNING id, sha256`, sums,
		of(items, func(i *benchItem) int64 { return i.record.Content.Size }),
		of(items, func(i *benchItem) string { return string(i.record.Content.Codec) }),
		of(items, func(i *benchItem) int64 { return i.record.Content.StoredSize }),
		of(items, func(i *benchItem) int64 { return int64(i.record.Content.CRC32C) }),
		of(items, func(i *benchItem) int64 { return 1 }))
	if err != nil {
		return err
	}
	keys := map[string]int64{}
	var key int64
	var sum []byte
	if _, err := pgx.ForEachRow(rows, []any{&key, &sum}, func() error { keys[string(sum)] = key; return nil }); err != nil {
		return err
	}
	artifacts := of(items, func(i *benchItem) int64 { return keys[string(i.record.Content.SHA256[:])] })
	if _, err := tx.Exec(ctx, "INSERT INTO codex_body (artifact, data) SELECT * FROM unnest($1::bigint[], $2::bytea[])",
		artifacts, of(items, func(i *benchItem) []byte { return i.body })); err != nil {
		return err
	}
	empty, one := of(items, func(*benchItem) string { return "" }), of(items, func(*benchItem) int64 { return 1 })
	_, err = tx.Exec(ctx, `INSERT INTO codex_item (tombstone, event, artifact, repo, path, work_path, revision, reason, kind, note, tags, metadata, file_mode, file_mtime, actor, archived_at)
		SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $4::bigint[], $4::bigint[], $4::bigint[],
			$7::text[], $7::text[], $7::text[], $8::bigint[], $9::bigint[], $4::bigint[], $10::bigint[])`,
		of(items, func(i *benchItem) []byte { return i.record.Tombstone[:] }),
		of(items, func(i *benchItem) []byte { return i.record.Event[:] }), artifacts, one,
		of(items, func(i *benchItem) []byte { return []byte(i.record.Path) }),
		of(items, func(i *benchItem) []byte { return []byte{} }), empty,
		of(items, func(i *benchItem) int64 { return int64(i.record.Mode) }),
		of(items, func(i *benchItem) int64 { return i.record.ModTime.UnixMicro() }),
		of(items, func(i *benchItem) int64 { return i.record.ArchivedAt.UnixMicro() }))
	return err
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

// BenchmarkBareGet selects the same columns, as many records a statement.
func BenchmarkBareGet(b *testing.B) {
	items := benchRecords(benchItems)
	archive, url := benchArchive(b)
	putAll(b, archive, items)
	conn := bareConn(b, url)
	for b.Loop() {
		for some := range slices.Chunk(items, 32) {
			if err := bareGet(b.Context(), conn, some); err != nil {
				b.Fatal(err)
			}
		}
	}
	report(b)
}

func bareGet(ctx context.Context, conn *pgx.Conn, items []benchItem) error {
	rows, err := conn.Query(ctx, `SELECT i.id, i.tombstone, i.event, i.path, i.work_path, i.note, i.tags, i.metadata,
	i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at,
	r.name, v.name, n.name, k.name, w.name,
	a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.present, u.id, d.data
	FROM codex_item i LEFT JOIN codex_artifact a ON a.id = i.artifact
	LEFT JOIN codex_name r ON r.id = i.repo LEFT JOIN codex_name v ON v.id = i.revision
	LEFT JOIN codex_name n ON n.id = i.reason LEFT JOIN codex_name k ON k.id = i.kind
	LEFT JOIN codex_name w ON w.id = i.actor
	LEFT JOIN codex_upload u ON u.artifact = a.id LEFT JOIN codex_body d ON d.artifact = a.id
	WHERE i.tombstone = ANY($1)`,
		of(items, func(i *benchItem) []byte { return i.record.Tombstone[:] }))
	if err != nil {
		return err
	}
	into := make([]any, 27)
	for i := range into {
		into[i] = new(any)
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		if data, ok := (*into[26].(*any)).([]byte); !ok || len(data) != benchBody {
			return errors.New("no body")
		}
		return nil
	})
	return err
}
