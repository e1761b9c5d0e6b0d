package kvbackend

import (
	"context"
	"slices"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// kept is what the archive has of one content, outside a transaction.
type kept struct {
	row    layout.Content // zero: none
	intact bool           // this call has read the body, and it is what the row says
}

// survey is what the archive has of the contents of a Put, before its
// transaction.
type survey map[sdk.Digest]*kept

// surveyed is how many contents one transaction looks at. Bodies of one piece are
// read in it: 16 MiB.
const surveyed = 64

// look adds contents that are not in the survey, and reads the bodies that are
// present. The transaction of the Put then only has to see that their rows are
// the same.
func (v survey) look(ctx context.Context, b *backend, contents []sdk.Digest) error {
	var unseen []sdk.Digest
	for _, d := range contents {
		if v[d] == nil {
			v[d] = &kept{}
			unseen = append(unseen, d)
		}
	}
	for some := range slices.Chunk(unseen, surveyed) {
		err := b.view(ctx, "put", func(t tx) (err error) {
			for _, d := range some {
				k := v[d]
				if k.row, err = t.usable(d); err != nil {
					return err
				}
				if k.row.Content.StoredSize <= sdk.ChunkSize {
					if k.intact, err = intact(t.ctx, &k.row, t.readPieces); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, d := range unseen {
		if k := v[d]; k.row.Content.StoredSize > sdk.ChunkSize {
			var err error
			if k.intact, err = intact(ctx, &k.row, b.readPieces); err != nil {
				return err
			}
		}
	}
	return nil
}
