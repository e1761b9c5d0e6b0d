package backendtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// The backends below are the reference with one fault each, of the kind that
// real ones have had. A kit that passes one of them proves nothing.

// TestHang: a backend that hangs costs its rule the deadline, and the rules
// after it nothing.
func TestHang(t *testing.T) {
	t.Parallel()
	target := memoryTarget()
	open := target.Open
	target.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		b, err := open(ctx, o)
		if err != nil {
			return nil, err
		}
		return wrap[locker](b), nil
	}
	o := backendtest.Options{
		Run:      func(id string) bool { return id == "LIST-06" || id == "LIST-07" || id == "LIST-10" },
		Deadline: 30 * time.Second,
	}
	rep, err := backendtest.RunRules(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	if r := rep.Results[1]; r.Status != backendtest.Failed || !strings.Contains(r.Why, "hangs") {
		t.Errorf("%s: %s, %s", r.ID, r.Status, r.Why)
	}
	for _, i := range []int{0, 2} {
		if r := rep.Results[i]; r.Status != backendtest.Passed {
			t.Errorf("%s: %s, %s", r.ID, r.Status, r.Why)
		}
	}
}

// TestHangWithoutAnother: where a rule that hangs leaves no archive for those after
// it, they are skipped and say so. They failed, one deadline each.
func TestHangWithoutAnother(t *testing.T) {
	t.Parallel()
	locked := errors.New("the archive is locked")
	for name, test := range map[string]struct {
		single bool
		open   func(context.Context) error // after the hang
		says   string
	}{
		"a new one is refused":  {false, func(context.Context) error { return locked }, locked.Error()},
		"a new one hangs":       {false, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded.Error()},
		"the only one is stuck": {true, func(context.Context) error { return locked }, locked.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var limited atomic.Bool // LIST-07 has begun, and may open one archive
			var opened atomic.Int64 // since then
			target := memoryTarget()
			if test.single {
				target.Single, target.URL = true, func() string { return "memory://only" }
			}
			open := target.Open
			target.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
				if limited.Load() && opened.Add(1) > 1 {
					return nil, test.open(ctx)
				}
				b, err := open(ctx, o)
				if err != nil {
					return nil, err
				}
				return wrap[locker](b), nil
			}
			rep, err := backendtest.RunRules(t.Context(), target, backendtest.Options{
				Run:      func(id string) bool { return id == "OPEN-08" || id >= "LIST-07" && id <= "LIST-10" },
				Begin:    func(r backendtest.Rule) { limited.Store(limited.Load() || r.ID == "LIST-07") },
				Deadline: 5 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			hung := rep.Results[1]
			if hung.ID != "LIST-07" || hung.Status != backendtest.Failed || !strings.Contains(hung.Why, test.says) {
				t.Errorf("%s: %s, %s", hung.ID, hung.Status, hung.Why)
			}
			after := rep.Results[2:]
			for _, r := range after {
				if r.Status != backendtest.Skipped || !strings.Contains(r.Why, "an archive, and after LIST-07 hung there was none: ") || !strings.Contains(r.Why, test.says) {
					t.Errorf("%s: %s, %s", r.ID, r.Status, r.Why)
				}
			}
			if len(after) < 3 || rep.Complete || opened.Load() != 2 {
				t.Errorf("%d rules were left, complete: %v, %d archives were opened", len(after), rep.Complete, opened.Load())
			}
		})
	}
}

// inner is what each faulty backend has inside.
type inner struct{ sdk.Backend }

// fault is a faulty backend: a pointer to a struct that holds the sound one.
type fault[B any] interface {
	*B
	sdk.Backend
	around(sdk.Backend)
}

func (i *inner) around(b sdk.Backend) { i.Backend = b }

func wrap[B any, P fault[B]](b sdk.Backend) sdk.Backend {
	p := P(new(B))
	p.around(b)
	return p
}

type items = iter.Seq2[sdk.Item, error]

// each returns items as change makes them.
func each(in items, change func(*sdk.Item)) items {
	return changing(in, func(i *sdk.Item) bool {
		change(i)
		return true
	})
}

// one yields an item.
func one(i sdk.Item) items {
	return func(yield func(sdk.Item, error) bool) { yield(i, nil) }
}

type committer struct{ inner }

func (b *committer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	var all []sdk.PutResult
	for i, err := range in {
		if err != nil {
			return nil, err
		}
		stored, err := b.Backend.Put(ctx, one(i))
		if err != nil {
			return nil, err
		}
		all = append(all, stored...)
	}
	return all, nil
}

type keeper struct{ inner }

func (b *keeper) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	var staged []sdk.Item
	stored, err := b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if i.Record.Content.StoredSize > sdk.StagedBody && i.Body != nil {
			data, _ := io.ReadAll(i.Body)
			i.Body = bytes.NewReader(data)
			kept := *i
			kept.Body = bytes.NewReader(data)
			staged = append(staged, kept)
		}
	}))
	if err != nil {
		for _, i := range staged {
			_, _ = b.Backend.Put(ctx, one(i))
		}
	}
	return stored, err
}

// believer answers for content that it has seen once.
type believer struct {
	inner
	mu   sync.Mutex
	seen map[sdk.Digest]sdk.Content
}

func (b *believer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	var all []sdk.PutResult
	var fresh []sdk.Item
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = map[sdk.Digest]sdk.Content{}
	}
	for i, err := range in {
		if err != nil {
			return nil, err
		}
		if c, ok := b.seen[i.Record.Content.SHA256]; ok {
			all = append(all, sdk.PutResult{Tombstone: i.Record.Tombstone, Content: c, Deduplicated: true})
			continue
		}
		if i.Body != nil {
			data, err := io.ReadAll(i.Body)
			if err != nil {
				return nil, err
			}
			i.Body = bytes.NewReader(data)
		}
		all, fresh = append(all, sdk.PutResult{Tombstone: i.Record.Tombstone}), append(fresh, i)
	}
	stored, err := b.Backend.Put(ctx, sequence(fresh))
	for i, n := 0, 0; err == nil && i < len(all); i++ {
		if !all[i].Deduplicated {
			all[i] = stored[n]
			b.seen[stored[n].Content.SHA256] = stored[n].Content
			n++
		}
	}
	return all, err
}

// clinger keeps the bodies that it has.
type clinger struct{ inner }

func (b *clinger) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) { i.Replaces = sdk.Digest{} }))
}

// anyReplacer does not look at which body is to be replaced.
type anyReplacer struct{ inner }

func (b *anyReplacer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if !i.Replaces.IsZero() {
			for found, _ := range b.List(ctx, sdk.Query{SHA256: i.Record.Content.SHA256}) {
				i.Replaces = found.Record.Content.StoredSHA256
			}
		}
	}))
}

type recomputer struct{ inner }

func (b *recomputer) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return changing(b.Backend.Get(ctx, ids), func(f *sdk.GetResult) bool {
		f.Record.Digest = f.Record.ComputeDigest()
		return true
	})
}

type retainer struct{ inner }

func (b *retainer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if !i.Record.RetainUntil.IsZero() {
			i.Record.Digest[0] ^= byte(i.Record.RetainUntil.Minute())
		}
	}))
}

type nanoseconder struct{ inner }

func (b *nanoseconder) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if !i.Record.ModTime.IsZero() {
			i.Record.ModTime = time.Unix(0, i.Record.ModTime.UnixNano()).UTC().Truncate(time.Microsecond)
		}
	}))
}

type lenient struct{ inner }

func (b *lenient) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if i.Record.Type != sdk.Symlink {
			i.Record.Type = sdk.RegularFile
		}
	}))
}

type ignorer struct{ inner }

func (b *ignorer) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	q.Set, q.SHA256, q.Commit, q.Name, q.Match = sdk.ID{}, sdk.Digest{}, "", "", ""
	return b.Backend.List(ctx, q)
}

// counter counts records instead of looking for their bodies.
type counter struct{ inner }

func (b *counter) Health(ctx context.Context) (sdk.Health, error) {
	h, err := b.Backend.Health(ctx)
	h.Live, h.Retrievable = 0, h.Live
	for range b.List(ctx, sdk.Query{}) {
		h.Live++
	}
	return h, err
}

// tallier counts active holds instead of the live records that they keep.
type tallier struct{ inner }

func (b *tallier) Health(ctx context.Context) (sdk.Health, error) {
	h, err := b.Backend.Health(ctx)
	h.Held = 0
	for e := range b.List(ctx, sdk.Query{WithHolds: true}) {
		for _, hold := range e.Holds {
			if hold.Released.IsZero() {
				h.Held++
			}
		}
	}
	return h, err
}

type hider struct{ inner }

func (b *hider) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool { return e.Err == nil })
}

type doubler struct{ inner }

func (b *doubler) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		n := 0
		for e, err := range b.Backend.List(ctx, q) {
			n++
			if n%sdk.MaxItems == 0 && !yield(e, err) || !yield(e, err) {
				return
			}
		}
	}
}

type reverser struct{ inner }

func (b *reverser) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return listed(b.Backend.List(ctx, q), func(all []sdk.Entry) []sdk.Entry {
		slices.Reverse(all)
		return all
	})
}

type shortener struct{ inner }

func (b *shortener) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	if q.Limit == 0 {
		q.Limit = sdk.MaxItems
	}
	return b.Backend.List(ctx, q)
}

type localizer struct{ inner }

func (b *localizer) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return changing(b.Backend.Get(ctx, ids), func(f *sdk.GetResult) bool {
		f.Record.ModTime = f.Record.ModTime.In(time.FixedZone("here", 7200))
		return true
	})
}

type seconder struct{ inner }

func (b *seconder) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) { i.Record.ModTime = i.Record.ModTime.Truncate(time.Second) }))
}

type deaf struct{ inner }

func (b *deaf) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(context.WithoutCancel(ctx), in)
}

type cutter struct{ inner }

func (b *cutter) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if i.Body != nil && i.Record.Content.StoredSize > 4<<20 {
			i.Body, i.Record.Content.StoredSize = io.LimitReader(i.Body, 4<<20), -1
		}
	}))
}

type credulous struct{ inner }

func (b *credulous) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) { i.Record.Content.StoredSize = -1 }))
}

type releaser struct{ inner }

func (b *releaser) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	for _, item := range p.Items {
		for e := range b.List(ctx, sdk.Query{Tombstones: []sdk.Tombstone{item.Tombstone}, WithHolds: true}) {
			for i, h := range e.Holds {
				_ = b.Append(ctx, []sdk.Event{{ID: sdk.ID{byte(i), 1}, Tombstone: item.Tombstone, Action: sdk.ActionRelease, Actor: "x", At: p.At, Case: h.Case}})
			}
		}
	}
	return b.Backend.Purge(ctx, p)
}

// obliging leaves out what cannot be kept any more, and says that it is done.
type obliging struct{ inner }

func (b *obliging) Append(ctx context.Context, events []sdk.Event) error {
	err := b.Backend.Append(ctx, events)
	if sdk.KindOf(err) != sdk.Purged {
		return err
	}
	purged := sdk.AsError(err).Tombstones
	return b.Backend.Append(ctx, slices.DeleteFunc(slices.Clone(events), func(e sdk.Event) bool { return slices.Contains(purged, e.Tombstone) }))
}

// forgetful stores a copied record without what became of it.
type forgetful struct{ inner }

func (b *forgetful) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) { i.History = sdk.History{} }))
}

// renamer takes each copied event for one of its own.
type renamer struct{ inner }

func (b *renamer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		i.History.Events = slices.Clone(i.History.Events)
		for n := range i.History.Events {
			i.History.Events[n].ID = sdk.NewID()
		}
	}))
}

// spender leaves a live record alone that was purged where it comes from.
type spender struct{ inner }

func (b *spender) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if !i.PurgedAt().IsZero() {
			i.History.Events = slices.DeleteFunc(slices.Clone(i.History.Events), func(e sdk.Event) bool { return e.Action == sdk.ActionPurge })
		}
	}))
}

// ruthless releases every hold of a record that a history comes for.
type ruthless struct{ inner }

func (b *ruthless) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if len(i.History.Events) == 0 {
			return
		}
		id := i.Record.Tombstone
		for e := range b.List(ctx, sdk.Query{Tombstones: []sdk.Tombstone{id}, WithHolds: true}) {
			for _, h := range e.Holds {
				_ = b.Append(ctx, []sdk.Event{{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionRelease, Actor: "x", At: e.Record.ArchivedAt, Case: h.Case}})
			}
		}
	}))
}

type wet struct{ inner }

func (b *wet) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	p.DryRun = false
	return b.Backend.Purge(ctx, p)
}

type duplicator struct{ inner }

func (b *duplicator) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		for range b.List(ctx, sdk.Query{Tombstones: []sdk.Tombstone{i.Record.Tombstone}}) {
			i.Record.Tombstone[0] ^= 0xff
			i.Record.Event[0] ^= 0xff
		}
	}))
}

type trimmer struct{ inner }

func (b *trimmer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) { i.Record.Reason = strings.TrimRight(i.Record.Reason, " ") }))
}

type folder struct{ inner }

func (b *folder) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	repo := q.Repo
	q.Repo = ""
	return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool { return repo == "" || strings.EqualFold(e.Record.Repo, repo) })
}

type wildcard struct{ inner }

func (b *wildcard) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	q.Path, _, _ = strings.Cut(q.Path, "%")
	return b.Backend.List(ctx, q)
}

type reviver struct{ inner }

func (b *reviver) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return changing(b.Backend.Get(ctx, ids), func(f *sdk.GetResult) bool {
		missing, _ := b.Missing(ctx, []sdk.Digest{f.Record.Content.SHA256})
		if sdk.KindOf(f.Err) == sdk.Purged && len(missing) == 0 {
			f.Err, f.Body = nil, strings.NewReader("the body that is there again")
		}
		return true
	})
}

type quitter struct{ inner }

func (b *quitter) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		for f, err := range b.Backend.Get(ctx, ids) {
			if !yield(f, err) || f.Err != nil {
				return
			}
		}
	}
}

type plainspoken struct{ inner }

func (b *plainspoken) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	stored, err := b.Backend.Put(ctx, in)
	if err != nil {
		err = errors.New(err.Error())
	}
	return stored, err
}

type wrapper struct{ inner }

func (b *wrapper) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	stored, err := b.Backend.Put(ctx, in)
	if err != nil {
		err = fmt.Errorf("put: %w", err)
	}
	return stored, err
}

type locker struct {
	inner
	mu sync.Mutex
}

func (b *locker) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.Backend.List(ctx, q)(yield)
	}
}

func (b *locker) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Backend.Put(ctx, in)
}

type procrastinator struct{ inner }

func (b *procrastinator) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	var all []sdk.Item
	for i, err := range in {
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return b.Backend.Put(ctx, sequence(all))
}

type undead struct{ inner }

func (b *undead) Close() error { return nil }

type touchy struct {
	inner
	closed bool
}

func (b *touchy) Close() error {
	if b.closed {
		return sdk.Errorf(sdk.Invalid, "closed twice")
	}
	b.closed = true
	return b.Backend.Close()
}

type panicker struct{ inner }

func (b *panicker) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	stored, err := b.Backend.Put(ctx, in)
	if err == nil {
		_ = stored[0]
	}
	return stored, err
}

// held returns an item whose body is in memory.
func held(i sdk.Item) (sdk.Item, error) {
	if i.Body == nil {
		return i, nil
	}
	data, err := io.ReadAll(i.Body)
	i.Body = bytes.NewReader(data)
	return i, err
}

// sequence yields items, and broken an error after them, if it is one.
func sequence(all []sdk.Item) items { return broken(all, nil) }

func broken(all []sdk.Item, err error) items {
	return func(yield func(sdk.Item, error) bool) {
		for _, i := range all {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(sdk.Item{}, err)
		}
	}
}

type eventless struct{ inner }

func (b *eventless) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool { return len(q.Events) == 0 || e.Record.Event != e.Record.Tombstone })
}

// owner lists records in the place of the events of the archive.
type owner struct{ inner }

func (b *owner) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	q.OfArchive = false
	return b.Backend.List(ctx, q)
}

// anonymous does not say its identity.
type anonymous struct{ inner }

// modest takes what its handle may do for what the archive can.
type modest struct{ inner }

func (b *modest) Health(ctx context.Context) (sdk.Health, error) {
	h, err := b.Backend.Health(ctx)
	h.Writable = h.Writable && sdk.KindOf(b.Append(ctx, nil)) != sdk.PermissionDenied
	return h, err
}
