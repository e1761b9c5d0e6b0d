package main

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// question is something that is asked of the archive, about one of its records.
type question struct {
	name  string
	whole bool // it is about the whole archive, and asked less often
	ask   func(ctx context.Context, k known) error
}

const page = 50 // records of a List

// questions are what must not become slower while the archive grows.
func (f *filler) questions() []question {
	return []question{
		{"restore one", false, f.get},
		{"find by 8 digits", false, f.list(1, func(q *sdk.Query, k known) { q.Prefix = k.tombstone.String()[:sdk.MinPrefix] })},
		{"show", false, f.list(1, func(q *sdk.Query, k known) {
			q.Tombstones, q.WithEvents, q.WithHolds = []sdk.Tombstone{k.tombstone}, true, true
		})},
		{"newest", false, f.list(page, func(*sdk.Query, known) {})},
		{"of a set", false, f.list(page, func(q *sdk.Query, k known) { q.Set = k.set })},
		{"of a repository", false, f.list(page, func(q *sdk.Query, k known) { q.Repo = repo(k.index / runRecords) })},
		{"of an actor", false, f.list(page, func(q *sdk.Query, k known) { q.Actor = actor(k.index / runRecords) })},
		{"of a directory", false, f.list(dirRecords, func(q *sdk.Query, k known) { q.Path = dir(k.index) })},
		{"of a project", false, f.list(page, func(q *sdk.Query, k known) { q.Path = project(k.index) })},
		{"of the top directory", false, f.list(page, func(q *sdk.Query, _ known) { q.Path = "src" })},
		{"of no set", false, f.list(0, func(q *sdk.Query, k known) { q.Set = sdk.NewID() })},
		{"of no repository", false, f.list(0, func(q *sdk.Query, k known) { q.Repo = "none" })},
		{"of no actor", false, f.list(0, func(q *sdk.Query, k known) { q.Actor = "none" })},
		{"of no directory", false, f.list(0, func(q *sdk.Query, k known) { q.Path = "none/such" })},
		{"of no reason", false, f.list(0, func(q *sdk.Query, k known) { q.Reason = "none" })},
		{"of no tag", false, f.list(0, func(q *sdk.Query, k known) { q.Tag = "none" })},
		{"of no commit", false, f.list(0, func(q *sdk.Query, k known) { q.Commit = "fff" })},
		{"store one", false, f.storeOne},
		{"record one restore", false, f.append},
		{"health", true, func(ctx context.Context, _ known) error { _, err := f.archive.Health(ctx); return err }},
		{"text that nothing has", true, f.list(0, func(q *sdk.Query, k known) { q.Match = "none such" })},
	}
}

func (f *filler) get(ctx context.Context, k known) error {
	for found, err := range f.archive.Get(ctx, []sdk.Tombstone{k.tombstone}) {
		if err := cmp.Or(err, found.Err); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, found.Body); err != nil {
			return err
		}
	}
	return nil
}

// list asks for a page that should have want records.
func (f *filler) list(want int, choose func(*sdk.Query, known)) func(context.Context, known) error {
	return func(ctx context.Context, k known) error {
		q := sdk.Query{Limit: page}
		choose(&q, k)
		n := 0
		for entry, err := range f.archive.List(ctx, q) {
			if err := cmp.Or(err, entry.Err); err != nil {
				return err
			}
			n++
		}
		if n != want {
			return errUnexpected
		}
		return nil
	}
}

// storeOne stores a record, which is not counted.
func (f *filler) storeOne(ctx context.Context, _ known) error {
	_, err := f.archive.Put(ctx, f.maker.extra().items())
	return err
}

func (f *filler) append(ctx context.Context, k known) error {
	return f.archive.Append(ctx, []sdk.Event{{
		ID: sdk.NewEventID(), Tombstone: k.tombstone, Action: sdk.ActionRestore, Actor: "reader", At: sdk.Time(time.Now()),
	}})
}
