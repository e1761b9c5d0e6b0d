package find

import (
	"bytes"
	"context"
	"iter"

	"github.com/codex-archive/codex/sdk"
)

// List is [sdk.Backend.List] for records that have any of paths, or any path at
// all if there are none. It checks the digest of each record: one that was
// changed in the archive is an entry with Err.
func List(ctx context.Context, backend sdk.Backend, q sdk.Query, paths []string) iter.Seq2[sdk.Entry, error] {
	lists := []iter.Seq2[sdk.Entry, error]{backend.List(ctx, q)}
	if len(paths) > 0 {
		lists = nil
		for _, path := range paths {
			q.Path = path
			lists = append(lists, backend.List(ctx, q))
		}
	}
	return func(yield func(sdk.Entry, error) bool) {
		n := 0
		for entry, err := range merged(lists) {
			if err == nil && entry.Err == nil {
				entry = Checked(entry)
			}
			if !yield(entry, err) {
				return
			}
			if n++; q.Limit > 0 && n == q.Limit {
				return
			}
		}
	}
}

// Events is [sdk.Backend.List] for records with their events, followed by those
// events that are of the archive and of no record: entries without a tombstone.
func Events(ctx context.Context, backend sdk.Backend, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	ofArchive := sdk.Query{OfArchive: true, Events: q.Events}
	return func(yield func(sdk.Entry, error) bool) {
		for _, list := range []iter.Seq2[sdk.Entry, error]{backend.List(ctx, q), backend.List(ctx, ofArchive)} {
			for entry, err := range list {
				if !yield(entry, err) || err != nil {
					return
				}
			}
		}
	}
}

// Checked returns entry, or one with Err if its record is not what was stored, or
// if the archive cannot say what it has of the content. Of that, the record is what
// the archive says now.
func Checked(entry sdk.Entry) sdk.Entry {
	err := entry.Record.CheckDigest()
	if err == nil && entry.Record.Content.StoredSize < 0 {
		err = sdk.Errorf(sdk.Corrupt, "the row of its content in the archive cannot be read").About(entry.Record.Tombstone)
	}
	if err != nil {
		return sdk.Entry{Record: entry.Record, Err: err}
	}
	return entry
}

// merged yields what lists yield, in their order, each record once.
func merged(lists []iter.Seq2[sdk.Entry, error]) iter.Seq2[sdk.Entry, error] {
	if len(lists) == 1 {
		return lists[0]
	}
	return func(yield func(sdk.Entry, error) bool) {
		heads := make([]head, len(lists))
		for i, list := range lists {
			var stop func()
			heads[i].next, stop = iter.Pull2(list)
			defer stop()
			heads[i].advance()
		}
		unreadable := map[sdk.Tombstone]bool{}
		for {
			first := newest(heads)
			if first == nil {
				return
			}
			entry, err := first.entry, first.err
			for i := range heads {
				if h := &heads[i]; h.ok && h.err == nil && h.entry.Err == nil && h.entry.Record.Tombstone == entry.Record.Tombstone && h != first {
					h.advance()
				}
			}
			first.advance()
			if entry.Err != nil {
				if unreadable[entry.Record.Tombstone] {
					continue
				}
				unreadable[entry.Record.Tombstone] = true
			}
			if !yield(entry, err) || err != nil {
				return
			}
		}
	}
}

// head is the next entry of a list.
type head struct {
	next  func() (sdk.Entry, error, bool)
	entry sdk.Entry
	err   error
	ok    bool
}

func (h *head) advance() { h.entry, h.err, h.ok = h.next() }

// newest returns the head that comes first, nil if all lists have ended. Errors
// and rows that cannot be read have no time, and come at once.
func newest(heads []head) *head {
	var first *head
	for i := range heads {
		switch h := &heads[i]; {
		case !h.ok:
		case h.err != nil || h.entry.Err != nil:
			return h
		case first == nil || h.before(first):
			first = h
		}
	}
	return first
}

func (h *head) before(o *head) bool {
	if c := h.entry.Record.ArchivedAt.Compare(o.entry.Record.ArchivedAt); c != 0 {
		return c > 0
	}
	return bytes.Compare(h.entry.Record.Tombstone[:], o.entry.Record.Tombstone[:]) > 0
}
