package kvbackend

import (
	"context"
	"encoding/json"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/intake"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// Sizes of staging.
const (
	stagedBytes   = 4 << 20          // written by one transaction
	removedPieces = 256              // deleted by one transaction: 64 MiB
	abandonTime   = 10 * time.Second // for the removal of what a failed Put staged; the rest is swept
	untouchedFor  = time.Hour
	sweptUploads  = 100 // removed by one sweep
)

// staged is one body on its way in the store, which no content names.
type staged struct {
	id      sdk.ID
	pieces  int  // added
	written bool // its row is there
	adopted bool
}

type stagedPiece struct {
	of   *staged
	seq  int
	data []byte
}

// staging writes the bodies of one Put that do not fit into memory.
type staging struct {
	b       *backend
	seen    survey
	bodies  map[*intake.Body]*staged
	pending []stagedPiece
	bytes   int // in pending
}

var _ intake.Spill = (*staging)(nil)

// Stays implements [intake.Spill].
func (g *staging) Stays(ctx context.Context, b *intake.Body) (bool, error) {
	content := b.Content.SHA256
	if err := g.seen.look(ctx, g.b, []sdk.Digest{content}); err != nil {
		return false, err
	}
	k := g.seen[content]
	return k.intact && k.row.Content.StoredSHA256 != b.Replaces, nil
}

// Add implements [intake.Spill]. It writes what has gathered once that is enough.
func (g *staging) Add(ctx context.Context, body *intake.Body, piece []byte) error {
	of := g.bodies[body]
	if of == nil {
		of = &staged{id: sdk.NewID()}
		g.bodies[body] = of
	}
	g.pending = append(g.pending, stagedPiece{of, of.pieces, piece})
	of.pieces++
	g.bytes += len(piece)
	if g.bytes < stagedBytes {
		return nil
	}
	return g.Flush(ctx)
}

// Flush implements [intake.Spill]. Nothing visible changes, so that even a lost
// commit has no effect.
func (g *staging) Flush(ctx context.Context) error {
	if len(g.pending) == 0 {
		return nil
	}
	err := g.b.update(ctx, "put", func(t tx) error {
		var last *staged
		for _, p := range g.pending {
			if p.of != last {
				last = p.of
				if err := t.touch(last.id, p.seq == 0); err != nil {
					return err
				}
			}
			if err := t.Put(layout.PieceKey(p.of.id, p.seq), p.data); err != nil {
				return err
			}
		}
		return nil
	})
	for _, p := range g.pending {
		p.of.written = true
	}
	g.pending, g.bytes = nil, 0
	if e := sdk.AsError(err); e != nil {
		e.Effect = sdk.EffectNone
	}
	return err
}

// touch makes the row of an upload, and keeps that of an older one from being
// swept.
func (t tx) touch(id sdk.ID, fresh bool) error {
	if !fresh {
		if err := t.stillThere(id); err != nil {
			return err
		}
	}
	return t.save(layout.UploadKey(id), layout.Upload{Touched: now()})
}

func (t tx) stillThere(id sdk.ID) error {
	var u layout.Upload
	there, err := t.load(layout.UploadKey(id), &u)
	if err == nil && (!there || u.Touched.IsZero()) {
		err = sdk.Errorf(sdk.Busy, "a body took longer than an hour to arrive, and what was staged of it was removed")
	}
	return err
}

// adopt makes a staged body one that a content may name.
func (t tx) adopt(s *staged) error {
	if err := t.stillThere(s.id); err != nil {
		return err
	}
	return t.Delete(layout.UploadKey(s.id))
}

// abandon removes what was staged and not adopted, as well as it can within
// abandonTime. It does not end with the call that failed.
func (g *staging) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
	defer cancel()
	for _, s := range g.bodies {
		if !s.written || s.adopted {
			continue
		}
		if g.b.removeUpload(ctx, s.id, func(layout.Upload) bool { return true }) != nil {
			return // what is left is swept in an hour
		}
	}
}

// removeUpload removes a body that is on its way, in several transactions, if
// the first one finds that it may.
func (b *backend) removeUpload(ctx context.Context, id sdk.ID, may func(layout.Upload) bool) error {
	for done := false; !done; {
		err := b.update(ctx, "put", func(t tx) error {
			var u layout.Upload
			there, err := t.load(layout.UploadKey(id), &u)
			if err != nil {
				return err
			}
			if done = !there || !u.Touched.IsZero() && !may(u); done {
				return nil
			}
			if done, err = t.removeBody(id, removedPieces); err != nil {
				return err
			}
			if done {
				return t.Delete(layout.UploadKey(id))
			}
			// Zero keeps it from being adopted, and a sweep finishes the work.
			return t.save(layout.UploadKey(id), layout.Upload{})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep removes, once for each backend, what killed processes left. It never
// fails a Put: the next process sweeps again.
func (b *backend) sweep(ctx context.Context) {
	b.swept.Do(func() {
		old := func(u layout.Upload) bool { return u.Touched.Before(now().Add(-untouchedFor)) }
		var ids []sdk.ID
		err := b.view(ctx, "put", func(t tx) error {
			prefix := layout.UploadPrefix()
			return t.scan(prefix, prefix, func(k, v []byte) (bool, error) {
				var u layout.Upload
				if json.Unmarshal(v, &u) == nil && old(u) {
					ids = append(ids, sdk.ID(k[len(prefix):]))
				}
				return len(ids) < sweptUploads, nil
			})
		})
		for i := 0; err == nil && i < len(ids); i++ {
			err = b.removeUpload(ctx, ids[i], old)
		}
	})
}
