package sdk

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"
)

// digestBegin tells the digest of a record from the SHA-256 of anything else.
const digestBegin = "codex-archive record 1\n"

// ComputeDigest returns the digest of all that was said about r when it was
// stored: every field but RetainUntil, PurgedAt and Digest itself, and of the
// content only the hash and the size of the plain bytes. The host sets
// [Record.Digest] from it before Put; a backend stores it and never computes
// it. docs/format.md has the layout byte by byte, and test vectors.
func (r *Record) ComputeDigest() Digest { return sha256.Sum256(digestText(r)) }

// digestText returns the bytes that the digest of r is of.
func digestText(r *Record) []byte {
	d := digester(make([]byte, 0, 1<<10))
	d = append(d, digestBegin...)
	d.bytes(1, r.Tombstone[:])
	d.bytes(2, r.Event[:])
	d.bytes(3, binary.BigEndian.AppendUint64(r.Content.SHA256[:], uint64(r.Content.Size)))
	d.text(4, r.Repo)
	d.text(5, r.Path)
	d.text(6, r.WorkTreePath)
	d.text(7, r.Commit)
	d.text(8, r.Reason)
	d.text(9, r.ContentKind)
	d.text(10, r.Note)
	for _, tag := range r.Tags {
		d.text(11, tag)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Metadata)) {
		d.text(12, string(binary.BigEndian.AppendUint32(nil, uint32(len(k))))+k+r.Metadata[k])
	}
	if r.Mode != 0 {
		d.bytes(13, binary.BigEndian.AppendUint32(nil, r.Mode))
	}
	d.time(14, r.ModTime)
	d.text(15, r.ArchivedBy)
	d.time(16, r.ArchivedAt)
	d.time(20, r.RetainAtStore)
	d.bytes(21, r.Set[:])
	d.text(22, string(r.Type))
	d.text(23, r.GitBlob)
	d.text(24, string(r.WorkTreeState))
	d.text(25, r.Host)
	return d
}

// CheckDigest returns an error of kind [Corrupt] if r is not what was stored: if
// a field was changed in the database, or the record was tied to other content.
func (r *Record) CheckDigest() error {
	if got := r.ComputeDigest(); got != r.Digest {
		return &Error{Kind: Corrupt, Tombstones: []Tombstone{r.Tombstone},
			Msg: fmt.Sprintf("the record was changed in the archive: its digest is %v, stored was %v", got, r.Digest)}
	}
	return nil
}

// digester is the text that a digest is of: for each field its number in
// archive.proto and the length of its value, in 4 bytes each, big-endian, and
// the value. A field that is empty or absent is left out.
type digester []byte

func (d *digester) text(field uint32, value string) {
	if value != "" {
		*d = binary.BigEndian.AppendUint32(*d, field)
		*d = binary.BigEndian.AppendUint32(*d, uint32(len(value)))
		*d = append(*d, value...)
	}
}

func (d *digester) bytes(field uint32, value []byte) { d.text(field, string(value)) }

// time writes microseconds since 1970 in 8 bytes, big-endian, two's complement.
func (d *digester) time(field uint32, t time.Time) {
	if !t.IsZero() {
		d.bytes(field, binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())))
	}
}
