package sources

import (
	"context"
	"crypto/sha256"
	"io"

	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// Repository looks at the blobs of a git repository, of any commit or of none:
// first at those that are known by their object id, then at all that have the size
// of a wanted content.
func (s *Search) Repository(ctx context.Context, t *git.Tree) error {
	blobs, err := t.OpenBlobs(ctx)
	if err != nil {
		return err
	}
	defer blobs.Close()
	for _, w := range s.Left() {
		if w.GitBlob == "" || w.Size == AnySize {
			continue
		}
		if err := s.blob(ctx, blobs, t, git.Blob{ID: w.GitBlob, Size: w.Size}); err != nil {
			return err
		}
	}
	if s.done() {
		return nil
	}
	for blob, err := range t.AllBlobs(ctx) {
		if err != nil {
			return err
		}
		if !s.fits(blob.Size) {
			continue
		}
		if err := s.blob(ctx, blobs, t, blob); err != nil {
			return err
		}
		if s.done() {
			return nil
		}
	}
	return nil
}

// blob looks at one blob. It is read once more when it is what is wanted.
func (s *Search) blob(ctx context.Context, blobs *git.Blobs, t *git.Tree, b git.Blob) error {
	var digest sdk.Digest
	there, err := blobs.Read(b, func(r io.Reader) (err error) {
		digest, _, err = hash(ctx, r, b.Size)
		return err
	})
	if err != nil || !there {
		return err
	}
	if _, ok := s.wanted[digest]; !ok {
		return nil
	}
	sp, sum := &spool.Spool{}, sha256.New()
	there, err = blobs.Read(b, func(r io.Reader) error {
		_, err := spool.Copy(ctx, io.MultiWriter(sp, sum), io.LimitReader(r, b.Size))
		return err
	})
	if err != nil || !there || sdk.Digest(sum.Sum(nil)) != digest {
		return errClose(err, sp)
	}
	return s.found(ctx, digest, Content{From: "git blob " + b.ID + " in " + t.Dir, Spool: sp})
}

// errClose closes a spool that is not handed out.
func errClose(err error, sp *spool.Spool) error {
	_ = sp.Close() // it holds nothing that is needed
	return err
}
