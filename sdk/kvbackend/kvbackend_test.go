package kvbackend_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
	"github.com/codex-archive/codex/sdk/memory"
)

// The conformance kit tests the contract on package memory, and on the bbolt
// example. The tests here are about what only the keys show.

const url = "memory://archive"

// archive makes an archive in memory and returns its store with the backend.
func archive(t *testing.T) (kvbackend.Store, sdk.Backend) {
	t.Helper()
	archives := new(memory.Archives)
	b, err := archives.Driver().Open(t.Context(), sdk.Options{URL: url, Mode: sdk.Create})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return archives.Store(url), b
}

// item is a new record of a body with its plain bytes.
func item(body []byte) sdk.Item {
	content := sdk.Content{SHA256: sha256.Sum256(body), Size: int64(len(body)), Codec: sdk.None}.WithBody(body)
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Content: content, Repo: "repo", Path: "p", Reason: "dead",
		ContentKind: "code", ArchivedBy: "anna", ArchivedAt: sdk.Time(time.Now()), Type: sdk.RegularFile,
	}
	r.Digest = r.ComputeDigest()
	return sdk.Item{Record: r, Body: bytes.NewReader(body)}
}

func put(t *testing.T, b sdk.Backend, items ...sdk.Item) []sdk.PutResult {
	t.Helper()
	results, err := b.Put(t.Context(), func(yield func(sdk.Item, error) bool) {
		for _, it := range items {
			if !yield(it, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// write changes the store behind the backend's back.
func write(t *testing.T, s kvbackend.Store, key []byte, row any) {
	t.Helper()
	value, isBytes := row.([]byte)
	if !isBytes {
		var err error
		if value, err = json.Marshal(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Update(t.Context(), func(tx kvbackend.Tx) error { return tx.Put(key, value) }); err != nil {
		t.Fatal(err)
	}
}

// count counts the keys with this prefix.
func count(t *testing.T, s kvbackend.Store, prefix ...byte) (n int) {
	t.Helper()
	err := s.View(t.Context(), func(tx kvbackend.Tx) error {
		k, _, err := tx.Seek(prefix)
		for ; err == nil && bytes.HasPrefix(k, prefix); k, _, err = tx.Seek(append(k, 0)) {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Pieces of a Put that failed are gone at once; those that a killed process left
// are removed an hour later by the first Put of another, and no others.
func TestStagedPiecesAreRemoved(t *testing.T) {
	s, b := archive(t)
	broken := item(make([]byte, 5*sdk.StagedBody))
	failure := errors.New("the file is gone")
	broken.Body = io.MultiReader(io.LimitReader(broken.Body, 4*sdk.StagedBody), readerFunc(func([]byte) (int, error) {
		if count(t, s, 'u') != 1 || count(t, s, 'b') == 0 {
			t.Error("nothing was staged")
		}
		return 0, failure
	}))
	_, err := b.Put(t.Context(), func(yield func(sdk.Item, error) bool) { yield(broken, nil) })
	if err != failure {
		t.Errorf("put answered %v", err)
	}
	if count(t, s, 'u') != 0 || count(t, s, 'b') != 0 {
		t.Errorf("a failed Put left %d uploads, %d pieces", count(t, s, 'u'), count(t, s, 'b'))
	}

	old, young, halfway := sdk.NewID(), sdk.NewID(), sdk.NewID()
	write(t, s, layout.UploadKey(old), layout.Upload{Touched: time.Now().Add(-2 * time.Hour)})
	write(t, s, layout.UploadKey(young), layout.Upload{Touched: time.Now()})
	write(t, s, layout.UploadKey(halfway), layout.Upload{}) // its removal was interrupted
	for _, id := range []sdk.ID{old, young, halfway} {
		for seq := range 600 {
			write(t, s, layout.PieceKey(id, seq), []byte("x"))
		}
	}
	put(t, b) // this handle swept before
	if n := count(t, s, 'u'); n != 3 {
		t.Errorf("%d uploads, want 3", n)
	}
	again, err := kvbackend.Open(t.Context(), s, kvbackend.Options{Mode: sdk.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	put(t, again)
	if count(t, s, 'u') != 1 || count(t, s, 'b') != 600 || count(t, s, layout.UploadKey(young)...) != 1 {
		t.Errorf("%d uploads and %d pieces are left, want the young one with 600", count(t, s, 'u'), count(t, s, 'b'))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestOpenRefuses(t *testing.T) {
	s, b := archive(t)
	write(t, s, layout.MetaKey(), layout.Meta{Archive: sdk.IdentityOf(b), Version: layout.Version + 1})
	if _, err := kvbackend.Open(t.Context(), s, kvbackend.Options{Mode: sdk.Create}); sdk.KindOf(err) != sdk.Schema {
		t.Errorf("an archive of the next version: %v", err)
	}
	err := s.Update(t.Context(), func(tx kvbackend.Tx) error { return tx.Delete(layout.MetaKey()) })
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, []byte("other"), []byte("data"))
	for _, m := range []sdk.Mode{sdk.ReadWrite, sdk.Create} {
		if _, err := kvbackend.Open(t.Context(), s, kvbackend.Options{Mode: m}); sdk.KindOf(err) != sdk.NoArchive {
			t.Errorf("a store of something else: %v", err)
		}
	}
	if n := count(t, s, layout.MetaKey()...); n != 0 {
		t.Error("an archive was made in it")
	}
}

// A row that cannot be read is an error about its record, and hides no other.
func TestUnreadableRows(t *testing.T) {
	s, b := archive(t)
	for name, spoil := range map[string]func(r *sdk.Record){
		"record":  func(r *sdk.Record) { write(t, s, layout.RecordKey(r.Tombstone), []byte("{")) },
		"another": func(r *sdk.Record) { write(t, s, layout.RecordKey(r.Tombstone), item(nil).Record) },
		"custody": func(r *sdk.Record) { write(t, s, layout.CustodyKey(r.Tombstone), []byte("[]")) },
	} {
		good, bad := item([]byte("good")), item([]byte(name))
		put(t, b, good, bad)
		spoil(&bad.Record)
		ids := []sdk.Tombstone{bad.Record.Tombstone, good.Record.Tombstone}
		var errs []error
		for one, err := range b.Get(t.Context(), ids) {
			if err != nil {
				t.Fatal(err)
			}
			errs = append(errs, one.Err)
		}
		if sdk.KindOf(errs[0]) != sdk.Corrupt || errs[1] != nil {
			t.Errorf("%s: get answers %v", name, errs)
		}
		errs = nil
		for e, err := range b.List(t.Context(), sdk.Query{Tombstones: ids}) {
			if err != nil {
				t.Fatal(err)
			}
			if (e.Err != nil) != (e.Record.Tombstone == ids[0]) {
				t.Errorf("%s: record %v: %v", name, e.Record.Tombstone, e.Err)
			}
			errs = append(errs, e.Err)
		}
		if len(errs) != 2 {
			t.Errorf("%s: list has %d entries", name, len(errs))
		}
		event := sdk.Event{ID: sdk.NewID(), Tombstone: ids[0], Action: sdk.ActionHold, Case: "c", Actor: "a", At: sdk.Time(time.Now())}
		if err := b.Append(t.Context(), []sdk.Event{event}); sdk.KindOf(err) != sdk.Corrupt {
			t.Errorf("%s: append answers %v", name, err)
		}
		verdicts, err := b.Purge(t.Context(), sdk.Purge{Actor: "a", At: event.At, Items: []sdk.PurgeItem{{Tombstone: ids[0], Event: event.ID}}})
		if err != nil || verdicts[0].Outcome != sdk.OutcomeUnknown || verdicts[0].Why == "" {
			t.Errorf("%s: purge answers %+v, %v", name, verdicts, err)
		}
	}
}

// Keys that are made from a record, and are there without it or not there, are
// named by its tombstone.
func TestInspectNamesIndexes(t *testing.T) {
	s, b := archive(t)
	held, live, purged := item([]byte("held")), item([]byte("live")), item([]byte("purged"))
	held.Record.Tags = []string{"kept"}
	held.Record.Digest = held.Record.ComputeDigest()
	put(t, b, held, live, purged)
	at := sdk.Time(time.Now())
	err := b.Append(t.Context(), []sdk.Event{
		{ID: sdk.NewID(), Tombstone: held.Record.Tombstone, Action: sdk.ActionHold, Case: "c", Actor: "a", At: at},
		{ID: sdk.NewID(), Tombstone: purged.Record.Tombstone, Action: sdk.ActionPruneRequest, Actor: "a", At: at},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Purge(t.Context(), sdk.Purge{Actor: "b", At: at, Items: []sdk.PurgeItem{{Tombstone: purged.Record.Tombstone, Event: sdk.NewID()}}}); err != nil {
		t.Fatal(err)
	}
	if found, err := sdk.Inspect(t.Context(), b); err != nil || len(found) > 0 {
		t.Fatalf("untouched: %+v, %v", found, err)
	}
	index := func(r *sdk.Record, f layout.Field, value string) []byte {
		order := layout.OrderOf(r.ArchivedAt, r.Tombstone)
		return append(layout.IndexOf(f, value), order[:]...)
	}
	for name, change := range map[string]struct {
		of   sdk.Record
		key  []byte
		adds bool
	}{
		"tag removed":         {held.Record, index(&held.Record, layout.Tag, "kept"), false},
		"tag added":           {live.Record, index(&live.Record, layout.Tag, "kept"), true},
		"repository added":    {live.Record, index(&live.Record, layout.Repo, "another"), true},
		"mark live removed":   {live.Record, layout.LiveKey(live.Record.Content.SHA256, live.Record.Tombstone), false},
		"mark held removed":   {held.Record, layout.HeldKey(held.Record.Tombstone), false},
		"mark purged removed": {purged.Record, layout.PurgedKey(purged.Record.Tombstone), false},
	} {
		put := func(tx kvbackend.Tx) error { return tx.Put(change.key, []byte{1}) }
		remove := func(tx kvbackend.Tx) error { return tx.Delete(change.key) }
		do, undo := remove, put
		if change.adds {
			do, undo = put, remove
		}
		if err := s.Update(t.Context(), do); err != nil {
			t.Fatal(err)
		}
		found, err := sdk.Inspect(t.Context(), b)
		named := slices.ContainsFunc(found, func(f sdk.Finding) bool {
			return f.Kind == sdk.Contradictory && slices.Equal(f.Examples, []string{change.of.Tombstone.String()})
		})
		if err != nil || !named {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		if err := s.Update(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
	}
}

// A record whose content has a row that cannot be read is listed, and stored again
// with the body it is whole, and so is every other record of the content.
func TestUnreadableContent(t *testing.T) {
	s, b := archive(t)
	for name, spoil := range map[string]func(d sdk.Digest){
		"short": func(d sdk.Digest) { write(t, s, layout.ContentKey(d), []byte("short")) },
		"missing": func(d sdk.Digest) {
			if err := s.Update(t.Context(), func(tx kvbackend.Tx) error { return tx.Delete(layout.ContentKey(d)) }); err != nil {
				t.Fatal(err)
			}
		},
		"size": func(d sdk.Digest) {
			write(t, s, layout.ContentKey(d), (&layout.Content{Body: sdk.NewID(), Content: sdk.Content{SHA256: d, Size: -1, Codec: sdk.None}}).Encode())
		},
	} {
		first, second := item([]byte(name)), item([]byte(name))
		put(t, b, first, second)
		spoil(first.Record.Content.SHA256)
		ids := []sdk.Tombstone{first.Record.Tombstone, second.Record.Tombstone}
		for e, err := range b.List(t.Context(), sdk.Query{Tombstones: ids}) {
			if err != nil || e.Err != nil || e.Record.Content.StoredSize != -1 || e.Record.CheckDigest() != nil || e.Present {
				t.Errorf("%s: list yields %+v, %v", name, e, err)
			}
		}
		for one, err := range b.Get(t.Context(), ids) {
			if k := sdk.KindOf(one.Err); err != nil || k != sdk.Corrupt {
				t.Errorf("%s: get answers %v, %v", name, one.Err, err)
			}
		}
		again := first
		again.Body = bytes.NewReader([]byte(name))
		put(t, b, again)
		for one, err := range b.Get(t.Context(), ids) {
			if err != nil || one.Err != nil {
				t.Errorf("%s: after the repair: %v, %v", name, one.Err, err)
			}
		}
	}
}

// A prefix of very many records is not gathered in memory, and finds the same.
func TestPrefixOfMany(t *testing.T) {
	_, b := archive(t)
	const many = 5000
	prefix := sdk.NewID()
	for left := many; left > 0; left -= sdk.MaxItems {
		items := make([]sdk.Item, min(left, sdk.MaxItems))
		for i := range items {
			items[i] = item([]byte("same"))
			copy(items[i].Record.Tombstone[:4], prefix[:4])
		}
		put(t, b, append(items[:len(items)-1], item([]byte("other")))...)
	}
	seen, last := 0, sdk.Record{}
	for e, err := range b.List(t.Context(), sdk.Query{Prefix: prefix.String()[:sdk.MinPrefix]}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen > 0 && bytes.Compare(order(&last), order(&e.Record)) >= 0 {
			t.Fatalf("%v comes after %v", e.Record.Tombstone, last.Tombstone)
		}
		last = e.Record
		seen++
	}
	if seen != many-many/sdk.MaxItems {
		t.Errorf("list has %d entries, want %d", seen, many-many/sdk.MaxItems)
	}
}

func order(r *sdk.Record) []byte {
	o := layout.OrderOf(r.ArchivedAt, r.Tombstone)
	return o[:]
}

func TestOrder(t *testing.T) {
	newest := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	records := []sdk.Record{
		{ArchivedAt: newest}, {ArchivedAt: time.UnixMicro(1)}, {ArchivedAt: time.UnixMicro(0), Tombstone: sdk.ID{2}},
		{ArchivedAt: time.UnixMicro(0), Tombstone: sdk.ID{1}}, {ArchivedAt: time.UnixMicro(-1)}, {ArchivedAt: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	for i := range records[1:] {
		if bytes.Compare(order(&records[i]), order(&records[i+1])) >= 0 {
			t.Errorf("record %d is not before record %d", i, i+1)
		}
	}
	if id := layout.OrderOf(newest, sdk.ID{1, 2, 3}).Tombstone(); id != (sdk.ID{1, 2, 3}) {
		t.Errorf("the tombstone is %v", id)
	}
}

// failing is a store whose transactions end in an error.
type failing struct {
	kvbackend.Store
	err error
}

func (f *failing) Update(ctx context.Context, fn func(kvbackend.Tx) error) error {
	if err := f.Store.Update(ctx, fn); err != nil {
		return err
	}
	return f.err
}

func TestStoreErrors(t *testing.T) {
	s, _ := archive(t)
	f := &failing{Store: s}
	b, err := kvbackend.Open(t.Context(), f, kvbackend.Options{Mode: sdk.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	maybe := sdk.Errorf(sdk.Unavailable, "the connection was lost")
	maybe.Effect = sdk.EffectMaybe
	for _, c := range []struct {
		err    error
		kind   sdk.Kind
		effect sdk.Effect
	}{
		{errors.New("no kind"), sdk.Internal, sdk.EffectNone},
		{sdk.Errorf(sdk.Busy, "locked"), sdk.Busy, sdk.EffectNone},
		{maybe, sdk.Unavailable, sdk.EffectMaybe},
	} {
		f.err = c.err
		_, err := b.Put(t.Context(), func(yield func(sdk.Item, error) bool) { yield(item([]byte("x")), nil) })
		var e *sdk.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Effect != c.effect || e.Op != "put" {
			t.Errorf("%v became %+v", c.err, err)
		}
	}
}
