package sqlbackend

import (
	"bytes"
	"cmp"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
)

var insertItem = insert{
	table: "codex_item",
	columns: []column{
		{"tombstone", Bytes}, {"event", Bytes}, {"artifact", Int}, {"origin", Int}, {"repo", Int}, {"actor", Int},
		{"directory", Int}, {"name", Bytes}, {"work_name", Bytes}, {"file_mode", Int}, {"file_mtime", Int}, {"archived_at", Int},
		{"retain_until", Int}, {"retain_at_store", Int}, {"digest", Bytes}, {"git_blob", Bytes},
	},
}

// itemKeys are the keys of the rows that a record leans on.
type itemKeys struct {
	artifact, origin, repo, actor, directory int64
}

// itemRow is the row of r in the order of insertItem.
func itemRow(r *sdk.Record, k itemKeys) ([]any, error) {
	blob, err := hex.DecodeString(r.GitBlob)
	if err != nil {
		return nil, err
	}
	_, name := splitPath(r.Path)
	return []any{
		r.Tombstone[:], eventColumn(r), k.artifact, k.origin, k.repo, k.actor,
		k.directory, []byte(name), workName(r), int64(r.Mode), micros(r.ModTime), micros(r.ArchivedAt),
		micros(r.RetainUntil), micros(r.RetainAtStore), r.Digest[:], blob,
	}, nil
}

// eventColumn is NULL for a record whose event has its own id: a second index
// of random ids would cost every Put more than anything else.
func eventColumn(r *sdk.Record) any {
	if r.Event == r.Tombstone {
		return nil
	}
	return r.Event[:]
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
const selectItems = `SELECT i.id, i.tombstone, i.event, i.name, COALESCE(i.work_name, i.name),
	i.file_mode, i.file_mtime, i.archived_at, i.retain_until, i.purged_at, i.retain_at_store, i.digest, i.git_blob,
	i.origin, o.set_id, o.note, o.tags, o.metadata, o.file_type, o.work_state, o.host, v.name, n.name, k.name,
	i.directory, p.id, p.path, CASE WHEN p.work_path IS NULL THEN 0 ELSE 1 END, p.work_path,
	i.repo, r.name, i.actor, w.name,
	a.id, a.sha256, a.size, a.codec, a.stored_size, a.crc32c, a.stored_sha256, a.present`

// fromItems has the arguments of itemScan.begin: rows with these keys are not read
// again.
const fromItems = ` FROM codex_item i
	LEFT JOIN codex_artifact a ON a.id = i.artifact
	LEFT JOIN codex_origin o ON o.id = NULLIF(i.origin, ?)
	LEFT JOIN codex_directory p ON p.id = NULLIF(i.directory, ?)
	LEFT JOIN codex_name r ON r.id = NULLIF(i.repo, ?)
	LEFT JOIN codex_name w ON w.id = NULLIF(i.actor, ?)
	LEFT JOIN codex_name v ON v.id = o.revision
	LEFT JOIN codex_name n ON n.id = o.reason
	LEFT JOIN codex_name k ON k.id = o.kind`

// item is a record with the keys of its rows.
type item struct {
	sdk.Record
	key      int64 // of codex_item
	artifact int64 // of codex_artifact
	present  bool

	// Why the row, or that of its content, cannot be read. Of the record only the
	// tombstone counts then; but if only the row of its content is wrong, and has the
	// SHA-256, the record can be listed.
	recordErr, contentErr error
	listed                bool
	id                    []byte // the tombstone as it is in the row
	archived              sql.NullInt64
}

// listErr is why the record cannot be listed.
func (i *item) listErr() error {
	if i.recordErr == nil && i.listed {
		return nil
	}
	return i.err()
}

// err is why the record cannot be returned with its body.
func (i *item) err() error {
	if i.recordErr != nil {
		return i.recordErr
	}
	return i.contentErr
}

// itemScan reads rows of selectItems, with as little garbage as possible: it is
// used again for each row of a query, and for the queries of one call. A value
// that is missing or wrong makes the row unreadable and is no error of the query.
type itemScan struct {
	key                              int64
	tombstone, event, sha, storedSHA sql.RawBytes
	name, workName, digest, gitBlob  sql.RawBytes
	mode, mtime, archived, retained  sql.NullInt64
	purged, retainAtStore            sql.NullInt64
	artifact, size, stored, crc      sql.NullInt64
	present                          sql.NullInt64
	codec                            sql.NullString
	shared                           shared // of the row
	known                            shared // before the query
	last                             shared // to be known by the next one
	into                             []any
}

// newItemScan also scans into more what a query selects after selectItems.
func newItemScan(more ...any) *itemScan {
	x := &itemScan{}
	s := &x.shared
	x.into = append([]any{
		&x.key, &x.tombstone, &x.event, &x.name, &x.workName,
		&x.mode, &x.mtime, &x.archived, &x.retained, &x.purged, &x.retainAtStore, &x.digest, &x.gitBlob,
		&s.originKey, &s.origin.set, &s.origin.note, &s.origin.tags, &s.origin.metadata, &s.origin.fileType, &s.origin.state,
		&s.origin.host, &s.origin.commit, &s.origin.reason, &s.origin.kind,
		&s.directoryKey, &s.directory.key, &s.directory.path, &s.directory.inWorkTree, &s.directory.work,
		&s.repoKey, &s.repo, &s.actorKey, &s.actor,
		&x.artifact, &x.sha, &x.size, &x.codec, &x.stored, &x.crc, &x.storedSHA, &x.present,
	}, more...)
	return x
}

// begin returns the arguments of fromItems. It comes before each query.
func (x *itemScan) begin() []any {
	x.known = x.last
	return []any{x.known.originKey, x.known.directoryKey, x.known.repoKey, x.known.actorKey}
}

// next reads one row.
func (x *itemScan) next(scan scan) (*item, error) {
	if err := scan(x.into...); err != nil {
		return nil, err
	}
	x.shared.complete(&x.known)
	x.last.follow(&x.shared)
	i := &item{key: x.key, artifact: x.artifact.Int64, present: x.present.Int64 != 0, archived: x.archived}
	copy(i.Tombstone[:], x.tombstone)
	if i.contentErr = x.content(&i.Content); i.contentErr != nil {
		i.contentErr = unreadable(i.Tombstone, i.contentErr)
		i.Content, i.listed = x.wanted()
	}
	if i.recordErr = x.record(&i.Record); i.recordErr != nil {
		i.recordErr, i.id = unreadable(i.Tombstone, i.recordErr), bytes.Clone(x.tombstone)
	}
	return i, nil
}

// unreadable says that a row is not what a backend wrote. The zero id is that of an
// event of the archive.
func unreadable(id sdk.Tombstone, err error) error {
	msg := err.Error()
	if e := sdk.AsError(err); e != nil {
		msg = e.Msg
	}
	failure := sdk.Errorf(sdk.Corrupt, "the row in the database cannot be read: %s", msg)
	if id.IsZero() {
		return failure
	}
	return failure.About(id)
}

// content reads the row of the content.
func (x *itemScan) content(c *sdk.Content) error {
	for _, v := range []sql.NullInt64{x.artifact, x.size, x.stored, x.crc, x.present} {
		if !v.Valid {
			return sdk.Errorf(sdk.Corrupt, "its content, or a value of it, is missing")
		}
	}
	c.Size, c.StoredSize, c.Codec, c.CRC32C = x.size.Int64, x.stored.Int64, sdk.Codec(x.codec.String), uint32(x.crc.Int64)
	switch {
	case c.Size < 0 || c.StoredSize < 0 || max(c.Size, c.StoredSize) > sdk.MaxSize:
		return sdk.Errorf(sdk.Corrupt, "a size is negative, or more than any file has")
	case int64(c.CRC32C) != x.crc.Int64:
		return sdk.Errorf(sdk.Corrupt, "the CRC-32C %d is none", x.crc.Int64)
	case !isCodec(x.codec.String):
		return sdk.Errorf(sdk.Corrupt, "the codec is missing or no word")
	}
	return errors.Join(fixed("SHA-256", x.sha, c.SHA256[:]), fixed("SHA-256 of the body", x.storedSHA, c.StoredSHA256[:]))
}

func isCodec(word string) bool {
	return word != "" && len(word) <= sdk.MaxName && utf8.ValidString(word)
}

// wanted is what can be said of a content whose row is wrong, and whether that is
// enough to ask for it again.
func (x *itemScan) wanted() (c sdk.Content, ok bool) {
	c = sdk.Content{Codec: sdk.None, StoredSize: -1}
	if 0 <= x.size.Int64 && x.size.Int64 <= sdk.MaxSize {
		c.Size = x.size.Int64
	}
	if isCodec(x.codec.String) { // it says whether the content was encrypted
		c.Codec = sdk.Codec(x.codec.String)
	}
	return c, fixed("SHA-256", x.sha, c.SHA256[:]) == nil
}

// record reads all but the content.
func (x *itemScan) record(r *sdk.Record) error {
	o, d := &x.shared.origin, &x.shared.directory
	for _, v := range []sql.NullString{
		o.note, o.tags, o.metadata, x.shared.repo, o.commit, o.reason, o.kind, x.shared.actor, o.fileType, o.state, o.host,
	} {
		if !v.Valid {
			return sdk.Errorf(sdk.Corrupt, "a text is missing")
		}
	}
	if !d.key.Valid {
		return sdk.Errorf(sdk.Corrupt, "the directory is missing")
	}
	if !x.mode.Valid || x.mode.Int64 != int64(uint32(x.mode.Int64)) {
		return sdk.Errorf(sdk.Corrupt, "the mode is missing or out of range")
	}
	if err := cmp.Or(
		fixed("tombstone", x.tombstone, r.Tombstone[:]), fixed("event id", eventOf(x.event, x.tombstone), r.Event[:]),
		fixed("digest", x.digest, r.Digest[:]), fixed("set", o.set, r.Set[:]),
	); err != nil {
		return err
	}
	r.Path, r.Note = string(d.path)+string(x.name), o.note.String
	if d.inWorkTree != 0 {
		r.WorkTreePath = string(d.work) + string(x.workName)
	}
	r.Repo, r.Commit, r.Reason, r.ContentKind, r.ArchivedBy = x.shared.repo.String, o.commit.String, o.reason.String, o.kind.String, x.shared.actor.String
	r.Type, r.GitBlob, r.WorkTreeState, r.Host = sdk.FileType(o.fileType.String), hex.EncodeToString(x.gitBlob), sdk.WorkTreeState(o.state.String), o.host.String
	r.Mode, r.ModTime, r.ArchivedAt = uint32(x.mode.Int64), fromMicros(x.mtime), fromMicros(x.archived)
	r.RetainUntil, r.PurgedAt, r.RetainAtStore = fromMicros(x.retained), fromMicros(x.purged), fromMicros(x.retainAtStore)
	if decodeJSON(o.tags.String, &r.Tags) != nil || decodeJSON(o.metadata.String, &r.Metadata) != nil {
		return sdk.Errorf(sdk.Corrupt, "tags or metadata are no JSON")
	}
	return validRow(r)
}

// eventOf is the id of a record's event, by its column and the tombstone.
func eventOf(event, tombstone []byte) []byte {
	if event == nil {
		return tombstone
	}
	return event
}

// validRow checks a record as the host does, whatever its content is.
func validRow(r *sdk.Record) error {
	checked := *r
	checked.Content = sdk.Content{Codec: sdk.None, StoredSize: -1}
	return checked.Validate()
}

// fixed copies a value that must fill into.
func fixed(what string, value, into []byte) error {
	if len(value) != len(into) {
		return sdk.Errorf(sdk.Corrupt, "a %s in the database has length %d instead of %d", what, len(value), len(into))
	}
	copy(into, value)
	return nil
}
