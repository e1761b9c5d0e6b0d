package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/kvtest"
	"github.com/codex-archive/codex/sdk/memory"
)

const url = "memory://a"

// archive is an archive in memory. It counts the bodies that are read, and fails
// for one record.
type archive struct {
	sdk.Backend
	all memory.Archives

	mu     sync.Mutex
	reads  int
	poison sdk.Tombstone // a Get that names it ends in an error
}

func newArchive(t *testing.T) *archive {
	a := &archive{}
	b, err := a.all.Driver().Open(t.Context(), sdk.Options{URL: url, Mode: sdk.Create, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	a.Backend = b
	return a
}

func (a *archive) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		for _, id := range ids {
			if id == a.poison {
				yield(sdk.GetResult{}, sdk.Errorf(sdk.Internal, "a bug in the backend"))
				return
			}
			for found, err := range a.Backend.Get(ctx, []sdk.Tombstone{id}) {
				a.mu.Lock()
				a.reads++
				a.mu.Unlock()
				if !yield(found, err) {
					return
				}
			}
		}
	}
}

// store stores a record of this text.
func (a *archive) store(t *testing.T, n int, text string) sdk.Record {
	t.Helper()
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Type: sdk.RegularFile,
		Repo: "r", Path: fmt.Sprintf("file%d", n), Reason: "dead", ContentKind: "code", ArchivedBy: "me",
		ArchivedAt: time.UnixMicro(1_760_000_000_000_000 + int64(n)).UTC(),
	}
	r.Content = sdk.Content{SHA256: sha256.Sum256([]byte(text)), Size: int64(len(text)), Codec: sdk.None}.WithBody([]byte(text))
	r.Digest = r.ComputeDigest()
	_, err := a.Put(t.Context(), func(yield func(sdk.Item, error) bool) {
		yield(sdk.Item{Record: r, Body: bytes.NewReader([]byte(text))}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// targets are all records, newest first, behind a place.
func (a *archive) targets(ctx context.Context, from *Place) iter.Seq2[Target, error] {
	return func(yield func(Target, error) bool) {
		for entry, err := range a.List(ctx, sdk.Query{}) {
			if err == nil && entry.Err == nil && !from.Before(&entry.Record) {
				continue
			}
			if !yield(Target{Name: entry.Record.Tombstone.String(), Entry: entry}, err) {
				return
			}
		}
	}
}

// verify verifies everything behind the place of results, with results.
func (a *archive) verify(ctx context.Context, results *Results, done func(Result)) error {
	return Run{
		Targets: a.targets(ctx, results.Place), Jobs: 3,
		Read: func(ctx context.Context, _ sdk.Tombstone, do func(context.Context, sdk.Backend) error) error {
			return do(ctx, a)
		},
		Check: func(_ context.Context, r *sdk.Record, body io.Reader) error {
			text, err := io.ReadAll(body)
			if err == nil && sha256.Sum256(text) != [32]byte(r.Content.SHA256) {
				err = sdk.Errorf(sdk.Corrupt, "other bytes")
			}
			return err
		},
		Unreachable: func(_ context.Context, err error) bool { return sdk.KindOf(err) == sdk.Unavailable },
		Done: func(r Result) {
			results.Add(&r)
			done(r)
		},
		Came: func(t Target) { results.Pass(t, false) },
	}.Start(ctx)
}

// TestEachContentOnce: two thousand records of ten contents cost ten readings,
// and what is damaged is said of each record that has it.
func TestEachContentOnce(t *testing.T) {
	a, results := newArchive(t), NewResults(All)
	var bad sdk.Digest
	for n := range 2000 {
		r := a.store(t, n, fmt.Sprint("content ", n%10))
		bad = r.Content.SHA256
	}
	harm(t, kvtest.Damage(t.Context(), a.all.Store(url), bad))
	named := 0
	err := a.verify(t.Context(), results, func(r Result) {
		if e := sdk.AsError(r.Err); r.Status == Damaged && (e == nil || !slices.Contains(e.Tombstones, r.Entry.Record.Tombstone)) {
			t.Errorf("%v does not name the record", r.Err)
		}
		if r.Status == Damaged {
			named++
		}
	})
	if err != nil || a.reads != 10 || named != 200 || results.Summary.Intact != 1800 || results.Summary.Contents != 10 {
		t.Errorf("%v, %d readings, %d named, %+v", err, a.reads, named, results.Summary)
	}
}

// TestOneThatFails: a record whose Get ends in an error does not keep the others
// of its group from being verified, and one that shares its content is read.
func TestOneThatFails(t *testing.T) {
	a, results := newArchive(t), NewResults(All)
	shared := a.store(t, 0, "shared")
	for n := range 600 {
		a.store(t, n+1, fmt.Sprint("content ", n))
	}
	a.poison = a.store(t, 700, "shared").Tombstone
	if err := a.verify(t.Context(), results, func(r Result) {
		if id := r.Entry.Record.Tombstone; (r.Status == Failed) != (id == a.poison) || id == shared.Tombstone && r.Status != Intact {
			t.Errorf("%s is %s: %v", r.Entry.Record.Path, r.Status, r.Err)
		}
	}); err != nil {
		t.Error(err)
	}
	if s := results.Summary; s.Intact != 601 || s.Failed != 1 || s.Records != 602 {
		t.Errorf("%+v", s)
	}
	a.poison = sdk.Tombstone{}
	again := results.GoOn()
	if len(again) != 1 {
		t.Fatalf("%v come again, want the one that failed", again)
	}
}

// TestGoOn stops a run at each of several moments. The next run goes on behind
// the place that the results hold, and together they verify each record.
func TestGoOn(t *testing.T) {
	a := newArchive(t)
	for n := range 3000 {
		a.store(t, n, fmt.Sprint("content ", n))
	}
	for _, stopAt := range []int{1, 700, 2999} {
		results, seen := NewResults(All), map[sdk.Tombstone]bool{}
		ctx, stop := context.WithCancel(t.Context())
		n := 0
		err := a.verify(ctx, results, func(r Result) {
			seen[r.Entry.Record.Tombstone] = true
			if n++; n == stopAt {
				stop()
			}
		})
		stop()
		if err == nil && len(seen) < 3000 {
			t.Errorf("%d of 3000 were verified without an error", len(seen))
		}
		if len(seen) == 3000 && results.Place == nil {
			t.Errorf("a run that came to its end has no place")
		}
		results.GoOn()
		if err := a.verify(t.Context(), results, func(r Result) { seen[r.Entry.Record.Tombstone] = true }); err != nil || len(seen) != 3000 {
			t.Errorf("stopped at %d, then gone on: %d of 3000, %v", stopAt, len(seen), err)
		}
	}
}

// TestSample: N records are N records, a share is about that share, and both are
// the same for a run that goes on.
func TestSample(t *testing.T) {
	ids := make([]sdk.Tombstone, 10_000)
	for i := range ids {
		binary.BigEndian.PutUint64(ids[i][:], uint64(i))
	}
	chosen := func(s *Sample) (n int) {
		for _, id := range ids {
			if s.Has(id) {
				n++
			}
		}
		return n
	}
	c := NewChooser(77)
	for _, id := range ids {
		c.Show(id)
	}
	if s, n := c.Chosen(); n != 77 || chosen(s) != 77 {
		t.Errorf("77 are %d and %d", n, chosen(s))
	}
	few := NewChooser(77)
	few.Show(ids[0])
	if s, n := few.Chosen(); n != 1 || chosen(s) != len(ids) {
		t.Errorf("1 of 77 are %d", n)
	}
	if n := chosen(NewShare(0.1)); n < 800 || n > 1200 { // six standard deviations
		t.Errorf("a tenth of 10000 are %d", n)
	}
	if n := chosen(NewShare(1)); n != len(ids) {
		t.Errorf("all are %d", n)
	}
}

// TestProblemsBounded: results keep so many problems and count the rest.
func TestProblemsBounded(t *testing.T) {
	results := NewResults(All)
	for range MaxProblems + 3 {
		results.Add(&Result{Status: Damaged, Err: output.Errorf(output.Failed, "x")})
	}
	if len(results.Problems) != MaxProblems || results.LeftOut != 3 || results.Summary.Damaged != MaxProblems+3 {
		t.Errorf("%d problems, %d left out", len(results.Problems), results.LeftOut)
	}
}

func harm(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
