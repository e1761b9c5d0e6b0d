package crypt

import (
	"bytes"
	"slices"

	"filippo.io/age"
)

const (
	// smallBody is up to which size a body shares its key, in bytes before it is
	// encrypted: it is one chunk of an age file then. For a larger one the price of a
	// key of its own is small beside that of its bytes.
	smallBody = 64 << 10
	// bodiesPerKey bounds what one key reads, to 64 MiB. More bodies would not be
	// faster: wrapping a key takes about as long as encrypting one of them.
	bodiesPerKey = 1000
)

// sharedKey is the file key of several small bodies, and the header in which age has
// wrapped it for each recipient. It does not change.
type sharedKey struct {
	header  []byte
	fileKey []byte
}

// newSharedKey has age draw a key and write the header.
func newSharedKey(to []age.Recipient) (*sharedKey, error) {
	var k sharedKey
	var empty bytes.Buffer
	if _, err := age.Encrypt(&empty, append(slices.Clone(to), &observer{&k.fileKey})...); err != nil {
		return nil, err
	}
	var err error
	k.header, err = age.ExtractHeader(&empty)
	return &k, err
}

// observer is a recipient that learns the file key and adds nothing to the header.
type observer struct{ fileKey *[]byte }

func (o *observer) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	*o.fileKey = slices.Clone(fileKey)
	return nil, nil
}
