package sqlbackend

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// foundRows is how many records one statement of Get reads, each with its body
// if that is in one row: 32 times SmallBody are 2 MiB.
const foundRows = 32

// Missing looks at codex_artifact only: whether a body is damaged shows when it
// is read.
func (b *Backend) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	if len(contents) > sdk.MaxItems {
		return nil, tooMany("missing", "contents")
	}
	present := make(map[sdk.Digest]bool, len(contents))
	keys := make([]any, len(contents))
	for i := range contents {
		keys[i] = contents[i][:]
	}
	err := b.read(ctx, "missing", func(ctx context.Context, db *conn) error {
		if len(keys) == 0 {
			return nil
		}
		in, args := b.d.in("sha256", Bytes, keys)
		return db.query(ctx, "SELECT sha256 FROM codex_artifact WHERE present <> 0 AND "+in, args, func(scan scan) error {
			var sha []byte
			var digest sdk.Digest
			if err := scan(&sha); err != nil {
				return err
			}
			err := fixed("SHA-256", sha, digest[:])
			present[digest] = true
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	var missing []sdk.Digest
	for _, d := range contents {
		if !present[d] {
			missing = append(missing, d)
		}
	}
	return missing, nil
}

func tooMany(op, what string) error {
	return &sdk.Error{Kind: sdk.Limit, Op: op, Msg: fmt.Sprintf("more than %d %s in one call", sdk.MaxItems, what)}
}

// Get reads records some at a time, and larger bodies while they are read.
func (b *Backend) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		if len(ids) > sdk.MaxItems {
			yield(sdk.GetResult{}, tooMany("get", "tombstones"))
			return
		}
		f := newFinder()
		for rest, first := ids, true; first || len(rest) > 0; first = false {
			page := rest[:min(len(rest), foundRows)]
			rest = rest[len(page):]
			found, err := b.find(ctx, page, f)
			if err != nil {
				yield(sdk.GetResult{}, err)
				return
			}
			if !b.yieldPage(ctx, page, found, yield) {
				return
			}
		}
	}
}

// yieldPage reports whether the loop goes on.
func (b *Backend) yieldPage(ctx context.Context, page []sdk.Tombstone, found map[sdk.Tombstone]*foundItem, yield func(sdk.GetResult, error) bool) bool {
	for i, id := range page {
		if i > 0 {
			if err := b.alive(ctx, "get"); err != nil {
				yield(sdk.GetResult{}, err)
				return false
			}
		}
		one, body := b.found(ctx, id, found[id])
		more := yield(one, nil)
		if body != nil {
			body.end()
		}
		if !more {
			return false
		}
	}
	return true
}

// foundItem is a record with what leads to its body.
type foundItem struct {
	*item
	upload sql.NullInt64 // of codex_upload
	data   []byte        // of codex_body; nil: no row
}

// finder reads the pages of one Get.
type finder struct {
	row          *itemScan
	upload, body sql.NullInt64
	data         sql.RawBytes
	bodies       []byte // of the page
}

func newFinder() *finder {
	f := &finder{}
	f.row = newItemScan(&f.upload, &f.body, &f.data)
	return f
}

// find reads the records of a page, in no order. The bodies of the page before are
// dead then.
func (b *Backend) find(ctx context.Context, page []sdk.Tombstone, f *finder) (map[sdk.Tombstone]*foundItem, error) {
	found := make(map[sdk.Tombstone]*foundItem, len(page))
	f.bodies = f.bodies[:0]
	err := b.read(ctx, "get", func(ctx context.Context, db *conn) error {
		if len(page) == 0 {
			return nil
		}
		in, args := b.d.in("i.tombstone", Bytes, ids(page))
		return db.query(ctx, selectItems+", u.id, d.artifact, d.data"+fromItems+`
			LEFT JOIN codex_upload u ON u.artifact = a.id
			LEFT JOIN codex_body d ON d.artifact = a.id
			WHERE `+in, append(f.row.begin(), args...), func(scan scan) error {
			it, err := f.row.next(scan)
			if err != nil {
				return err
			}
			one := &foundItem{item: it, upload: f.upload}
			if f.body.Valid {
				one.data = keep(&f.bodies, f.data)
			}
			found[it.Tombstone] = one
			return nil
		})
	})
	return found, err
}

// keep appends data to all and returns the copy, which is not nil. When all has
// to grow, what was kept before stays where it is.
func keep(all *[]byte, data []byte) []byte {
	if *all == nil || cap(*all)-len(*all) < len(data) {
		*all = make([]byte, 0, max(len(data), min(2*cap(*all), foundRows*sdk.SmallBody)))
	}
	from := len(*all)
	*all = append(*all, data...)
	return (*all)[from:len(*all):len(*all)]
}

// found turns what was read into an answer. The body, if there is one, is to
// be ended after the loop body.
func (b *Backend) found(ctx context.Context, id sdk.Tombstone, f *foundItem) (sdk.GetResult, *storedBody) {
	if f == nil {
		return sdk.GetResult{Record: sdk.Record{Tombstone: id}, Err: verdictOn(id, sdk.NotFound, "no such tombstone")}, nil
	}
	if err := f.err(); err != nil {
		return sdk.GetResult{Record: sdk.Record{Tombstone: id}, Err: b.wrap(ctx, "get", err)}, nil
	}
	one := sdk.GetResult{Record: f.Record}
	one.Record.Tags, one.Record.Metadata = slices.Clone(f.Tags), maps.Clone(f.Metadata) // the same id may come twice
	switch {
	case !f.PurgedAt.IsZero():
		one.Err = verdictOn(id, sdk.Purged, "its content was purged on "+f.PurgedAt.Format("2006-01-02"))
		return one, nil
	case !f.present:
		one.Err = verdictOn(id, sdk.ContentAbsent, "the archive does not have its content")
		return one, nil
	}
	body, checked := b.newBody(ctx, f)
	one.Body = checked
	return one, body
}

func verdictOn(id sdk.Tombstone, kind sdk.Kind, msg string) *sdk.Error {
	return &sdk.Error{Kind: kind, Op: "get", Msg: msg, Tombstones: []sdk.Tombstone{id}, Retry: kind.Temporary()}
}

// storedBody reads the body of one record. It ends with the turn of the record
// in the loop.
type storedBody struct {
	ctx   context.Context // of the Get, which the loop body cannot outlive
	b     *Backend
	f     *foundItem
	r     io.Reader
	whole bytes.Reader // a body of one row
	dead  bool
}

// newBody returns the body of f, and the same checked.
func (b *Backend) newBody(ctx context.Context, f *foundItem) (*storedBody, *sdk.BodyReader) {
	stored := &storedBody{ctx: ctx, b: b, f: f}
	if f.upload.Valid {
		stored.r = chunkReader(ctx, f.upload.Int64, b.chunks)
	} else {
		stored.whole.Reset(f.data)
		stored.r = &stored.whole
	}
	checked := sdk.NewBodyReader(stored, f.Content.WithoutBodyHash(), f.Tombstone)
	checked.Explain = stored.explain
	return stored, checked
}

// Read implements [io.Reader].
func (r *storedBody) Read(p []byte) (int, error) {
	if r.dead {
		return 0, &sdk.Error{Kind: sdk.Invalid, Op: "get", Msg: "the body was read after its loop had gone on"}
	}
	if err := r.b.alive(r.ctx, "get"); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	if err == io.EOF && !r.f.upload.Valid && r.f.data == nil {
		err = verdictOn(r.f.Tombstone, sdk.Corrupt, "the stored body is missing")
	}
	return n, err
}

// end makes the reader dead.
func (r *storedBody) end() { r.r, r.dead = nil, true }

// explain says what a body means that is not what was recorded: the content may
// have been purged or replaced since the record was read.
func (r *storedBody) explain(corrupt error) error {
	now, err := r.b.find(r.ctx, []sdk.Tombstone{r.f.Tombstone}, newFinder())
	if err != nil {
		return err
	}
	f := now[r.f.Tombstone]
	switch {
	case f != nil && f.recordErr == nil && !f.PurgedAt.IsZero():
		return verdictOn(f.Tombstone, sdk.Purged, "its content was purged while it was read")
	case f != nil && f.upload != r.f.upload:
		return verdictOn(f.Tombstone, sdk.Busy, "its content was replaced while it was read")
	}
	return r.b.wrap(r.ctx, "get", corrupt)
}

// chunks appends some pieces of an upload to data, with a connection of its own.
func (b *Backend) chunks(ctx context.Context, data []byte, upload, from int64) (_ []byte, n int, err error) {
	err = b.read(ctx, "get", func(ctx context.Context, db *conn) (err error) {
		data, n, err = db.chunks(ctx, data, upload, from)
		return err
	})
	return data, n, err
}

// chunks appends some pieces of an upload to data, in one short statement. A gap
// in their numbers ends them.
func (db *conn) chunks(ctx context.Context, data []byte, upload, from int64) (_ []byte, n int, err error) {
	err = db.query(ctx, "SELECT seq, data FROM codex_artifact_chunk WHERE upload = ? AND seq >= ? AND seq < ? ORDER BY seq",
		[]any{upload, from, from + int64(db.b.limits.chunkRows)}, func(scan scan) error {
			var seq int64
			var piece sql.RawBytes
			if err := scan(&seq, &piece); err != nil {
				return err
			}
			if seq != from+int64(n) {
				return errEnough
			}
			data = append(data, piece...)
			n++
			return nil
		})
	return data, n, err
}
