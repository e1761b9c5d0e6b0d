// Package layout says how an archive lies in a key/value store: its keys and the
// rows under them.
package layout

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Version of the layout.
const Version = 1

// The first bytes of keys.
const (
	meta    = 'm'
	record  = 'r'
	custody = 'h'
	content = 'c'
	piece   = 'b'
	upload  = 'u'
	live    = 'l'
	held    = 'k'
	purged  = 'p'
	event   = 'e'
	eventOf = 'v'
	index   = 'i'
)

// Meta is the row of the archive itself.
type Meta struct {
	Archive sdk.ID
	Version int
}

// Content is the row of one content. It is kept for ever.
type Content struct {
	Content sdk.Content
	Body    sdk.ID // of the pieces; zero: purged
}

// contentSize is the size of a row without the codec: body, size, stored size,
// CRC-32C and SHA-256 of the body.
const contentSize = 16 + 8 + 8 + 4 + 32

// Encode returns the row. It is not JSON, because to count what is retrievable is
// to read each of them.
func (c *Content) Encode() []byte {
	row := make([]byte, 0, contentSize+len(c.Content.Codec))
	row = append(row, c.Body[:]...)
	row = binary.BigEndian.AppendUint64(row, uint64(c.Content.Size))
	row = binary.BigEndian.AppendUint64(row, uint64(c.Content.StoredSize))
	row = binary.BigEndian.AppendUint32(row, c.Content.CRC32C)
	row = append(row, c.Content.StoredSHA256[:]...)
	return append(row, c.Content.Codec...)
}

// DecodeContent reads the row of a content.
func DecodeContent(d sdk.Digest, row []byte) (c Content, err error) {
	if len(row) < contentSize {
		return c, sdk.Errorf(sdk.Corrupt, "the row of content %v has length %d", d, len(row))
	}
	c.Body = sdk.ID(row[:16])
	c.Content = sdk.Content{
		SHA256: d, Size: int64(binary.BigEndian.Uint64(row[16:])), Codec: sdk.Codec(row[contentSize:]),
		StoredSize: int64(binary.BigEndian.Uint64(row[24:])), CRC32C: binary.BigEndian.Uint32(row[32:]), StoredSHA256: sdk.Digest(row[36:contentSize]),
	}
	return c, nil
}

// Upload is the row of a body on its way.
type Upload struct {
	Touched time.Time // zero: it is being removed
}

// MetaKey is the key of [Meta].
func MetaKey() []byte { return []byte{meta} }

// RecordKey is the key of an [sdk.Record].
func RecordKey(t sdk.Tombstone) []byte { return key(record, t[:]) }

// RecordPrefix begins the keys of all records. Their tombstones follow.
func RecordPrefix() []byte { return []byte{record} }

// CustodyKey is the key of the [sdk.Custody] of a record that has had events.
func CustodyKey(t sdk.Tombstone) []byte { return key(custody, t[:]) }

// CustodyPrefix begins the keys of all custodies. Their tombstones follow.
func CustodyPrefix() []byte { return []byte{custody} }

// ContentKey is the key of [Content].
func ContentKey(d sdk.Digest) []byte { return key(content, d[:]) }

// ContentPrefix begins the keys of all contents. Their SHA-256 follow.
func ContentPrefix() []byte { return []byte{content} }

// BodyPrefix begins the keys of the pieces of all bodies. The ids of these follow.
func BodyPrefix() []byte { return []byte{piece} }

// PiecePrefix begins the keys of the pieces of a body.
func PiecePrefix(body sdk.ID) []byte { return key(piece, body[:]) }

// PieceKey is the key of a piece of at most [sdk.ChunkSize] bytes.
func PieceKey(body sdk.ID, seq int) []byte {
	return binary.BigEndian.AppendUint32(PiecePrefix(body), uint32(seq))
}

// UploadKey is the key of [Upload]. The pieces are those of a body of the same id.
func UploadKey(body sdk.ID) []byte { return key(upload, body[:]) }

// UploadPrefix begins the keys of all uploads. Their ids follow.
func UploadPrefix() []byte { return []byte{upload} }

// LivePrefix begins the keys of the live records of all contents.
func LivePrefix() []byte { return []byte{live} }

// LiveOf begins the keys of the live records of one content.
func LiveOf(d sdk.Digest) []byte { return key(live, d[:]) }

// LiveKey says that a live record needs a content.
func LiveKey(d sdk.Digest, t sdk.Tombstone) []byte { return key(live, d[:], t[:]) }

// ParseLive reads a LiveKey.
func ParseLive(k []byte) (d sdk.Digest, t sdk.Tombstone) {
	copy(d[:], k[1:])
	copy(t[:], k[1+len(d):])
	return d, t
}

// HeldPrefix begins the keys of the live records of which a hold is active.
func HeldPrefix() []byte { return []byte{held} }

// HeldKey says that a hold of a live record is active.
func HeldKey(t sdk.Tombstone) []byte { return key(held, t[:]) }

// PurgedPrefix begins the keys of the purged records.
func PurgedPrefix() []byte { return []byte{purged} }

// PurgedKey says that a record is purged.
func PurgedKey(t sdk.Tombstone) []byte { return key(purged, t[:]) }

// EventKey is the key of the tombstone that an event is about.
func EventKey(id sdk.ID) []byte { return key(event, id[:]) }

// EventPrefix begins the keys of the ids of all events. The ids follow.
func EventPrefix() []byte { return []byte{event} }

// EventsPrefix begins the keys of all events but ARCHIVE events. Tombstone and id
// follow.
func EventsPrefix() []byte { return []byte{eventOf} }

// EventsOf begins the keys of the events of one record but its ARCHIVE event,
// which the record itself is.
func EventsOf(t sdk.Tombstone) []byte { return key(eventOf, t[:]) }

// EventOfKey is the key of an [sdk.Event].
func EventOfKey(t sdk.Tombstone, id sdk.ID) []byte { return key(eventOf, t[:], id[:]) }

// Field is what an index is of.
type Field byte

// The fields.
const (
	All    Field = '*' // every record, under the value ""
	Repo   Field = 'r'
	Actor  Field = 'a'
	Reason Field = 'n'
	Tag    Field = 't'
	Set    Field = 's'
	SHA256 Field = 'c'
	Own    Field = 'o' // no field: the events of the archive, under the value ""
)

// IndexPrefix begins the keys of all indexes.
func IndexPrefix() []byte { return []byte{index} }

// IndexOf begins the keys of the records that have this value. An [Order] follows.
// Values of any length take 16 bytes of their SHA-256.
func IndexOf(f Field, value string) []byte {
	sum := sha256.Sum256([]byte(value))
	return key(index, []byte{byte(f)}, sum[:16])
}

// Indexes are the beginnings of the keys under which r is found.
func Indexes(r *sdk.Record) [][]byte {
	all := [][]byte{
		IndexOf(All, ""), IndexOf(Repo, r.Repo), IndexOf(Actor, r.ArchivedBy), IndexOf(Reason, r.Reason),
		IndexOf(Set, string(r.Set[:])), IndexOf(SHA256, string(r.Content.SHA256[:])),
	}
	for _, tag := range r.Tags {
		all = append(all, IndexOf(Tag, tag))
	}
	return all
}

// Order sorts records as List does: by time, then by tombstone, both descending.
type Order [8 + 16]byte

// OrderOf returns the place of a record.
func OrderOf(at time.Time, t sdk.Tombstone) (o Order) {
	binary.BigEndian.PutUint64(o[:], ^(uint64(at.UnixMicro()) ^ 1<<63))
	for i, c := range t {
		o[8+i] = ^c
	}
	return o
}

// Tombstone returns that of the record.
func (o Order) Tombstone() (t sdk.Tombstone) {
	for i := range t {
		t[i] = ^o[8+i]
	}
	return t
}

// key joins the parts of a key.
func key(first byte, parts ...[]byte) []byte {
	k := make([]byte, 1, 64)
	k[0] = first
	for _, part := range parts {
		k = append(k, part...)
	}
	return k
}
