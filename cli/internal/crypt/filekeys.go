package crypt

import (
	"crypto/sha256"
	"sync"

	"filippo.io/age"
)

// rememberedKeys bounds how many file keys are remembered: those of a million small
// bodies, which take less than 200 KiB.
const rememberedKeys = 1024

// fileKeys unwraps each file key once: many bodies have the same header, and are
// read at the same time. It may be used from several goroutines.
type fileKeys struct {
	identities []age.Identity

	mu    sync.Mutex
	known map[[sha256.Size]byte]func() ([]byte, error) // by the hash of the header
}

func newFileKeys(identities ...age.Identity) *fileKeys {
	return &fileKeys{identities: identities, known: make(map[[sha256.Size]byte]func() ([]byte, error))}
}

// of returns the file key that is wrapped in header. Age has checked the header's MAC
// with it.
func (f *fileKeys) of(header []byte) ([]byte, error) {
	return f.unwrapper(header)()
}

// unwrapper returns what unwraps a header once, and has others wait for it. All
// are forgotten when there are too many: to unwrap them again is cheap beside the
// bodies that were read meanwhile.
func (f *fileKeys) unwrapper(header []byte) func() ([]byte, error) {
	hash := sha256.Sum256(header)
	f.mu.Lock()
	defer f.mu.Unlock()
	if unwrap := f.known[hash]; unwrap != nil {
		return unwrap
	}
	if len(f.known) >= rememberedKeys {
		clear(f.known)
	}
	f.known[hash] = sync.OnceValues(func() ([]byte, error) { return age.DecryptHeader(header, f.identities...) })
	return f.known[hash]
}
