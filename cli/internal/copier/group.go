package copier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/sdk"
)

// group copies what the destination lacks of some records.
func (u *run) group(ctx context.Context, items []*Item) {
	absent, err := u.absentThere(ctx, items)
	switch {
	case err != nil:
		u.fail(err)
	case u.Put == nil:
		u.rehearse(items, absent)
	default:
		markAbsent(items, absent)
		u.send(ctx, items)
	}
}

// rehearse says what would become of items. The bodies are not read; those that are
// not there are known from the list.
func (u *run) rehearse(items []*Item, absent map[sdk.Digest]bool) {
	would := slices.DeleteFunc(slices.Clone(items), func(it *Item) bool {
		lost := it.lost && it.needsContent() && (absent[it.Record.Content.SHA256] || it.absent)
		if lost {
			u.failed(it, sdk.Errorf(sdk.ContentAbsent, "the source has lost its content").About(it.Record.Tombstone))
		}
		return lost
	})
	u.done(results(would)...)
}

// absentThere asks which contents the destination does not have. It is a hint: what
// it has damaged is found by its Put.
func (u *run) absentThere(ctx context.Context, items []*Item) (map[sdk.Digest]bool, error) {
	var contents []sdk.Digest
	for _, it := range items {
		if it.needsContent() {
			contents = append(contents, it.Record.Content.SHA256)
		}
	}
	missing := contents // of a destination that is not there
	if u.To == nil {
		return setOf(missing), nil
	}
	err := u.Again(ctx, func(ctx context.Context) error {
		to, err := u.To(ctx)
		if err == nil {
			missing, err = to.Missing(ctx, contents)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the destination: %w", err)
	}
	return setOf(missing), nil
}

func setOf(contents []sdk.Digest) map[sdk.Digest]bool {
	set := make(map[sdk.Digest]bool, len(contents))
	for _, digest := range contents {
		set[digest] = true
	}
	return set
}

// markAbsent marks the items whose bodies are sent.
func markAbsent(items []*Item, absent map[sdk.Digest]bool) {
	for _, it := range items {
		if it.needsContent() && (absent[it.Record.Content.SHA256] || it.absent) {
			it.send = true
			delete(absent, it.Record.Content.SHA256) // the first brings it for all
		}
	}
}

// send copies items in one call. Where that fails for the sake of some it is tried
// again without them.
func (u *run) send(ctx context.Context, items []*Item) {
	items, err := u.fetch(ctx, items)
	if err != nil {
		u.fail(err)
		return
	}
	if len(items) == 0 {
		return
	}
	err = u.Put(ctx, items, func(ctx context.Context, to sdk.Backend) error { return u.put(ctx, to, items) })
	switch {
	case err == nil:
		u.done(results(items)...)
	case sdk.KindOf(err) == sdk.ContentAbsent && markNamed(items, err):
		u.send(ctx, items)
	case Ends(err):
		u.fail(err)
	case len(items) == 1:
		u.failed(items[0], err)
	default:
		for _, part := range divide(items, err) {
			u.send(ctx, part)
		}
	}
}

// markNamed has the bodies sent of those items that err names, whose content the
// destination has damaged or no more. It reports whether there are any.
func markNamed(items []*Item, err error) bool {
	named := divide(items, err)[1]
	marked := false
	for _, it := range named {
		if it.needsContent() && !it.send {
			it.send, marked = true, true
		}
	}
	return marked
}

// Ends reports whether err, of a Put, ends the run: it is not the fault of one
// record, without which the others could be copied.
func Ends(err error) bool {
	switch sdk.KindOf(err) {
	case sdk.Invalid, sdk.Limit, sdk.Conflict, sdk.Refused, sdk.Corrupt, sdk.ContentAbsent, sdk.Purged, sdk.NotFound, sdk.Unsupported:
		return false
	}
	return true
}

// divide separates those items that err names from the others. Where it names
// none, or all, each half is tried.
func divide(items []*Item, err error) [][]*Item {
	var e *sdk.Error
	var named, others []*Item
	for _, it := range items {
		if errors.As(err, &e) && slices.Contains(e.Tombstones, it.Record.Tombstone) {
			named = append(named, it)
		} else {
			others = append(others, it)
		}
	}
	if len(named) == 0 || len(others) == 0 {
		return [][]*Item{items[:len(items)/2], items[len(items)/2:]}
	}
	return [][]*Item{others, named} // the others bring content that those may share
}

// fetch reads the bodies that are sent and fit into memory, and checks them.
// Those of the items that it cannot have fail; it returns the others. The error is
// about the source.
func (u *run) fetch(ctx context.Context, items []*Item) ([]*Item, error) {
	var wanted []*Item
	var ids []sdk.Tombstone
	for _, it := range items {
		if it.send && it.body == nil && !it.large() {
			wanted = append(wanted, it)
			ids = append(ids, it.Record.Tombstone)
		}
	}
	if len(ids) == 0 {
		return items, nil
	}
	err := u.Again(ctx, func(ctx context.Context) error { return u.get(ctx, wanted, ids) })
	if err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(items), func(it *Item) bool {
		if it.err != nil {
			u.failed(it, it.err)
		}
		return it.err != nil
	}), nil
}

// get fills in the bodies of items, or why there is none. The error is about the
// call.
func (u *run) get(ctx context.Context, items []*Item, ids []sdk.Tombstone) error {
	from, err := u.From(ctx)
	if err != nil {
		return err
	}
	return find.Answers(ctx, from, ids, func(n int, found *sdk.GetResult) error {
		it := items[n]
		if it.body, it.err = u.read(ctx, it, *found); it.err != nil && Ends(it.err) {
			return it.err
		}
		return nil
	})
}

// put sends items, each with the parts of its history that do not fit into one
// call after the others.
func (u *run) put(ctx context.Context, to sdk.Backend, items []*Item) error {
	stored, err := to.Put(ctx, u.sequence(ctx, items))
	if err != nil {
		return err
	}
	sent := make([]*sdk.Record, len(items))
	for i, it := range items {
		sent[i] = &it.Record
	}
	if err := find.Confirmed(stored, sent...); err != nil || len(items) > 1 {
		return err
	}
	for _, more := range parts(items[0].history)[1:] {
		again := sdk.Item{Record: items[0].Record, History: more}
		if _, err := to.Put(ctx, func(yield func(sdk.Item, error) bool) { yield(again, nil) }); err != nil {
			return err
		}
	}
	return nil
}

// sequence yields items as a backend takes them.
func (u *run) sequence(ctx context.Context, items []*Item) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		for _, it := range items {
			item := sdk.Item{Record: it.Record, History: parts(it.history)[0]}
			if !u.withBody(ctx, it, item, yield) {
				return
			}
		}
	}
}

func results(items []*Item) []Result {
	all := make([]Result, len(items))
	for i, it := range items {
		all[i] = Result{Record: it.Record, Outcome: Updated, Events: it.Events}
		if it.fresh {
			all[i].Outcome = Copied
		}
		if it.send {
			all[i].Bytes = it.Record.Content.StoredSize
		}
	}
	return all
}

func (u *run) failed(it *Item, err error) {
	if sdk.KindOf(err) == sdk.Conflict {
		err = conflict(sdk.AsError(err).Msg)
	}
	u.done(Result{Record: it.Record, Outcome: Failed, Err: err})
}
