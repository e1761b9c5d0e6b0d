package bulk

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/sdk"
)

// group stores those items of a group that the archive does not have.
func (u *run) group(ctx context.Context, items []*Item) {
	var fresh, present []*Item
	for _, it := range items {
		if it.present {
			present = append(present, it)
		} else {
			fresh = append(fresh, it)
		}
	}
	if len(present) > 0 {
		u.stored(ctx, present, nil)
	}
	u.store(ctx, fresh)
}

// store stores items in one call. Where that fails for the sake of some it is
// tried again without them.
func (u *run) store(ctx context.Context, items []*Item) {
	if len(items) == 0 {
		return
	}
	stored, err := u.Put(ctx, items)
	switch {
	case err == nil:
		u.stored(ctx, items, stored)
	case sdk.KindOf(err) == sdk.ContentAbsent && slices.ContainsFunc(items, func(it *Item) bool { return it.known }):
		u.store(ctx, u.refill(ctx, items))
	case Ends(err):
		u.fail(err)
	case len(items) == 1:
		u.failed(items[0], err)
	default:
		for _, part := range divide(items, err) {
			u.store(ctx, part)
		}
	}
}

// Ends reports whether err, of a Put, ends the run: it is not the fault of one
// item, without which the others could be stored.
func Ends(err error) bool {
	switch sdk.KindOf(err) {
	case sdk.Invalid, sdk.Limit, sdk.Conflict, sdk.Corrupt, sdk.ContentAbsent, sdk.Purged:
		return false
	}
	var changed *fs.PathError
	return !errors.Is(err, archiver.ErrChanged) && !errors.As(err, &changed) // of a file, while its body was made
}

// divide separates those items that err names from the others. Where it names
// none, or all, each half is tried.
func divide(items []*Item, err error) [][]*Item {
	var named, others []*Item
	culprits := map[sdk.Tombstone]bool{}
	var e *sdk.Error
	if errors.As(err, &e) {
		for _, id := range e.Tombstones {
			culprits[id] = true
		}
	}
	for _, it := range items {
		if culprits[it.Record.Tombstone] {
			named = append(named, it)
		} else {
			others = append(others, it)
		}
	}
	if len(named) == 0 || len(others) == 0 {
		return [][]*Item{items[:len(items)/2], items[len(items)/2:]}
	}
	return [][]*Item{named, others}
}

// refill reads the bodies of those items again that the archive was believed to
// have, and has damaged or no more. It returns the items that can be stored.
func (u *run) refill(ctx context.Context, items []*Item) []*Item {
	w, err := u.worker(ctx)
	if err != nil {
		u.fail(err)
		return nil
	}
	return slices.DeleteFunc(slices.Clone(items), func(it *Item) bool {
		if !it.known {
			return false
		}
		err := w.again(it)
		if err != nil {
			u.failed(it, err)
		}
		return err != nil
	})
}

// stored tells of items that are in the archive; stored is nil for those whose
// records it had before.
func (u *run) stored(ctx context.Context, items []*Item, stored []sdk.PutResult) {
	results := make([]Result, len(items))
	for i, err := range u.After(ctx, items) {
		results[i] = Result{Item: items[i], Present: stored == nil, Err: err}
		if stored != nil {
			results[i].Stored = stored[i]
		}
	}
	u.done(results...)
}

func (u *run) failed(it *Item, err error) { u.done(Result{Item: it, Err: err}) }
