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
func (r *Record) ComputeDigest() Digest {
	var room [1 << 10]byte // most records need half of it
	return sha256.Sum256(appendDigestText(room[:0], r))
}

// appendDigestText appends the bytes that the digest of r is of.
func appendDigestText(to []byte, r *Record) []byte {
	d := digester(append(to, digestBegin...))
	d.bytes(1, r.Tombstone[:])
	d.bytes(2, r.Event[:])
	d.begin(3, len(r.Content.SHA256)+8)
	d = append(d, r.Content.SHA256[:]...)
	d = binary.BigEndian.AppendUint64(d, uint64(r.Content.Size))
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
	d.pairs(12, r.Metadata)
	if r.Mode != 0 {
		d.begin(13, 4)
		d = binary.BigEndian.AppendUint32(d, r.Mode)
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

// begin starts a field whose value of size bytes is appended next.
func (d *digester) begin(field uint32, size int) {
	*d = binary.BigEndian.AppendUint32(*d, field)
	*d = binary.BigEndian.AppendUint32(*d, uint32(size))
}

func (d *digester) text(field uint32, value string) {
	if value != "" {
		d.begin(field, len(value))
		*d = append(*d, value...)
	}
}

func (d *digester) bytes(field uint32, value []byte) {
	d.begin(field, len(value))
	*d = append(*d, value...)
}

// pairs writes each pair, sorted by key: the length of the key in 4 bytes,
// big-endian, the key and the value.
func (d *digester) pairs(field uint32, pairs map[string]string) {
	if len(pairs) == 0 {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		d.begin(field, 4+len(k)+len(pairs[k]))
		*d = binary.BigEndian.AppendUint32(*d, uint32(len(k)))
		*d = append(append(*d, k...), pairs[k]...)
	}
}

// time writes microseconds since 1970 in 8 bytes, big-endian, two's complement.
func (d *digester) time(field uint32, t time.Time) {
	if !t.IsZero() {
		d.begin(field, 8)
		*d = binary.BigEndian.AppendUint64(*d, uint64(t.UnixMicro()))
	}
}
