package sqlbackend

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/codex-archive/codex/sdk"
)

var insertItem = insert{
	table: "codex_item",
	columns: []column{
		{"tombstone", Bytes}, {"event", Bytes}, {"artifact", Int}, {"repo", Int}, {"path", Bytes}, {"work_path", Bytes},
		{"revision", Int}, {"reason", Int}, {"kind", Int}, {"note", Text}, {"tags", Text}, {"metadata", Text},
		{"file_mode", Int}, {"file_mtime", Int}, {"actor", Int}, {"archived_at", Int}, {"retain_until", Int},
		{"retain_at_store", Int}, {"digest", Bytes}, {"set_id", Bytes}, {"file_type", Text}, {"git_blob", Text}, {"work_state", Text}, {"host", Text},
	},
}

// itemNames are the texts of r that codex_name keeps.
func itemNames(r *sdk.Record) []string {
	return append([]string{r.Repo, r.Commit, r.Reason, r.ContentKind, r.ArchivedBy}, r.Tags...)
}

// itemRow is the row of r in the order of insertItem.
func itemRow(r *sdk.Record, artifact int64, names map[string]int64) ([]any, error) {
	tags, err := encodeJSON(r.Tags, len(r.Tags))
	if err != nil {
		return nil, err
	}
	metadata, err := encodeJSON(r.Metadata, len(r.Metadata))
	if err != nil {
		return nil, err
	}
	return []any{
		r.Tombstone[:], r.Event[:], artifact, names[r.Repo], []byte(r.Path), []byte(r.WorkTreePath),
		names[r.Commit], names[r.Reason], names[r.ContentKind], r.Note, tags, metadata,
		int64(r.Mode), micros(r.ModTime), names[r.ArchivedBy], micros(r.ArchivedAt), micros(r.RetainUntil),
		micros(r.RetainAtStore), r.Digest[:], r.Set[:], string(r.Type), r.GitBlob, string(r.WorkTreeState), r.Host,
	}, nil
}

// encodeJSON writes v as JSON, nothing as "".
func encodeJSON(v any, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

func decodeJSON(text string, v any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

// micros is t as the database keeps it, nil for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func fromMicros(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return time.UnixMicro(us.Int64).UTC()
}

// selectItems reads records; what it selects is scanned by itemScan. Outer
// joins keep planners from beginning with a small table.
const selectItems = `SELECT i.id, i.tombstone, i.event, i.path, i.work_path, i.note, i.tags, i.metadata,
	i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at,
	i.retain_at_store, i.digest, i.set_id, i.file_type, i.git_blob, i.work_state, i.host,
	r.name, v.name, n.name, k.name, w.name,
	a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.stored_sha256, a.present`

const fromItems = ` FROM codex_item i
	LEFT JOIN codex_artifact a ON a.id = i.artifact
	LEFT JOIN codex_name r ON r.id = i.repo
	LEFT JOIN codex_name v ON v.id = i.revision
	LEFT JOIN codex_name n ON n.id = i.reason
	LEFT JOIN codex_name k ON k.id = i.kind
	LEFT JOIN codex_name w ON w.id = i.actor`

// item is a record with the keys of its rows.
type item struct {
	sdk.Record
	key      int64 // of codex_item
	artifact int64 // of codex_artifact
	present  bool
}

// itemScan reads rows of selectItems, with as little garbage as possible: it is
// used again for each row of a query.
type itemScan struct {
	row                               item
	tombstone, event, sha             sql.RawBytes
	path, workPath                    sql.RawBytes
	digest, set, storedSHA            sql.RawBytes
	tags, metadata, codec             string
	mtime, archived, retained, purged sql.NullInt64
	retainAtStore                     sql.NullInt64
	present                           int64
	into                              []any
}

// newItemScan also scans into more what a query selects after selectItems.
func newItemScan(more ...any) *itemScan {
	x := &itemScan{}
	i := &x.row
	x.into = append([]any{
		&i.key, &x.tombstone, &x.event, &x.path, &x.workPath, &i.Note, &x.tags, &x.metadata,
		&i.Mode, &x.mtime, &x.archived, &x.retained, &x.purged,
		&x.retainAtStore, &x.digest, &x.set, &i.Type, &i.GitBlob, &i.WorkTreeState, &i.Host,
		&i.Repo, &i.Commit, &i.Reason, &i.ContentKind, &i.ArchivedBy,
		&i.artifact, &x.sha, &i.Content.Size, &x.codec, &i.Content.StoredSize, &i.Content.CRC32C, &x.storedSHA, &x.present,
	}, more...)
	return x
}

// next reads one row.
func (x *itemScan) next(scan scan) (*item, error) {
	if err := scan(x.into...); err != nil {
		return nil, err
	}
	i := x.row
	if err := fixed("tombstone", x.tombstone, i.Tombstone[:]); err != nil {
		return nil, err
	}
	if err := fixed("event id", x.event, i.Event[:]); err != nil {
		return nil, err
	}
	if err := fixed("SHA-256", x.sha, i.Content.SHA256[:]); err != nil {
		return nil, err
	}
	if err := fixed("SHA-256 of a body", x.storedSHA, i.Content.StoredSHA256[:]); err != nil {
		return nil, err
	}
	if err := fixed("digest", x.digest, i.Digest[:]); err != nil {
		return nil, err
	}
	if err := fixed("set", x.set, i.Set[:]); err != nil {
		return nil, err
	}
	i.Path, i.WorkTreePath = string(x.path), string(x.workPath)
	i.Content.Codec, i.present = sdk.Codec(x.codec), x.present == 1
	i.ModTime, i.ArchivedAt = fromMicros(x.mtime), fromMicros(x.archived)
	i.RetainUntil, i.PurgedAt, i.RetainAtStore = fromMicros(x.retained), fromMicros(x.purged), fromMicros(x.retainAtStore)
	if decodeJSON(x.tags, &i.Tags) != nil || decodeJSON(x.metadata, &i.Metadata) != nil {
		return nil, &sdk.Error{Kind: sdk.Corrupt, Msg: "tags or metadata are no JSON", Tombstones: []sdk.Tombstone{i.Tombstone}}
	}
	return &i, nil
}

// fixed copies a value that must fill into.
func fixed(what string, value, into []byte) error {
	if len(value) != len(into) {
		return sdk.Errorf(sdk.Corrupt, "a %s in the database has %d bytes instead of %d", what, len(value), len(into))
	}
	copy(into, value)
	return nil
}
