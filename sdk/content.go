package sdk

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// Codec says what a body is.
type Codec string

// The codecs. A backend stores the word and does not act on it; of a body that it
// keeps it only asks whether the word can be true ([Content.Intact]).
const (
	Zstd    Codec = "zstd"     // a standard zstd frame (RFC 8878)
	None    Codec = "none"     // the plain bytes
	ZstdAge Codec = "zstd+age" // a standard zstd frame, encrypted: a binary age file (age-encryption.org/v1)
)

// Known reports whether c is one of the codecs above. A newer host may write
// others.
func (c Codec) Known() bool { return c == Zstd || c == None || c == ZstdAge }

// Content names the bytes of a file and describes the body that holds them.
//
// The host knows the last three fields before it sends a small body. Of a body
// that is compressed while it is sent it does not: StoredSize is then -1, and
// the two others are zero. The backend finds them while it reads the body, keeps
// them, and returns all three with every record of this content.
type Content struct {
	SHA256       Digest // of the plain bytes
	Size         int64  // plain bytes
	Codec        Codec
	StoredSize   int64  // bytes of the body; -1: not known before the body has ended
	CRC32C       uint32 // Castagnoli, of the body
	StoredSHA256 Digest // of the body
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WithBody returns c with the fields that describe a body set from body.
func (c Content) WithBody(body []byte) Content {
	c.StoredSize, c.CRC32C, c.StoredSHA256 = int64(len(body)), crc32.Checksum(body, castagnoli), sha256.Sum256(body)
	return c
}

// WithoutBodyHash returns c without the SHA-256 of the body. A reader of a body
// that leaves the archive checks against it: the host checks the SHA-256 of the
// plain bytes, which finds all that this one would.
func (c Content) WithoutBodyHash() Content {
	c.StoredSHA256 = Digest{}
	return c
}

// Plausible reports whether c can be true of a body that is kept, as far as c
// itself tells. The codec "none" says that the body is the plain bytes. Of a codec
// that is not known here it is not known whether a host could read the body.
func (c *Content) Plausible() bool {
	plain := c.StoredSHA256 == c.SHA256
	return c.Size >= 0 && c.StoredSize >= 0 && c.Codec.Known() &&
		plain == (c.Codec == None) && (!plain || c.StoredSize == c.Size)
}

// ageHead begins every binary age file.
const ageHead = "age-encryption.org/v1\n"

// Intact reads a body that is kept to its end and reports whether it is what c
// says. Nothing but the first bytes of a body tells whether it is encrypted, and a
// body under the wrong codec cannot be read back.
func (c *Content) Intact(body io.Reader) bool {
	if !c.Plausible() {
		return false
	}
	head := make([]byte, len(ageHead))
	n, _ := io.ReadFull(body, head) // what ends it early ends it again below
	if c.Codec != None && (string(head[:n]) == ageHead) != (c.Codec == ZstdAge) {
		return false
	}
	_, err := io.Copy(io.Discard, NewBodyReader(io.MultiReader(bytes.NewReader(head[:n]), body), *c))
	return err == nil
}

// BodyReader yields a body and checks that it is what its [Content] says. It
// ends in io.EOF only if it is, else in an error of kind [Corrupt].
type BodyReader struct {
	// Explain, where not nil, says what it means that the body is not what its
	// Content says. The error that it returns ends the body.
	Explain func(corrupt error) error

	r     io.Reader
	want  Content
	about []Tombstone

	size int64
	crc  uint32
	sum  hash.Hash // nil: the SHA-256 is neither known nor asked for
	err  error
}

// NewBodyReader returns a reader of the body r that checks stored size and
// CRC-32C against c, and the SHA-256 of the body where c has one. While
// c.StoredSize is -1 nothing is checked and all three are computed. About are
// the tombstones that an error names.
//
// If r is a BodyReader that checks the same, r itself is returned, so that a body
// is checked once however many packages of a process ask for it.
func NewBodyReader(r io.Reader, c Content, about ...Tombstone) *BodyReader {
	if b, ok := r.(*BodyReader); ok && b.checks(c) {
		return b
	}
	b := &BodyReader{r: r, want: c, about: about}
	if c.StoredSize < 0 || !c.StoredSHA256.IsZero() {
		b.sum = sha256.New()
	}
	return b
}

// checks reports whether b finds every fault that a new reader for c would.
func (b *BodyReader) checks(c Content) bool {
	if b.size > 0 || b.want.StoredSize != c.StoredSize {
		return false
	}
	return c.StoredSize < 0 ||
		b.want.CRC32C == c.CRC32C && (c.StoredSHA256.IsZero() || b.want.StoredSHA256 == c.StoredSHA256)
}

// Read implements [io.Reader].
func (b *BodyReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.size += int64(n)
	b.crc = crc32.Update(b.crc, castagnoli, p[:n])
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	if err == io.EOF || err == nil && b.want.StoredSize >= 0 && b.size > b.want.StoredSize {
		if wrong := b.verify(); wrong != nil {
			err = wrong
			if b.Explain != nil {
				err = b.Explain(wrong)
			}
		}
	}
	b.err = err
	return n, err
}

// verify compares what was read with what was announced.
func (b *BodyReader) verify() error {
	var msg string
	switch want, got := b.want, b.Content(); {
	case want.StoredSize < 0:
		return nil
	case got.StoredSize != want.StoredSize:
		msg = fmt.Sprintf("the stored body has size %d instead of %d", got.StoredSize, want.StoredSize)
	case got.CRC32C != want.CRC32C:
		msg = fmt.Sprintf("the stored body has CRC-32C %08x instead of %08x", got.CRC32C, want.CRC32C)
	case got.StoredSHA256 != want.StoredSHA256:
		msg = fmt.Sprintf("the stored body has SHA-256 %v instead of %v", got.StoredSHA256, want.StoredSHA256)
	default:
		return nil
	}
	return &Error{Kind: Corrupt, Msg: msg, Tombstones: b.about}
}

// Err returns the error that has ended the body: nil before its end, and after
// a good one.
func (b *BodyReader) Err() error {
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// Content returns what the body was found to be. It is complete once Read has
// returned io.EOF. The SHA-256 of the body is zero where it was neither known nor
// to be computed.
func (b *BodyReader) Content() Content {
	c := b.want
	c.StoredSize, c.CRC32C = b.size, b.crc
	if b.sum != nil {
		c.StoredSHA256 = Digest(b.sum.Sum(nil)) // into c itself would move c to the heap for every reader
	}
	return c
}
