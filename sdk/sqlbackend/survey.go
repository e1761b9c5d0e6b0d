package sqlbackend

import (
	"bytes"
	"context"
	"database/sql"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// kept is what the archive has of one content.
type kept struct {
	sdk.Content       // as its row says
	key         int64 // of codex_artifact
	upload      sql.NullInt64
	present     bool // its row says so: 0 after a purge
	intact      bool // this call has read the body, and it is what the row says
}

// sameRow reports whether the row is still the one that o was read from.
func (k *kept) sameRow(o *kept) bool {
	return k.Content == o.Content && k.key == o.key && k.upload == o.upload && k.present == o.present
}

// survey is what the archive has of the contents of a Put, before its
// transaction.
type survey map[sdk.Digest]*kept

// look adds contents that are not in the survey, and reads the bodies that are
// present. A transaction then only has to see that their rows are the same.
func (v survey) look(ctx context.Context, b *Backend, contents []sdk.Digest) error {
	contents = slices.DeleteFunc(slices.Clone(contents), func(d sdk.Digest) bool { return v[d] != nil })
	if len(contents) == 0 {
		return nil
	}
	var found []*kept
	err := b.read(ctx, "put", func(ctx context.Context, db *conn) (err error) {
		found, err = db.findContents(ctx, contents, "")
		return err
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(found, foundRows) {
		err := b.read(ctx, "put", func(ctx context.Context, db *conn) error { return db.checkSmall(ctx, some) })
		if err != nil {
			return err
		}
	}
	for _, k := range found {
		if k.upload.Valid {
			if err := k.checkChunks(ctx, b.chunks); err != nil {
				return err
			}
		}
		v[k.SHA256] = k
	}
	return nil
}

const selectContents = `SELECT id, sha256, size, codec, stored_size, crc32c, stored_sha256, present,
	(SELECT max(u.id) FROM codex_upload u WHERE u.artifact = codex_artifact.id) FROM codex_artifact WHERE `

// findContents reads the rows of contents, in the order of their SHA-256, and
// locks them as lock says. A row that cannot be read is never intact.
func (db *conn) findContents(ctx context.Context, contents []sdk.Digest, lock string) (found []*kept, err error) {
	keys := make([]any, len(contents))
	for i := range contents {
		keys[i] = contents[i][:]
	}
	in, args := db.b.d.in("sha256", Bytes, keys)
	var sha, storedSHA sql.RawBytes
	var size, storedSize, crc, present sql.NullInt64
	var codec sql.NullString
	err = db.query(ctx, selectContents+in+" ORDER BY sha256"+lock, args, func(scan scan) error {
		k := &kept{}
		if err := scan(&k.key, &sha, &size, &codec, &storedSize, &crc, &storedSHA, &present, &k.upload); err != nil {
			return err
		}
		if err := fixed("SHA-256", sha, k.SHA256[:]); err != nil {
			return err // it was asked for by this value
		}
		copy(k.StoredSHA256[:], storedSHA)
		k.Size, k.StoredSize, k.Codec = size.Int64, storedSize.Int64, sdk.Codec(codec.String)
		k.CRC32C, k.present = uint32(crc.Int64), present.Int64 != 0
		if !size.Valid || !storedSize.Valid || crc.Int64 != int64(k.CRC32C) || len(storedSHA) != len(k.StoredSHA256) {
			k.Codec = "" // not plausible
		}
		found = append(found, k)
		return nil
	})
	return found, err
}

// checkSmall reads the bodies of one row each among some contents.
func (db *conn) checkSmall(ctx context.Context, some []*kept) error {
	byKey := map[int64]*kept{}
	var keys []any
	for _, k := range some {
		if k.present && !k.upload.Valid && k.Plausible() {
			byKey[k.key] = k
			keys = append(keys, k.key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	in, args := db.b.d.in("artifact", Int, keys)
	return db.query(ctx, "SELECT artifact, data FROM codex_body WHERE "+in, args, func(scan scan) error {
		var key int64
		var data sql.RawBytes
		if err := scan(&key, &data); err != nil {
			return err
		}
		k := byKey[key]
		k.intact = k.Intact(bytes.NewReader(data))
		return nil
	})
}

// readChunks appends some pieces of an upload, from one on, to data.
type readChunks func(ctx context.Context, data []byte, upload, from int64) (_ []byte, n int, err error)

// chunkReader reads an upload with read. ctx is that of the call.
func chunkReader(ctx context.Context, upload int64, read readChunks) *sdk.PieceReader {
	return &sdk.PieceReader{Next: func(data []byte, piece int) ([]byte, int, error) { return read(ctx, data, upload, int64(piece)) }}
}

// checkChunks reads a body in pieces.
func (k *kept) checkChunks(ctx context.Context, read readChunks) error {
	if !k.present || !k.Plausible() {
		return nil
	}
	var err error
	k.intact, err = chunkReader(ctx, k.upload.Int64, read).Intact(k.Content)
	return err
}

// check reads the body again with one connection, inside a transaction.
func (k *kept) check(ctx context.Context, db *conn) error {
	if !k.upload.Valid {
		return db.checkSmall(ctx, []*kept{k})
	}
	return k.checkChunks(ctx, db.chunks)
}
