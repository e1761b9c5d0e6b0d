package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/databases"
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
	url := databases.MariaDB(b).URL()
	archive, err := open(b.Context(), sdk.Options{URL: url, Mode: sdk.Create, Parallel: 5})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { archive.Close() })
	return archive, url
}

func bareConn(b *testing.B, url string) *sql.Conn {
	c, err := connect(b.Context(), sdk.Options{URL: url, Mode: sdk.ReadWrite})
	if err != nil {
		b.Fatal(err)
	}
	db := sql.OpenDB(c.Write)
	b.Cleanup(func() { db.Close() })
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
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

// bare are the statements of the bare driver, prepared once.
type bare struct{ artifact, body, item *sql.Stmt }

func values(columns string) string {
	return columns + strings.Repeat(","+columns, bareRows-1)
}

func prepareBare(b *testing.B, conn *sql.Conn) (s bare) {
	for stmt, text := range map[**sql.Stmt]string{
		&s.artifact: "INSERT IGNORE INTO codex_artifact (sha256, size, codec, stored_size, crc32c, present) VALUES " + values("(?,?,?,?,?,?)") + " RETURNING id, sha256",
		&s.body:     "INSERT INTO codex_body (artifact, data) VALUES " + values("(?,?)"),
		&s.item: "INSERT INTO codex_item (tombstone, event, artifact, repo, path, work_path, revision, reason, kind, note, tags, metadata, file_mode, file_mtime, actor, archived_at) VALUES " +
			values("(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"),
	} {
		var err error
		if *stmt, err = conn.PrepareContext(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkBarePut is three inserts for every hundred items, in one transaction
// for each group, and nothing else.
func BenchmarkBarePut(b *testing.B) {
	items := benchRecords(benchItems)
	for b.Loop() {
		b.StopTimer()
		_, url := benchArchive(b)
		conn := bareConn(b, url)
		s := prepareBare(b, conn)
		b.StartTimer()
		for group := range slices.Chunk(items, sdk.MaxItems) {
			if err := s.put(b.Context(), conn, group); err != nil {
				b.Fatal(err)
			}
		}
	}
	report(b)
}

func (s bare) put(ctx context.Context, conn *sql.Conn, group []benchItem) error {
	if _, err := conn.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	for items := range slices.Chunk(group, bareRows) {
		if err := s.insert(ctx, items); err != nil {
			return err
		}
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}

func (s bare) insert(ctx context.Context, items []benchItem) error {
	var args []any
	for i := range items {
		c := &items[i].record.Content
		args = append(args, c.SHA256[:], c.Size, string(c.Codec), c.StoredSize, int64(c.CRC32C), 1)
	}
	rows, err := s.artifact.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	keys := map[string]int64{}
	for rows.Next() {
		var key int64
		var sum []byte
		if err := rows.Scan(&key, &sum); err != nil {
			return err
		}
		keys[string(sum)] = key
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var bodies, records []any
	for i := range items {
		r := &items[i].record
		key := keys[string(r.Content.SHA256[:])]
		bodies = append(bodies, key, items[i].body)
		records = append(records, r.Tombstone[:], r.Event[:], key, 1, []byte(r.Path), []byte{}, 1, 1, 1, "", "", "",
			int64(r.Mode), r.ModTime.UnixMicro(), 1, r.ArchivedAt.UnixMicro())
	}
	if _, err := s.body.ExecContext(ctx, bodies...); err != nil {
		return err
	}
	_, err = s.item.ExecContext(ctx, records...)
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
	const rows = 32
	stmt, err := bareConn(b, url).PrepareContext(b.Context(), `SELECT i.id, i.tombstone, i.event, i.path, i.work_path, i.note, i.tags, i.metadata,
	i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at,
	r.name, v.name, n.name, k.name, w.name,
	a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.present, u.id, d.data
	FROM codex_item i LEFT JOIN codex_artifact a ON a.id = i.artifact
	LEFT JOIN codex_name r ON r.id = i.repo LEFT JOIN codex_name v ON v.id = i.revision
	LEFT JOIN codex_name n ON n.id = i.reason LEFT JOIN codex_name k ON k.id = i.kind
	LEFT JOIN codex_name w ON w.id = i.actor
	LEFT JOIN codex_upload u ON u.artifact = a.id LEFT JOIN codex_body d ON d.artifact = a.id
	WHERE i.tombstone IN (?`+strings.Repeat(",?", rows-1)+")")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for some := range slices.Chunk(items, rows) {
			if err := bareGet(b.Context(), stmt, some, rows); err != nil {
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
		if data, ok := (*into[26].(*any)).([]byte); !ok || len(data) != benchBody {
			return errors.New("no body")
		}
	}
	return rows.Err()
}
