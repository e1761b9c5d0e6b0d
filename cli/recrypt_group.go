package main

import (
	"context"
	"errors"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/recrypter"
	"github.com/codex-archive/codex/sdk"
)

// recryptGroup is what one transaction replaces.
type recryptGroup struct {
	way     recrypter.Way
	targets []target
	about   evidence.Recryption
	errs    []error // of each target, after do
}

// do makes the bodies and puts them in the place of those that were read. An error
// is about the call.
func (g *recryptGroup) do(ctx context.Context, backend sdk.Backend) error {
	g.errs = make([]error, len(g.targets))
	g.about.Contents, g.about.Bytes, g.about.Failed = 0, 0, 0
	items, bodies := make([]sdk.Item, len(g.targets)), make([]*recrypter.Body, len(g.targets))
	defer func() {
		for _, b := range bodies {
			if b != nil {
				b.Close()
			}
		}
	}()
	if err := g.make(ctx, backend, items, bodies); err != nil {
		return err
	}
	var made []int
	for i := range bodies {
		if g.errs[i] == nil {
			made = append(made, i)
		}
	}
	stored, err := backend.Put(ctx, func(yield func(sdk.Item, error) bool) {
		for _, i := range made {
			item, err := items[i], error(nil)
			if item.Body, err = bodies[i].Open(); !yield(item, err) || err != nil {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if len(stored) != len(made) {
		return sdk.Errorf(sdk.Internal, "the backend answered for %d records of %d", len(stored), len(made))
	}
	for n, i := range made {
		if g.errs[i] = isStored(&bodies[i].Content, &stored[n]); g.errs[i] == nil {
			g.about.Contents++
			g.about.Bytes += stored[n].Content.StoredSize
		}
	}
	g.about.Failed = int64(len(g.targets)) - g.about.Contents
	return nil
}

// make makes the bodies. What is wrong with a content is in g.errs.
func (g *recryptGroup) make(ctx context.Context, backend sdk.Backend, items []sdk.Item, bodies []*recrypter.Body) error {
	ids := make([]sdk.Tombstone, len(g.targets))
	for i, t := range g.targets {
		ids[i] = t.Entry.Record.Tombstone
	}
	return find.Answers(ctx, backend, ids, func(n int, found *sdk.GetResult) error {
		err := found.Err
		if err == nil {
			err = found.Record.CheckDigest()
		}
		if err == nil {
			items[n] = sdk.Item{Record: found.Record, Replaces: found.Record.Content.StoredSHA256}
			if bodies[n], err = g.way.Make(ctx, &found.Record, found.Body); err == nil {
				items[n].Record.Content = bodies[n].Content
			}
		}
		if e := (*sdk.Error)(nil); errors.As(err, &e) && e.Retry || err != nil && ctx.Err() != nil {
			return err
		}
		g.errs[n] = err
		return nil
	})
}

// isStored reports whether the archive has the body that was made. Another program
// may have stored the content in another way at the same time.
func isStored(made *sdk.Content, stored *sdk.PutResult) error {
	is := stored.Content
	if is.SHA256 != made.SHA256 {
		return sdk.Errorf(sdk.Internal, "the backend confirmed something else than what was stored")
	}
	if is.Codec != made.Codec || made.StoredSize >= 0 && is.StoredSHA256 != made.StoredSHA256 {
		return sdk.Errorf(sdk.Conflict, "another program replaced or purged the content at the same time").About(stored.Tombstone)
	}
	return nil
}
