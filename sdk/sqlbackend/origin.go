package sqlbackend

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// origin names a row of codex_origin: what the records of a set have in common.
// A set has as many of them as its records differ in.
type origin struct {
	set  sdk.ID
	hash [16]byte // of all columns but the set
}

// originRow is the row of a record, in the order of insertOrigin, and its name.
// Keys of names are left to the caller.
func originOf(r *sdk.Record) (o origin, tags, metadata string, err error) {
	if tags, err = encodeJSON(r.Tags, len(r.Tags)); err != nil {
		return o, "", "", err
	}
	if metadata, err = encodeJSON(r.Metadata, len(r.Metadata)); err != nil {
		return o, "", "", err
	}
	hash := originHash(r.Commit, r.Reason, r.ContentKind, r.Note, tags, metadata, string(r.Type), string(r.WorkTreeState), r.Host)
	return origin{r.Set, hash}, tags, metadata, nil
}

// originHash is the hash of the columns but the set, in the order of insertOrigin.
func originHash(columns ...string) [16]byte {
	var text []byte
	for _, column := range columns {
		text = binary.AppendUvarint(text, uint64(len(column)))
		text = append(text, column...)
	}
	sum := sha256.Sum256(text)
	return [16]byte(sum[:])
}

func orderOrigins(x, y origin) int {
	return cmp.Or(bytes.Compare(x.set[:], y.set[:]), bytes.Compare(x.hash[:], y.hash[:]))
}

var insertOrigin = insert{
	table: "codex_origin",
	columns: []column{
		{"set_id", Bytes}, {"hash", Bytes}, {"revision", Int}, {"reason", Int}, {"kind", Int}, {"note", Text},
		{"tags", Text}, {"metadata", Text}, {"file_type", Text}, {"work_state", Text}, {"host", Text},
	},
	skipTaken: true,
	returning: "id, set_id, hash",
}

// originKeys returns the key of the origin of each entry, making rows for new
// ones. The caller hands the result to the cache after the commit.
func (b *Backend) originKeys(ctx context.Context, db *conn, entries []*entry, names map[string]int64) (map[origin]int64, error) {
	rows := map[origin][]any{}
	var all []origin
	for _, e := range entries {
		r := &e.record
		o, tags, metadata, err := originOf(r)
		if err != nil {
			return nil, err
		}
		if e.origin = o; rows[o] != nil {
			continue
		}
		all = append(all, o)
		rows[o] = []any{
			o.set[:], o.hash[:], names[r.Commit], names[r.Reason], names[r.ContentKind], r.Note,
			tags, metadata, string(r.Type), string(r.WorkTreeState), r.Host,
		}
	}
	slices.SortFunc(all, orderOrigins)
	keys, missing := b.origins.lookup(all)
	add := func(scan scan) error {
		key, o, err := scanOrigin(scan)
		keys[o] = key
		return err
	}
	if err := selectOrigins(ctx, db, missing, add); err != nil {
		return nil, err
	}
	if err := insertOrigins(ctx, db, missing, rows, keys, add); err != nil {
		return nil, err
	}
	for _, o := range all {
		if _, known := keys[o]; !known {
			return nil, counted(0, 1)
		}
	}
	return keys, nil
}

// insertOrigins inserts those of missing that have no key.
func insertOrigins(ctx context.Context, db *conn, missing []origin, rows map[origin][]any, keys map[origin]int64, add func(scan) error) error {
	var fresh [][]any
	for _, o := range missing {
		if _, known := keys[o]; !known {
			fresh = append(fresh, rows[o])
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := insertOrigin.rows(ctx, db, fresh, add); err != nil {
		return err
	}
	// What is missing now was inserted by another transaction meanwhile.
	return selectOrigins(ctx, db, missing, add)
}

// selectOrigins asks for those of one set at a time.
func selectOrigins(ctx context.Context, db *conn, all []origin, row func(scan) error) error {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].set == all[0].set {
			n++
		}
		hashes := make([]any, n)
		for i := range n {
			hashes[i] = all[i].hash[:]
		}
		in, args := db.b.d.in("hash", Bytes, hashes)
		err := db.query(ctx, "SELECT id, set_id, hash FROM codex_origin WHERE set_id = ? AND "+in, append([]any{all[0].set[:]}, args...), row)
		if err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func scanOrigin(scan scan) (key int64, o origin, err error) {
	var set, hash sql.RawBytes
	if err := scan(&key, &set, &hash); err != nil {
		return 0, o, err
	}
	copy(o.set[:], set) // they were asked for by these values
	copy(o.hash[:], hash)
	return key, o, nil
}
