package copier_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/copier"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/kvtest"
	"github.com/codex-archive/codex/sdk/memory"
)

// pair is two archives in memory.
type pair struct {
	archives *memory.Archives
	from, to sdk.Backend
	results  []copier.Result
	repeats  int // of a call that failed
}

const (
	source      = "memory://from"
	destination = "memory://to"
)

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{archives: &memory.Archives{}}
	for url, b := range map[string]*sdk.Backend{source: &p.from, destination: &p.to} {
		opened, err := p.archives.Driver().Open(t.Context(), sdk.Options{URL: url, Mode: sdk.Create})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { opened.Close() })
		*b = opened
	}
	return p
}

// lossy is an archive whose first answers to Put are lost after the commit.
type lossy struct {
	sdk.Backend
	lose atomic.Int32
}

func (l *lossy) Put(ctx context.Context, items iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	stored, err := l.Backend.Put(ctx, items)
	if err == nil && l.lose.Add(-1) >= 0 {
		return nil, &sdk.Error{Kind: sdk.Unavailable, Msg: "the connection is lost", Retry: true, Effect: sdk.EffectMaybe}
	}
	return stored, err
}

// copy copies everything and returns how many records came to each outcome.
func (p *pair) copy(t *testing.T) map[copier.Outcome]int {
	t.Helper()
	counts, err := p.try(t)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func (p *pair) try(t *testing.T) (map[copier.Outcome]int, error) {
	t.Helper()
	p.results = nil
	counts := map[copier.Outcome]int{}
	return counts, copier.Run{
		Records: p.from.List(t.Context(), sdk.Query{WithEvents: true, WithHolds: true}),
		From:    func(context.Context) (sdk.Backend, error) { return p.from, nil },
		To:      func(context.Context) (sdk.Backend, error) { return p.to, nil },
		Again:   func(ctx context.Context, read func(context.Context) error) error { return read(ctx) },
		Put: func(ctx context.Context, _ []*copier.Item, send func(context.Context, sdk.Backend) error) error {
			err := send(ctx, p.to)
			for range p.repeats {
				if err == nil {
					break
				}
				err = send(ctx, p.to)
			}
			return err
		},
		Done: func(results ...copier.Result) error {
			for _, r := range results {
				counts[r.Outcome]++
			}
			p.results = append(p.results, results...)
			return nil
		},
	}.Start(t.Context())
}

// failures returns what failed, in the order of the tombstones.
func (p *pair) failures() []copier.Result {
	failed := slices.DeleteFunc(slices.Clone(p.results), func(r copier.Result) bool { return r.Err == nil })
	slices.SortFunc(failed, func(x, y copier.Result) int {
		return cmp.Compare(x.Record.Tombstone.String(), y.Record.Tombstone.String())
	})
	return failed
}

// same checks that the destination lists what the source lists.
func (p *pair) same(t *testing.T) {
	t.Helper()
	if from, to := listed(t, p.from), listed(t, p.to); !reflect.DeepEqual(from, to) {
		t.Errorf("the destination lists %d records:\n%v\nthe source %d:\n%v", len(to), to, len(from), from)
	}
}

func listed(t *testing.T, b sdk.Backend) (all []sdk.Entry) {
	t.Helper()
	for e, err := range b.List(t.Context(), sdk.Query{WithEvents: true, WithHolds: true}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// record is a record of content that is stored as it is.
func record(n int, content []byte) sdk.Record {
	at := time.Date(1999, 12, 31, 23, 59, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.ID{1}, Repo: "repo", Path: fmt.Sprintf("f%d\xff", n), Reason: "dead", ContentKind: "code",
		ArchivedBy: "a", ArchivedAt: at, Type: sdk.RegularFile, Host: "host",
		Content: sdk.Content{SHA256: sha256.Sum256(content), Size: int64(len(content)), Codec: sdk.None}.WithBody(content),
	}
	r.Digest = r.ComputeDigest()
	return r
}

func put(t *testing.T, b sdk.Backend, r sdk.Record, body []byte) {
	t.Helper()
	if _, err := b.Put(t.Context(), one(sdk.Item{Record: r, Body: bytes.NewReader(body)})); err != nil {
		t.Fatal(err)
	}
}

func one(i sdk.Item) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) { yield(i, nil) }
}

func noise(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(data)
	return data
}

func restored(r sdk.Record, n int) sdk.Event {
	return sdk.Event{ID: sdk.NewID(), Tombstone: r.Tombstone, Action: sdk.ActionRestore, Actor: "a", At: r.ArchivedAt.Add(time.Duration(n) * time.Second)}
}

// TestAgain: what was copied is present, and only what is new is taken.
func TestAgain(t *testing.T) {
	p := newPair(t)
	var records []sdk.Record
	for n := range 2500 {
		content := noise(n % 700)
		records = append(records, record(n, content))
		put(t, p.from, records[n], content)
	}
	large := noise(sdk.StagedBody + 5)
	put(t, p.from, record(9999, large), large)
	if got := p.copy(t); got[copier.Copied] != 2501 || len(got) != 1 {
		t.Errorf("first %v", got)
	}
	p.same(t)
	hold := restored(records[7], 8)
	hold.Action, hold.Case = sdk.ActionHold, "case"
	if err := p.from.Append(t.Context(), []sdk.Event{restored(records[3], 1), hold}); err != nil {
		t.Fatal(err)
	}
	fresh := noise(999)
	put(t, p.from, record(10000, fresh), fresh)
	if got := p.copy(t); got[copier.Copied] != 1 || got[copier.Updated] != 2 || got[copier.Present] != 2499 {
		t.Errorf("second %v", got)
	}
	p.same(t)
	if got := p.copy(t); got[copier.Present] != 2502 || len(got) != 1 {
		t.Errorf("third %v", got)
	}
}

// TestLostAnswer: a Put whose answer is lost ends the run, or is repeated; either
// way everything is there once.
func TestLostAnswer(t *testing.T) {
	p := newPair(t)
	for n := range 30 {
		content := noise(100 + n)
		r := record(n, content)
		put(t, p.from, r, content)
		hold := restored(r, 1)
		hold.Action, hold.Case = sdk.ActionHold, "case"
		if err := p.from.Append(t.Context(), []sdk.Event{hold, restored(r, 2)}); err != nil {
			t.Fatal(err)
		}
	}
	to := &lossy{Backend: p.to}
	to.lose.Store(1)
	p.to = to
	if _, err := p.try(t); sdk.KindOf(err) != sdk.Unavailable {
		t.Errorf("%v", err)
	}
	if got := p.copy(t); got[copier.Present] != 30 {
		t.Errorf("again: %v", got)
	}
	p.same(t)
	large := noise(sdk.StagedBody + 1)
	put(t, p.from, record(99, large), large)
	p.repeats = 2
	to.lose.Store(1)
	if got := p.copy(t); got[copier.Copied] != 1 {
		t.Errorf("repeated: %v", got)
	}
	p.same(t)
}

// TestLongHistory: a history of more events than one Put takes.
func TestLongHistory(t *testing.T) {
	p := newPair(t)
	content := noise(10)
	r := record(1, content)
	put(t, p.from, r, content)
	var events []sdk.Event
	for n := range 2*sdk.MaxHistory + 10 {
		events = append(events, restored(r, n))
	}
	hold := restored(r, len(events))
	hold.Action, hold.Case = sdk.ActionHold, "case"
	for some := range slices.Chunk(append(events, hold), sdk.MaxItems) {
		if err := p.from.Append(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	p.copy(t)
	p.same(t)
}

// fill puts n records into the source.
func (p *pair) fill(t *testing.T, n int) (records []sdk.Record) {
	t.Helper()
	for i := range n {
		content := noise(100 + i)
		records = append(records, record(i, content))
		put(t, p.from, records[i], content)
	}
	return records
}

// TestDamaged: what is wrong with a record of the source is named, it is left
// out, and the others are copied.
func TestDamaged(t *testing.T) {
	p := newPair(t)
	records := p.fill(t, 6)
	for _, size := range []int{300, sdk.StagedBody + 300} { // its hash is that of other bytes
		body := noise(size)
		r := record(size, body)
		r.Content.SHA256[0] ^= 1
		r.Digest = r.ComputeDigest()
		put(t, p.from, r, body)
		records = append(records, r)
	}
	harm(t, kvtest.Damage(t.Context(), p.archives.Store(source), records[0].Content.SHA256))
	harm(t, kvtest.RemoveBody(t.Context(), p.archives.Store(source), records[1].Tombstone))
	harm(t, kvtest.SpoilRecord(t.Context(), p.archives.Store(source), records[2].Tombstone))
	harm(t, kvtest.SwapContent(t.Context(), p.archives.Store(source), records[3].Tombstone, records[4].Tombstone))
	got := p.copy(t)
	if got[copier.Copied] != 2 || got[copier.Failed] != 6 {
		t.Errorf("%v", got)
	}
	for _, f := range p.failures() {
		if kind := sdk.KindOf(f.Err); kind != sdk.Corrupt && kind != sdk.ContentAbsent {
			t.Errorf("%v: %v", f.Record.Tombstone, f.Err)
		}
	}
	if n := len(listed(t, p.to)); n != 2 {
		t.Errorf("the destination has %d records", n)
	}
}

// TestRepairsDestination: a body that the destination has lost or damaged is sent
// again, where that is noticed.
func TestRepairsDestination(t *testing.T) {
	p := newPair(t)
	records := p.fill(t, 3)
	p.copy(t)
	harm(t, kvtest.RemoveBody(t.Context(), p.archives.Store(destination), records[0].Tombstone))
	harm(t, kvtest.Damage(t.Context(), p.archives.Store(destination), records[1].Content.SHA256))
	if err := p.from.Append(t.Context(), []sdk.Event{restored(records[1], 1)}); err != nil {
		t.Fatal(err)
	}
	if got := p.copy(t); got[copier.Updated] != 2 || got[copier.Present] != 1 {
		t.Errorf("%v", got)
	}
	p.same(t)
	for found, err := range p.to.Get(t.Context(), []sdk.Tombstone{records[0].Tombstone, records[1].Tombstone}) {
		if err != nil || found.Err != nil {
			t.Fatal(err, found.Err)
		}
		if _, err := bytes.NewBuffer(nil).ReadFrom(found.Body); err != nil {
			t.Error(err)
		}
	}
}

// TestConflicts: another record under a tombstone, another event under an id, and a
// purge that a hold in the destination forbids, are refused and named.
func TestConflicts(t *testing.T) {
	p := newPair(t)
	var records []sdk.Record
	for n := range 5 {
		content := noise(100 + n)
		records = append(records, record(n, content))
	}
	other := records[0]
	other.Note = "another"
	other.Digest = other.ComputeDigest()
	put(t, p.to, other, noise(100))
	stranger := record(77, noise(77))
	stranger.Event = records[1].Event
	stranger.Digest = stranger.ComputeDigest()
	put(t, p.to, stranger, noise(77))
	for n, r := range records {
		put(t, p.from, r, noise(100+n))
	}
	if got := p.copy(t); got[copier.Copied] != 3 || got[copier.Failed] != 2 {
		t.Errorf("%v", got)
	}
	mine, theirs := restored(records[2], 1), restored(records[2], 1)
	theirs.ID, theirs.Actor = mine.ID, "another"
	hold := restored(records[3], 1)
	hold.Action, hold.Case = sdk.ActionHold, "case"
	if err := p.to.Append(t.Context(), []sdk.Event{theirs, hold}); err != nil {
		t.Fatal(err)
	}
	request := restored(records[3], 2)
	request.Action = sdk.ActionPruneRequest
	if err := p.from.Append(t.Context(), []sdk.Event{mine, request}); err != nil {
		t.Fatal(err)
	}
	purge := sdk.Purge{Actor: "b", At: sdk.Time(time.Now()), Items: []sdk.PurgeItem{{Tombstone: records[3].Tombstone, Event: sdk.NewID()}}}
	if v, err := p.from.Purge(t.Context(), purge); err != nil || v[0].Outcome != sdk.OutcomePurged {
		t.Fatal(v, err)
	}
	before := listed(t, p.to)
	if got := p.copy(t); got[copier.Failed] != 4 || got[copier.Present] != 1 {
		t.Errorf("%v", got)
	}
	for _, f := range p.failures() {
		if kind := sdk.KindOf(f.Err); kind != sdk.Refused {
			t.Errorf("%v: %v", f.Record.Tombstone, f.Err)
		}
	}
	if after := listed(t, p.to); !reflect.DeepEqual(before, after) {
		t.Errorf("the destination was changed:\n%v\n%v", before, after)
	}
}

func harm(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
