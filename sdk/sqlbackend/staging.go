package sqlbackend

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Sizes of staging.
const (
	stagedBytes  = 4 << 20          // written by one transaction: SQLite's log stays small, and its lock is held for 20 ms
	deletedRows  = 256              // chunk rows removed by one transaction: 64 MiB
	abandonTime  = 10 * time.Second // for the removal of what a failed Put staged; the rest is swept
	untouchedFor = int64(time.Hour / time.Microsecond)
	sweptUploads = 100 // removed by one sweep
)

// staged is one body under way in chunk rows that no query sees.
type staged struct {
	owner sdk.Tombstone
	key   int64 // of codex_upload; 0: no row yet
	seq   int64 // of the next piece
}

type stagedPiece struct {
	of   *staged
	seq  int64
	data []byte
}

// staging writes the staged bodies of one Put.
type staging struct {
	b       *Backend
	all     []*staged // that have rows
	pending []stagedPiece
	bytes   int // in pending
}

// add takes over piece, and writes what has gathered once that is enough.
func (g *staging) add(ctx context.Context, of *staged, piece []byte) error {
	g.pending = append(g.pending, stagedPiece{of, of.seq, piece})
	of.seq++
	g.bytes += len(piece)
	if g.bytes < stagedBytes {
		return nil
	}
	return g.flush(ctx)
}

var insertChunk = insert{
	table:   "codex_artifact_chunk",
	columns: []column{{"upload", Int}, {"seq", Int}, {"data", Bytes}},
}

// flush writes what is pending in a transaction of its own. Nothing visible
// changes, so that even a lost COMMIT has no effect.
func (g *staging) flush(ctx context.Context) error {
	if len(g.pending) == 0 {
		return nil
	}
	var fresh []*staged
	err := g.b.write(ctx, "put", func(ctx context.Context, db *conn) (err error) {
		for _, body := range fresh {
			body.key = 0 // its row was undone
		}
		fresh, err = g.touch(ctx, db)
		if err != nil {
			return err
		}
		rows := make([][]any, len(g.pending))
		for i, p := range g.pending {
			rows[i] = []any{p.of.key, p.seq, p.data}
		}
		return insertChunk.rows(ctx, db, rows, nil)
	})
	g.all = append(g.all, fresh...)
	g.pending, g.bytes = g.pending[:0], 0
	var e *sdk.Error
	if errors.As(err, &e) {
		e.Effect = sdk.EffectNone
	}
	return err
}

// touch makes upload rows for new bodies, and keeps those of others from being
// swept.
func (g *staging) touch(ctx context.Context, db *conn) (fresh []*staged, err error) {
	var last *staged
	for _, p := range g.pending {
		if p.of == last {
			continue
		}
		last = p.of
		if last.key != 0 {
			n, err := db.exec(ctx, "UPDATE codex_upload SET touched = "+db.b.d.Server.Now+" WHERE id = ? AND touched > 0", last.key)
			if err != nil {
				return fresh, err
			}
			if n == 0 {
				return fresh, errSwept()
			}
			continue
		}
		err := db.query(ctx, "INSERT INTO codex_upload (owner, touched) VALUES (?, "+db.b.d.Server.Now+") RETURNING id",
			[]any{last.owner[:]}, func(scan scan) error { return scan(&last.key) })
		if err == nil {
			err = inserted(last.key)
		}
		if err != nil {
			return fresh, err
		}
		fresh = append(fresh, last)
	}
	return fresh, nil
}

func errSwept() error {
	return sdk.Errorf(sdk.Busy, "a body took longer than an hour to arrive, and what was staged of it was removed")
}

// adopt makes a staged body that of an artifact.
func (g *staged) adopt(ctx context.Context, db *conn, artifact int64) error {
	n, err := db.exec(ctx, "UPDATE codex_upload SET artifact = ?, touched = NULL WHERE id = ? AND touched > 0 AND artifact IS NULL", artifact, g.key)
	if err == nil && n == 0 {
		return errSwept()
	}
	return err
}

// adopted forgets the bodies that a committed transaction has adopted.
func (g *staging) adopted(contents []*content) {
	for _, c := range contents {
		if c.written && c.body.staged != nil {
			g.all = slices.DeleteFunc(g.all, func(body *staged) bool { return body == c.body.staged })
		}
	}
}

// abandon removes what was staged and not adopted, as well as it can within
// abandonTime. It does not end with the call that failed.
func (g *staging) abandon(ctx context.Context) {
	if len(g.all) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
	defer cancel()
	for _, body := range g.all {
		if g.b.removeUpload(ctx, body.key) != nil {
			return // what is left is swept in an hour
		}
	}
}

// removeUpload removes an upload that is not adopted, in several transactions.
func (b *Backend) removeUpload(ctx context.Context, key int64) error {
	for done := false; !done; {
		err := b.write(ctx, "put", func(ctx context.Context, db *conn) error {
			// Zero keeps it from being adopted, and a sweep finishes the work.
			n, err := db.exec(ctx, "UPDATE codex_upload SET touched = 0 WHERE id = ? AND touched IS NOT NULL AND artifact IS NULL", key)
			if err != nil {
				return err
			}
			done = n == 0
			if done {
				return nil
			}
			done, err = removeChunks(ctx, db, key)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removeChunks removes the last chunks of an upload, and its row with the last
// of them.
func removeChunks(ctx context.Context, db *conn, key int64) (done bool, err error) {
	var count, last int64
	err = db.query(ctx, "SELECT count(*), COALESCE(max(seq), 0) FROM codex_artifact_chunk WHERE upload = ?", []any{key},
		func(scan scan) error { return scan(&count, &last) })
	if err != nil {
		return false, err
	}
	if _, err := db.exec(ctx, "DELETE FROM codex_artifact_chunk WHERE upload = ? AND seq > ?", key, last-deletedRows); err != nil {
		return false, err
	}
	if count > deletedRows {
		return false, nil
	}
	_, err = db.exec(ctx, "DELETE FROM codex_upload WHERE id = ?", key)
	return true, err
}

// sweep removes, once for each Backend, what killed processes left. It never
// fails a Put: the next process sweeps again. A body that belongs to a content
// stays, whatever else its row says.
func (b *Backend) sweep(ctx context.Context) {
	b.swept.Do(func() {
		var keys []int64
		err := b.read(ctx, "put", func(ctx context.Context, db *conn) error {
			return db.query(ctx, "SELECT id FROM codex_upload WHERE touched < "+b.d.Server.Now+" - ? AND artifact IS NULL ORDER BY id LIMIT ?",
				[]any{untouchedFor, sweptUploads}, func(scan scan) error {
					var key int64
					err := scan(&key)
					keys = append(keys, key)
					return err
				})
		})
		for i := 0; err == nil && i < len(keys); i++ {
			err = b.claimUpload(ctx, keys[i])
		}
	})
}

// claimUpload removes an upload if it is still untouched.
func (b *Backend) claimUpload(ctx context.Context, key int64) error {
	claimed := false
	err := b.write(ctx, "put", func(ctx context.Context, db *conn) error {
		n, err := db.exec(ctx, "UPDATE codex_upload SET touched = 0 WHERE id = ? AND touched < "+b.d.Server.Now+" - ? AND artifact IS NULL", key, untouchedFor)
		claimed = n > 0
		return err
	})
	if err != nil || !claimed {
		return err
	}
	return b.removeUpload(ctx, key)
}
