package backendtest_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// changing returns what Put takes, or List or Get yields, as change makes it;
// change drops what it reports false for.
func changing[V any](seq iter.Seq2[V, error], change func(*V) bool) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for v, err := range seq {
			if err == nil && !change(&v) {
				continue
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// records changes the record of each item.
func records(in items, change func(*sdk.Record)) items {
	return each(in, func(i *sdk.Item) { change(&i.Record) })
}

// all reads a sequence into memory.
func all(in items) (read []sdk.Item, err error) {
	for i, err := range in {
		if err != nil {
			return read, err
		}
		if i, err = held(i); err != nil {
			return read, err
		}
		read = append(read, i)
	}
	return read, nil
}

type sorter struct{ inner }

func (b *sorter) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	stored, err := b.Backend.Put(ctx, in)
	slices.SortFunc(stored, func(x, y sdk.PutResult) int { return bytes.Compare(x.Tombstone[:], y.Tombstone[:]) })
	return stored, err
}

type stingy struct{ inner }

func (b *stingy) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, limited(in, sdk.MaxItems-1))
}

// limited is an error at the item after most.
func limited(in items, most int) items {
	return func(yield func(sdk.Item, error) bool) {
		n := 0
		for i, err := range in {
			if n++; n > most && err == nil {
				yield(sdk.Item{}, sdk.Errorf(sdk.Limit, "more than %d items", most))
				return
			}
			if !yield(i, err) {
				return
			}
		}
	}
}

// generous puts the item after the last that fits by a call of its own.
type generous struct{ inner }

func (b *generous) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	var extra []sdk.Item
	n := 0
	stored, err := b.Backend.Put(ctx, func(yield func(sdk.Item, error) bool) {
		for i, err := range in {
			if n++; n == sdk.MaxItems+1 && err == nil {
				i, err = held(i)
				if extra = append(extra, i); err == nil {
					continue
				}
			}
			if !yield(i, err) {
				return
			}
		}
	})
	if err != nil || len(extra) == 0 {
		return stored, err
	}
	more, err := b.Backend.Put(ctx, sequence(extra))
	return append(stored, more...), err
}

type freshener struct{ inner }

func (b *freshener) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	stored, err := b.Backend.Put(ctx, in)
	for i := range stored {
		stored[i].Deduplicated = false
	}
	return stored, err
}

type unset struct{ inner }

func (b *unset) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	set := q.Set
	q.Set = sdk.ID{}
	return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool { return set.IsZero() })
}

type follower struct{ inner }

func (b *follower) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return changing(b.Backend.Get(ctx, ids), func(r *sdk.GetResult) bool {
		if r.Record.Type == sdk.Symlink {
			r.Record.Type = sdk.RegularFile
		}
		return true
	})
}

// cutAt returns a body of at most n bytes, whose content says so.
func cutAt(i *sdk.Item, n int64) {
	if i.Body != nil && i.Record.Content.StoredSize > n {
		i.Body, i.Record.Content.StoredSize, i.Record.Content.CRC32C, i.Record.Content.StoredSHA256 = io.LimitReader(i.Body, n), -1, 0, sdk.Digest{}
	}
}

type shortCutter struct{ inner }

func (b *shortCutter) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) { cutAt(i, 64<<10) }))
}

type narrow struct{ inner }

func (b *narrow) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
		if n := int64(int32(r.Content.Size)); n >= 0 {
			r.Content.Size = n
		} else {
			r.Content.Size = -n
		}
	}))
}

type unsummed struct{ inner }

func (b *unsummed) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if i.Body == nil || i.Record.Content.StoredSize < 0 {
			return
		}
		data, err := io.ReadAll(i.Body)
		if err != nil || int64(len(data)) != i.Record.Content.StoredSize {
			i.Body = io.MultiReader(bytes.NewReader(data), failing{err})
			return
		}
		i.Record.Content = i.Record.Content.WithBody(data)
		i.Body = bytes.NewReader(data)
	}))
}

// failing ends in an error, or at once.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

type impatient struct{ inner }

func (b *impatient) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		if i.Body != nil {
			i.Body = &hurried{i.Body}
		}
	}))
}

type hurried struct{ r io.Reader }

func (h *hurried) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

type emptyless struct{ inner }

func (b *emptyless) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return changing(b.Backend.Get(ctx, ids), func(r *sdk.GetResult) bool {
		if r.Body != nil && r.Record.Content.StoredSize == 0 {
			r.Body, r.Err = nil, sdk.Errorf(sdk.ContentAbsent, "there is no body").About(r.Record.Tombstone)
		}
		return true
	})
}

type twofold struct{ inner }

func (b *twofold) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	for _, err := range in {
		if err != nil {
			return nil, err
		}
	}
	return b.Backend.Put(ctx, in)
}

type lazy struct{ inner }

func (b *lazy) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
		missing, err := b.Backend.Missing(ctx, []sdk.Digest{i.Record.Content.SHA256})
		if err == nil && len(missing) == 0 {
			i.Body = nil
		}
	}))
}

type lowerer struct{ inner }

func (b *lowerer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, records(in, func(r *sdk.Record) { r.Path = strings.ToLower(r.Path) }))
}

type latinless struct{ inner }

func (b *latinless) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, records(in, func(r *sdk.Record) { r.Path = strings.ToValidUTF8(r.Path, "\uFFFD") }))
}

type lineEnder struct{ inner }

func (b *lineEnder) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, records(in, func(r *sdk.Record) { r.Note, _, _ = strings.Cut(r.Note, "\n") }))
}

type noteCutter struct{ inner }

func (b *noteCutter) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
		if len(r.Note) == sdk.MaxText {
			r.Note = r.Note[:sdk.MaxText-1]
		}
	}))
}

type tagCutter struct{ inner }

func (b *tagCutter) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
		r.Tags = slices.Clone(r.Tags)
		for i, tag := range r.Tags {
			r.Tags[i] = tag[:min(len(tag), 255)]
		}
		r.Tags = slices.Compact(r.Tags)
	}))
}

type joiner struct{ inner }

func (b *joiner) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
		if len(r.Tags) > 0 {
			r.Tags = strings.Split(strings.Join(r.Tags, ","), ",")
			slices.Sort(r.Tags)
			r.Tags = slices.DeleteFunc(slices.Compact(r.Tags), func(tag string) bool { return tag == "" })
		}
	}))
}

type zoneless struct{ inner }

func (b *zoneless) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
		t := r.ModTime
		r.ModTime = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	}))
}

type getSorter struct{ inner }

func (b *getSorter) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(x, y sdk.Tombstone) int { return bytes.Compare(x[:], y[:]) })
	return b.Backend.Get(ctx, ids)
}

type uniquer struct{ inner }

func (b *uniquer) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	var once []sdk.Tombstone
	for _, id := range ids {
		if !slices.Contains(once, id) {
			once = append(once, id)
		}
	}
	return b.Backend.Get(ctx, once)
}

type giver struct{ inner }

func (b *giver) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	if len(ids) > 0 {
		ids = append(slices.Clone(ids), ids[0])
	}
	return b.Backend.Get(ctx, ids)
}

type muddler struct{ inner }

func (b *muddler) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return changing(b.Backend.Get(ctx, ids), func(r *sdk.GetResult) bool {
		if sdk.KindOf(r.Err) == sdk.NotFound {
			r.Err = sdk.Errorf(sdk.Internal, "no rows in result set")
		}
		return true
	})
}

type deafReader struct{ inner }

func (b *deafReader) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return b.Backend.Get(context.WithoutCancel(ctx), ids)
}

func (b *deafReader) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return b.Backend.List(context.WithoutCancel(ctx), q)
}

type sleeper struct{ inner }

func (b *sleeper) Get(context.Context, []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(func(sdk.GetResult, error) bool) { select {} }
}

// trusting hides that a body is not what was stored.
type trusting struct{ inner }

func (b *trusting) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return changing(b.Backend.Get(ctx, ids), func(r *sdk.GetResult) bool {
		if r.Body != nil {
			r.Body = &whole{r.Body}
		}
		return true
	})
}

type whole struct{ r io.Reader }

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if sdk.KindOf(err) == sdk.Corrupt {
		err = io.EOF
	}
	return n, err
}

type shuffler struct{ inner }

func (b *shuffler) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	missing, err := b.Backend.Missing(ctx, contents)
	slices.SortFunc(missing, func(x, y sdk.Digest) int { return bytes.Compare(x[:], y[:]) })
	return missing, err
}

type satisfied struct{ inner }

func (b *satisfied) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	_, err := b.Backend.Missing(ctx, contents)
	return nil, err
}

// listed reads a whole list and yields what change makes of it.
func listed(seq iter.Seq2[sdk.Entry, error], change func([]sdk.Entry) []sdk.Entry) iter.Seq2[sdk.Entry, error] {
	return func(yield func(sdk.Entry, error) bool) {
		var all []sdk.Entry
		for e, err := range seq {
			if err != nil {
				yield(e, err)
				return
			}
			all = append(all, e)
		}
		for _, e := range change(all) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

type collator struct{ inner }

func (b *collator) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return listed(b.Backend.List(ctx, q), func(all []sdk.Entry) []sdk.Entry {
		slices.SortStableFunc(all, func(x, y sdk.Entry) int {
			if later := y.Record.ArchivedAt.Compare(x.Record.ArchivedAt); later != 0 {
				return later
			}
			return bytes.Compare(x.Record.Tombstone[:], y.Record.Tombstone[:])
		})
		return all
	})
}

// tieLoser goes on after a page with what is older than its last entry.
type tieLoser struct{ inner }

func (b *tieLoser) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return listed(b.Backend.List(ctx, q), func(all []sdk.Entry) (left []sdk.Entry) {
		for i, e := range all {
			if i >= sdk.MaxItems && e.Record.ArchivedAt.Equal(all[sdk.MaxItems-1].Record.ArchivedAt) {
				continue
			}
			left = append(left, e)
		}
		return left
	})
}

type overrunner struct{ inner }

func (b *overrunner) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	if q.Limit > 0 {
		q.Limit++
	}
	return b.Backend.List(ctx, q)
}

type silent struct{ inner }

func (b *silent) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	q.WithEvents = false
	return b.Backend.List(ctx, q)
}

type inclusive struct{ inner }

func (b *inclusive) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	if !q.Until.IsZero() {
		q.Until = q.Until.Add(time.Microsecond)
	}
	return b.Backend.List(ctx, q)
}

type scrambler struct{ inner }

func (b *scrambler) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
		e.Events = slices.Clone(e.Events)
		slices.SortFunc(e.Events, func(x, y sdk.Event) int { return bytes.Compare(x.ID[:], y.ID[:]) })
		return true
	})
}

type trickler struct{ inner }

func (b *trickler) Append(ctx context.Context, events []sdk.Event) error {
	if len(events) > sdk.MaxItems {
		return b.Backend.Append(ctx, events)
	}
	for i := range events {
		if err := b.Backend.Append(ctx, events[i:i+1]); err != nil {
			return err
		}
	}
	return b.Backend.Append(ctx, nil)
}

type liberator struct{ inner }

func (b *liberator) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
		released := slices.IndexFunc(e.Holds, func(h sdk.Hold) bool { return !h.Released.IsZero() })
		if released >= 0 {
			e.Holds = slices.Clone(e.Holds)
			for i := range e.Holds {
				e.Holds[i].Released = e.Holds[released].Released
			}
		}
		return true
	})
}

type boaster struct{ inner }

func (b *boaster) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
		e.Events = slices.Clone(e.Events)
		for i := range e.Events {
			e.Events[i].NoEffect = false
		}
		return true
	})
}

type caseFolder struct{ inner }

func (b *caseFolder) Append(ctx context.Context, events []sdk.Event) error {
	events = slices.Clone(events)
	for i := range events {
		events[i].Case = strings.ToLower(events[i].Case)
	}
	return b.Backend.Append(ctx, events)
}

type yielding struct{ inner }

func (b *yielding) Append(ctx context.Context, events []sdk.Event) error {
	return without(sdk.Refused, b.Backend.Append(ctx, events))
}

// without is err, unless it is of the kind k.
func without(k sdk.Kind, err error) error {
	if sdk.KindOf(err) == k {
		return nil
	}
	return err
}

type shrugger struct{ inner }

func (b *shrugger) Append(ctx context.Context, events []sdk.Event) error {
	return without(sdk.NotFound, b.Backend.Append(ctx, events))
}

// nominal takes one person for two where the names differ in a letter's case.
type nominal struct{ inner }

func (b *nominal) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	for _, item := range p.Items {
		for e := range b.List(ctx, sdk.Query{Tombstones: []sdk.Tombstone{item.Tombstone}, WithEvents: true}) {
			other := func(e sdk.Event) bool {
				return e.Action == sdk.ActionPruneRequest && e.Actor != p.Actor && sdk.SamePerson(e.Actor, p.Actor)
			}
			if slices.ContainsFunc(e.Events, other) {
				p.Actor = "another person"
			}
		}
	}
	return b.Backend.Purge(ctx, p)
}

type backward struct{ inner }

func (b *backward) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	verdicts, err := b.Backend.Purge(ctx, p)
	slices.Reverse(verdicts)
	return verdicts, err
}

type stopper struct{ inner }

func (b *stopper) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	try := p
	try.DryRun = true
	verdicts, err := b.Backend.Purge(ctx, try)
	if err != nil || p.DryRun {
		return verdicts, err
	}
	for i, v := range verdicts {
		if v.Outcome != sdk.OutcomePurged && v.Outcome != sdk.OutcomeRepeated {
			p.Items = p.Items[:i]
			break
		}
	}
	done, err := b.Backend.Purge(ctx, p)
	return append(done, verdicts[len(done):]...), err
}

// clockless judges by the host's clock alone.
type clockless struct{ inner }

func (b *clockless) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	verdicts, err := b.Backend.Purge(ctx, p)
	for i, v := range verdicts {
		for e := range b.List(ctx, sdk.Query{Tombstones: []sdk.Tombstone{v.Tombstone}}) {
			if v.Outcome == sdk.OutcomeRetained && !p.At.Before(e.Record.RetainUntil) {
				verdicts[i].Outcome = sdk.OutcomePurged
			}
		}
	}
	return verdicts, err
}
