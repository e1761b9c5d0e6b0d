// Package sources finds content by its SHA-256 in directories, in git
// repositories and in other archives. What it reads may be hostile: nothing that it
// hands out was not hashed, it follows no symbolic link, opens no device and no
// pipe, and reads no more of anything than the size that is looked for.
package sources

import (
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"slices"

	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// AnySize is the size of a content whose size is not known.
const AnySize = -1

// Wanted is a content that is looked for.
type Wanted struct {
	SHA256  sdk.Digest
	Size    int64  // or AnySize
	GitBlob string // git's object id of it, "" where it is not known
}

// Content is one that was found. It may have changed since, so its hash counts
// only when it is read again.
type Content struct {
	From  string       // where, for people and evidence
	Path  string       // of a regular file; "": Spool has it
	Spool *spool.Spool // which the taker closes
}

// Discard frees a content that is not needed.
func (c Content) Discard() {
	if c.Spool != nil {
		_ = c.Spool.Close() // it is not needed
	}
}

// Search is a search for contents.
type Search struct {
	wanted map[sdk.Digest]Wanted
	sizes  map[int64]int // how many contents of a size are wanted
	take   func(context.Context, sdk.Digest, Content) (bool, error)
	// Warn is told about what could not be looked at.
	Warn func(message string)
}

// NewSearch returns a search. take gets each content that is found, and says
// whether it is settled: if not the search goes on. Its error ends the search.
func NewSearch(wanted []Wanted, take func(context.Context, sdk.Digest, Content) (bool, error)) *Search {
	s := &Search{wanted: map[sdk.Digest]Wanted{}, sizes: map[int64]int{}, take: take, Warn: func(string) {}}
	for _, w := range wanted {
		s.wanted[w.SHA256] = w
		s.sizes[w.Size]++
	}
	return s
}

// Left are the contents that are not settled, in the order of their hashes.
func (s *Search) Left() []Wanted {
	return slices.SortedFunc(maps.Values(s.wanted), func(a, b Wanted) int { return slices.Compare(a.SHA256[:], b.SHA256[:]) })
}

func (s *Search) done() bool { return len(s.wanted) == 0 }

// fits reports whether a content of a size may be wanted.
func (s *Search) fits(size int64) bool { return s.sizes[size] > 0 || s.sizes[AnySize] > 0 }

// found hands out a content.
func (s *Search) found(ctx context.Context, digest sdk.Digest, c Content) error {
	w, ok := s.wanted[digest]
	if !ok {
		return nil
	}
	settled, err := s.take(ctx, digest, c)
	if settled {
		delete(s.wanted, digest)
		if s.sizes[w.Size]--; s.sizes[w.Size] == 0 {
			delete(s.sizes, w.Size)
		}
	}
	return err
}

// hash reads at most one byte more than size, and returns the SHA-256, or false
// where it is not of that size.
func hash(ctx context.Context, r io.Reader, size int64) (digest sdk.Digest, ok bool, err error) {
	sum := sha256.New()
	n, err := spool.Copy(ctx, sum, io.LimitReader(r, size+1))
	return sdk.Digest(sum.Sum(nil)), n == size, err
}
