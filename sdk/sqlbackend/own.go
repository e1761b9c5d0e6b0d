package sqlbackend

import (
	"context"
	"iter"

	"github.com/codex-archive/codex/sdk"
)

// ownPage is how many events of the archive one statement reads.
const ownPage = 100

// listOwn yields the events of the archive in pages, each continuing below the
// last event of the one before.
func (b *Backend) listOwn(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		if err := q.Validate(); err != nil {
			yield(sdk.Entry{}, b.wrap(ctx, "list", err))
			return
		}
		var last *sdk.Event
		for left := q.Limit; ; {
			page, err := b.ownEvents(ctx, q.Events, last)
			if err != nil {
				yield(sdk.Entry{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
			if len(page) < ownPage {
				return
			}
			last = &page[len(page)-1].Events[0]
		}
	}
}

// ownEvents reads one page: what comes after last, newest first.
func (b *Backend) ownEvents(ctx context.Context, only []sdk.ID, last *sdk.Event) (page []sdk.Entry, err error) {
	where, args := "e.item IS NULL", []any(nil)
	if len(only) > 0 {
		in, values := b.d.in("e.id", Bytes, ids(only))
		where, args = where+" AND "+in, values
	}
	if last != nil {
		at := last.At.UnixMicro()
		where, args = where+" AND e.happened_at <= ? AND (e.happened_at < ? OR e.id < ?)", append(args, at, at, last.ID[:])
	}
	err = b.read(ctx, "list", func(ctx context.Context, db *conn) error {
		return db.query(ctx, selectEvents+where+" ORDER BY e.happened_at DESC, e.id DESC LIMIT ?", append(args, int64(ownPage)), func(scan scan) error {
			e, _, bad, err := scanEvent(scan)
			entry := sdk.Entry{Events: []sdk.Event{e}}
			if bad != nil {
				entry.Err = unreadable(sdk.Tombstone{}, bad)
			}
			page = append(page, entry)
			return err
		})
	})
	return page, err
}
