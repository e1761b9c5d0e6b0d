package contest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// Open is how a backend opens an archive.
type Open func(context.Context, sdk.Options) (sdk.Backend, error)

// Archive makes an archive, or opens the one that is there, for five calls at a
// time.
func (open Open) Archive(b *testing.B, o sdk.Options) sdk.Backend {
	b.Helper()
	o.Mode, o.Parallel = sdk.Create, 5
	archive, err := open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	return archive
}

// Fill makes an archive that has items.
func (open Open) Fill(b *testing.B, o sdk.Options, items []Item) {
	b.Helper()
	archive := open.Archive(b, o)
	if err := errors.Join(Put(b.Context(), archive, items), archive.Close()); err != nil {
		b.Fatal(err)
	}
}

// Putting stores items in an archive that is new in each round.
func (open Open) Putting(b *testing.B, name string, items []Item, fresh func() sdk.Options) Contestant {
	var archive sdk.Backend
	return Contestant{Name: name,
		Prepare: func() error { archive = open.Archive(b, fresh()); return nil },
		Round:   func() error { return Put(b.Context(), archive, items) },
		Done:    func() error { return archive.Close() },
	}
}

// Getting reads items from an archive that has them.
func (open Open) Getting(b *testing.B, name string, items []Item, o sdk.Options) Contestant {
	archive := open.Archive(b, o)
	b.Cleanup(func() { _ = archive.Close() }) // the benchmark is over
	return Contestant{Name: name, Round: func() error { return Get(b.Context(), archive, items) }}
}

// Select runs one statement that selects n records by their tombstones until it
// has read all items. It reads each row into into, and checks the body there.
func Select(ctx context.Context, stmt *sql.Stmt, n int, items []Item, into []any, check func() error) error {
	count := 0
	for some := range slices.Chunk(items, n) {
		args := make([]any, n)
		for i := range args {
			args[i] = some[min(i, len(some)-1)].Record.Tombstone[:]
		}
		read, err := Read(into, check)(stmt.QueryContext(ctx, args...))
		if err != nil {
			return err
		}
		count += read
	}
	return Complete(count, items)
}

// Read returns what reads each row into into, checks it, and counts the rows.
func Read(into []any, check func() error) func(*sql.Rows, error) (int, error) {
	return func(rows *sql.Rows, err error) (n int, _ error) {
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		for ; rows.Next(); n++ {
			if err := rows.Scan(into...); err != nil {
				return n, err
			}
			if err := check(); err != nil {
				return n, err
			}
		}
		return n, rows.Err()
	}
}

// Keys reads the keys of contents, and their SHA-256.
func Keys(rows *sql.Rows, err error) (map[sdk.Digest]int64, error) {
	keys := map[sdk.Digest]int64{}
	var key int64
	var sum []byte
	_, err = Read([]any{&key, &sum}, func() error { keys[sdk.Digest(sum)] = key; return nil })(rows, err)
	return keys, err
}

// Complete reports whether a select has read all items.
func Complete(n int, items []Item) error {
	if n != len(items) {
		return fmt.Errorf("%d rows of %d", n, len(items))
	}
	return nil
}

// Row is what one row of the servers' select is read into: bytes without a copy,
// and what may be NULL without a pointer, in the types of a driver.
type Row[B ~[]byte, N any] struct {
	id, mode, artifact, size, stored, crc, present     int64
	tombstone, event, path, name, digest, blob         B
	set, sha, storedSHA, data                          B
	note, tags, metadata, fileType, state, host, codec string
	repo, revision, reason, kind, actor                string
	mtime, archived, retain, purged, upload, body      N
}

// SQLRow is a Row for database/sql.
type SQLRow = Row[sql.RawBytes, sql.NullInt64]

// Into is where the columns go: those of [ServerSelect].
func (r *Row[B, N]) Into() []any {
	return []any{
		&r.id, &r.tombstone, &r.event, &r.path, &r.name, &r.mode, &r.mtime, &r.archived, &r.retain, &r.purged, &r.digest, &r.blob,
		&r.set, &r.note, &r.tags, &r.metadata, &r.fileType, &r.state, &r.host, &r.repo, &r.revision, &r.reason, &r.kind, &r.actor,
		&r.artifact, &r.sha, &r.size, &r.codec, &r.stored, &r.crc, &r.storedSHA, &r.present, &r.upload, &r.body, &r.data,
	}
}

// Check checks the body.
func (r *Row[B, N]) Check() error { return Check(r.data, uint32(r.crc)) }

// From is the end of the engine's select. The condition is missing.
const From = `
	FROM codex_item i LEFT JOIN codex_artifact a ON a.id = i.artifact
	LEFT JOIN codex_directory p ON p.id = i.directory LEFT JOIN codex_origin o ON o.id = i.origin
	LEFT JOIN codex_name r ON r.id = i.repo LEFT JOIN codex_name v ON v.id = o.revision
	LEFT JOIN codex_name n ON n.id = o.reason LEFT JOIN codex_name k ON k.id = o.kind
	LEFT JOIN codex_name w ON w.id = i.actor
	LEFT JOIN codex_upload u ON u.artifact = a.id LEFT JOIN codex_body d ON d.artifact = a.id
	WHERE i.tombstone `

// ServerSelect is the select of the engine on a server, up to its condition.
const ServerSelect = `SELECT i.id, i.tombstone, i.event, p.path, i.name, i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at, i.digest, i.git_blob,
	o.set_id, o.note, o.tags, o.metadata, o.file_type, o.work_state, o.host, r.name, v.name, n.name, k.name, w.name,
	a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.stored_sha256, a.present, u.id, d.artifact, d.data` + From
