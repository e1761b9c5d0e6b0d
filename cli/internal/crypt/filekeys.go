package crypt

import (
	"crypto/sha256"
	"sync"

	"filippo.io/age"
)

// rememberedKeys bounds how many file keys are remembered: those of a million small
// bodies, which take less than 200 KiB.
const rememberedKeys = 1024

// fileKeys unwraps each file key once: many bodies have the same header. It may be
// used from several goroutines.
type fileKeys struct {
	identities []age.Identity

	mu    sync.Mutex
	known map[[sha256.Size]byte][]byte // by the hash of the header
}

func newFileKeys(identities ...age.Identity) *fileKeys {
	return &fileKeys{identities: identities, known: make(map[[sha256.Size]byte][]byte)}
}

// of returns the file key that is wrapped in header. Age has checked the header's MAC
// with it.
func (f *fileKeys) of(header []byte) ([]byte, error) {
	hash := sha256.Sum256(header)
	if key := f.remembered(hash); key != nil {
		return key, nil
	}
	key, err := age.DecryptHeader(header, f.identities...)
	if err == nil {
		f.remember(hash, key)
	}
	return key, err
}

func (f *fileKeys) remembered(hash [sha256.Size]byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[hash]
}

// remember forgets all keys when there are too many: to unwrap them again is cheap
// beside the bodies that were read meanwhile.
func (f *fileKeys) remember(hash [sha256.Size]byte, key []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= rememberedKeys {
		clear(f.known)
	}
	f.known[hash] = key
}
