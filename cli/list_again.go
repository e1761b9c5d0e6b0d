package main

import (
	"context"
	"time"

	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// longList is a list that goes on where it was after a temporary error.
type longList struct {
	query sdk.Query
	paths []string
	// read calls do with the archive, and again after a temporary error.
	read func(ctx context.Context, do func(context.Context, sdk.Backend) error) error
	// known reports whether a row that cannot be read, and so has no place in the
	// list, was yielded before; nil: none was.
	known func(sdk.Tombstone) bool
}

// from yields what is behind a place, or everything. It ends when yield is false.
func (l longList) from(ctx context.Context, place *verifier.Place, yield func(sdk.Entry) bool) error {
	unreadable := map[sdk.Tombstone]bool{}
	return l.read(ctx, func(ctx context.Context, backend sdk.Backend) error {
		q := l.query
		if place != nil && (q.Until.IsZero() || place.ArchivedAt.Before(q.Until)) {
			q.Until = place.ArchivedAt.Add(time.Microsecond)
		}
		for entry, err := range find.List(ctx, backend, q, l.paths) {
			id := entry.Record.Tombstone
			switch {
			case err != nil:
				return err
			case entry.Err != nil:
				if unreadable[id] || l.known != nil && l.known(id) {
					continue
				}
				unreadable[id] = true
			case !place.Before(&entry.Record):
				continue
			default:
				place = &verifier.Place{ArchivedAt: entry.Record.ArchivedAt, Tombstone: id}
			}
			if !yield(entry) {
				return nil
			}
		}
		return nil
	})
}
