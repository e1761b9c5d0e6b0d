package sdk

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// ID is a UUID: of a record, a set, an event or an archive.
type ID [16]byte

// Tombstone is the ID of a record.
type Tombstone = ID

// NewID returns a random UUID (version 4).
func NewID() (id ID) {
	rand.Read(id[:]) // never fails: see crypto/rand
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// NewEventID returns a UUID that begins with the time (version 7): ids made one
// after the other are neighbours in an index, which then grows at its end. The
// fraction of the millisecond takes the 12 bits after the version. Tombstones are
// not made so, because people tell them apart by their first characters.
func NewEventID() (id ID) {
	rand.Read(id[8:]) // never fails: see crypto/rand
	now := time.Now()
	millis, fraction := now.UnixMilli(), now.Nanosecond()%1e6
	binary.BigEndian.PutUint64(id[:], uint64(millis)<<16|0x7000|uint64(fraction)*4096/1e6)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String returns the usual form, 8-4-4-4-12 lower-case hex digits.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// IsZero reports whether id was never set.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText writes the usual form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	*id = parsed
	return err
}

// ParseID reads the usual form, in either case.
func ParseID(s string) (ID, error) {
	low, high, err := PrefixRange(s)
	if err != nil || low != high {
		return ID{}, fmt.Errorf("%q is not a UUID", s)
	}
	return low, nil
}

// MinPrefix is the length of the shortest prefix of a tombstone that finds
// anything, in characters: 8 hex digits, the first group.
const MinPrefix = 8

// PrefixRange returns the lowest and the highest ID that begin with prefix, at
// least [MinPrefix] characters of the usual form, in either case.
func PrefixRange(prefix string) (low, high ID, err error) {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(prefix) < MinPrefix || len(prefix) > len(form) {
		return low, high, fmt.Errorf("%q is not the beginning of a UUID", prefix)
	}
	digits := 0
	prefix = strings.ToLower(prefix)
	for i := range len(prefix) {
		c := prefix[i]
		if form[i] == '-' {
			if c != '-' {
				return low, high, fmt.Errorf("%q is not the beginning of a UUID", prefix)
			}
			continue
		}
		v := strings.IndexByte("0123456789abcdef", c)
		if v < 0 {
			return low, high, fmt.Errorf("%q is not the beginning of a UUID", prefix)
		}
		shift := 4 * (1 - digits%2)
		low[digits/2] |= byte(v) << shift
		high[digits/2] |= byte(v) << shift
		digits++
	}
	for ; digits < 32; digits++ {
		high[digits/2] |= 0xf << (4 * (1 - digits%2))
	}
	return low, high, nil
}

// Digest is a SHA-256.
type Digest [32]byte

// String returns 64 lower-case hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d was never set.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText writes what String returns.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	*d = parsed
	return err
}

// ParseDigest reads 64 hex digits, in either case.
func ParseDigest(s string) (d Digest, err error) {
	if len(s) != hex.EncodedLen(len(d)) {
		return d, fmt.Errorf("%q is not a SHA-256: its length is %d instead of 64", s, len(s))
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return Digest{}, fmt.Errorf("%q is not a SHA-256: %w", s, err)
	}
	return d, nil
}
