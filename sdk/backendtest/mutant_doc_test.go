package backendtest_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// The mutants of this file break sentences of the documentation of sdk, one each,
// that no other mutant breaks.

// altered is a backend with some methods of its own.
type altered struct {
	inner
	put    func(ctx context.Context, in items) ([]sdk.PutResult, error)
	get    func(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error]
	miss   func(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error)
	list   func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error]
	append func(ctx context.Context, events []sdk.Event) error
	purge  func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error)
	health func(ctx context.Context) (sdk.Health, error)
}

func (b *altered) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	if b.put != nil {
		return b.put(ctx, in)
	}
	return b.Backend.Put(ctx, in)
}

func (b *altered) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	if b.get != nil {
		return b.get(ctx, ids)
	}
	return b.Backend.Get(ctx, ids)
}

func (b *altered) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	if b.miss != nil {
		return b.miss(ctx, contents)
	}
	return b.Backend.Missing(ctx, contents)
}

func (b *altered) List(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
	if b.list != nil {
		return b.list(ctx, q)
	}
	return b.Backend.List(ctx, q)
}

func (b *altered) Append(ctx context.Context, events []sdk.Event) error {
	if b.append != nil {
		return b.append(ctx, events)
	}
	return b.Backend.Append(ctx, events)
}

func (b *altered) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	if b.purge != nil {
		return b.purge(ctx, p)
	}
	return b.Backend.Purge(ctx, p)
}

func (b *altered) Health(ctx context.Context) (sdk.Health, error) {
	if b.health != nil {
		return b.health(ctx)
	}
	return b.Backend.Health(ctx)
}

// alter returns what wraps a handle with the methods that change sets.
func alter(change func(b *altered)) func(sdk.Backend) sdk.Backend {
	return func(b sdk.Backend) sdk.Backend {
		a := &altered{inner: inner{b}}
		change(a)
		return a
	}
}

func docMutants() []mutant {
	return slices.Concat(nameMutants(), repeatMutants(), limitMutants(), keptMutants())
}

// nameMutants: the host names things, and an archive has an identity.
func nameMutants() []mutant {
	return []mutant{
		{name: "makes an identity for each handle", run: "^(OPEN|HEALTH)-", want: "OPEN-03 OPEN-04 OPEN-14", wrap: alter(func(b *altered) {
			own := sdk.NewID()
			b.health = func(ctx context.Context) (sdk.Health, error) {
				h, err := b.Backend.Health(ctx)
				h.Archive = own
				return h, err
			}
		})},
		{name: "takes another event under an id that is taken", run: "^APPEND-0[3456]", want: "APPEND-05", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				err := b.Backend.Append(ctx, events)
				if sdk.KindOf(err) == sdk.Conflict {
					return nil
				}
				return err
			}
		})},
		{name: "purges under an id that is taken", run: "^PURGE-(0[67]|18)", want: "PURGE-18", wrap: alter(func(b *altered) {
			b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
				v, err := b.Backend.Purge(ctx, p)
				if sdk.KindOf(err) == sdk.Conflict {
					p.Items = slices.Clone(p.Items)
					for i := range p.Items {
						p.Items[i].Event = sdk.NewID()
					}
					return b.Backend.Purge(ctx, p)
				}
				return v, err
			}
		})},
		{name: "knows the items of earlier calls only", run: "^PUT-(0[5-9]|10)", want: "PUT-08 PUT-10", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				seen := map[sdk.Tombstone]bool{}
				return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
					if seen[r.Tombstone] {
						r.Tombstone, r.Event = sdk.NewID(), sdk.NewID()
					}
					seen[r.Tombstone] = true
				}))
			}
		})},
	}
}

// repeatMutants: the same call again is success and changes nothing.
func repeatMutants() []mutant {
	return []mutant{
		{name: "records repeated events again", run: "^APPEND-(0[346]|10|15)", want: "APPEND-03 APPEND-04 APPEND-10", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				events = slices.Clone(events)
				seen := map[sdk.ID]bool{}
				for i := range events {
					for range b.Backend.List(ctx, sdk.Query{Events: []sdk.ID{events[i].ID}}) {
						seen[events[i].ID] = true
					}
					if seen[events[i].ID] && events[i].Action != sdk.ActionRetain {
						events[i].ID = sdk.NewID()
					}
					seen[events[i].ID] = true
				}
				return b.Backend.Append(ctx, events)
			}
		})},
		{name: "refuses a repeated RETAIN", run: "^APPEND-(0[34]|1[345])", want: "APPEND-15", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				for _, e := range events {
					for entry := range b.Backend.List(ctx, sdk.Query{Tombstones: []sdk.Tombstone{e.Tombstone}}) {
						if e.Action == sdk.ActionRetain && e.RetainUntil.Before(entry.Record.RetainUntil) {
							return sdk.Errorf(sdk.Refused, "it is retained longer").About(e.Tombstone)
						}
					}
				}
				return b.Backend.Append(ctx, events)
			}
		})},
		{name: "does not know its own purge again", run: "^PURGE-(0[67]|17)", want: "PURGE-06", wrap: alter(answering(sdk.OutcomeRepeated, sdk.OutcomeAlready))},
		{name: "takes another's purge for its own", run: "^PURGE-(0[67]|17)", want: "PURGE-07", wrap: alter(answering(sdk.OutcomeAlready, sdk.OutcomeRepeated))},
		{name: "orders events of one time as they came", run: "^APPEND-0[1238]", want: "APPEND-02", wrap: alter(func(b *altered) {
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
					e.Events = slices.Clone(e.Events)
					slices.Reverse(e.Events)
					slices.SortStableFunc(e.Events, func(x, y sdk.Event) int { return x.At.Compare(y.At) })
					return true
				})
			}
		})},
		{name: "applies the events of a call by id", run: "^APPEND-0[1238]", want: "APPEND-08", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				events = slices.Clone(events)
				slices.SortFunc(events, func(x, y sdk.Event) int { return bytes.Compare(x.ID[:], y.ID[:]) })
				return b.Backend.Append(ctx, events)
			}
		})},
	}
}

// limitMutants: MaxItems is the limit of every call, and no item is a call as well.
func limitMutants() []mutant {
	return []mutant{
		{name: "gets 1001 records", run: "^GET-0[34]", want: "GET-04", wrap: alter(func(b *altered) {
			b.get = func(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
				return b.Backend.Get(ctx, ids[:min(len(ids), sdk.MaxItems)])
			}
		})},
		{name: "looks for 1001 contents", run: "^MISSING-0[23]", want: "MISSING-03", wrap: alter(func(b *altered) {
			b.miss = func(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
				return b.Backend.Missing(ctx, contents[:min(len(contents), sdk.MaxItems)])
			}
		})},
		{name: "lists 1001 tombstones", run: "^FILTER-0[145]", want: "FILTER-04", wrap: alter(func(b *altered) {
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				q.Tombstones = q.Tombstones[:min(len(q.Tombstones), sdk.MaxItems)]
				q.Events = q.Events[:min(len(q.Events), sdk.MaxItems)]
				return b.Backend.List(ctx, q)
			}
		})},
		{name: "appends 1001 events", run: "^APPEND-1[78]", want: "APPEND-17", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				for part := range slices.Chunk(events, sdk.MaxItems) {
					if err := b.Backend.Append(ctx, part); err != nil {
						return err
					}
				}
				return nil
			}
		})},
		{name: "purges 1001 items", run: "^PURGE-2[01]", want: "PURGE-20", wrap: alter(func(b *altered) {
			b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
				p.Items = p.Items[:min(len(p.Items), sdk.MaxItems)]
				return b.Backend.Purge(ctx, p)
			}
		})},
		{name: "takes no events for an error", run: "^APPEND-1[78]", want: "APPEND-18", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				if len(events) == 0 {
					return sdk.Errorf(sdk.Invalid, "no events")
				}
				return b.Backend.Append(ctx, events)
			}
		})},
		{name: "completes a purge that lacks its actor", run: "^PURGE-19", want: "PURGE-19", wrap: alter(func(b *altered) {
			b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
				if p.Actor == "" {
					p.Actor = "unknown"
				}
				return b.Backend.Purge(ctx, p)
			}
		})},
	}
}

// keptMutants: records are kept for ever, bodies as they were given, and no one
// purges alone.
func keptMutants() []mutant {
	return []mutant{
		{name: "removes the row of a purged record", run: "^PURGE-0", want: "PURGE-05", wrap: alter(func(b *altered) {
			b.get = func(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
				return changing(b.Backend.Get(ctx, ids), func(r *sdk.GetResult) bool {
					if sdk.KindOf(r.Err) == sdk.Purged {
						r.Err = sdk.Errorf(sdk.NotFound, "no such tombstone").About(r.Record.Tombstone)
					}
					return true
				})
			}
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool { return e.Record.PurgedAt.IsZero() })
			}
		})},
		{name: "purges without being asked to", run: "^PURGE-0[125]", want: "PURGE-02", wrap: alter(func(b *altered) {
			b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
				verdicts, err := b.Backend.Purge(ctx, p)
				for _, v := range verdicts {
					if v.Outcome == sdk.OutcomeNotRequested && !p.DryRun {
						request := sdk.Event{ID: sdk.NewID(), Tombstone: v.Tombstone, Action: sdk.ActionPruneRequest, Actor: "the system", At: p.At}
						_ = b.Backend.Append(ctx, []sdk.Event{request})
						verdicts, err = b.Backend.Purge(ctx, p)
					}
				}
				return verdicts, err
			}
		})},
		{name: "looks inside a body", run: "^BODY-0[124]", want: "BODY-04", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
					if i.Body == nil || i.Record.Content.Codec != sdk.Zstd {
						return
					}
					head := make([]byte, 4)
					if n, err := io.ReadFull(i.Body, head); err == nil && !bytes.Equal(head, []byte("\x28\xb5\x2f\xfd")) {
						i.Body = failing{sdk.Errorf(sdk.Corrupt, "it is no zstd frame").About(i.Record.Tombstone)}
					} else {
						i.Body = io.MultiReader(bytes.NewReader(head[:n]), i.Body)
					}
				}))
			}
		})},
		{name: "answers the size that it was given", run: "^BODY-0[15]", want: "BODY-05", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				var given []sdk.Content
				stored, err := b.Backend.Put(ctx, records(in, func(r *sdk.Record) { given = append(given, r.Content) }))
				for i := range stored {
					if given[i].StoredSize < 0 {
						stored[i].Content = given[i]
					}
				}
				return stored, err
			}
		})},
		{name: "stores as much of a body as could be read", run: "^BODY-(0[18]|11)", want: "BODY-11", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				return b.Backend.Put(ctx, each(in, func(i *sdk.Item) {
					if i.Body == nil {
						return
					}
					if data, err := io.ReadAll(i.Body); err != nil {
						i.Record.Content.StoredSize, i.Body = -1, bytes.NewReader(data)
					} else {
						i.Body = bytes.NewReader(data)
					}
				}))
			}
		})},
		{name: "calls every body present", run: "^LIST-(0[49]|10)", want: "PURGE-05", wrap: alter(func(b *altered) {
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
					e.Present = true
					return true
				})
			}
		})},
		{name: "makes 1970 of the zero time", run: "^TEXT-(09|1)", want: "PUT-01", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
					if r.ModTime.IsZero() {
						r.ModTime = time.Unix(0, 0).UTC()
					}
				}))
			}
		})},
	}
}

// answering takes one outcome of a purge for another.
func answering(outcome, other sdk.Outcome) func(*altered) {
	return func(b *altered) {
		b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
			verdicts, err := b.Backend.Purge(ctx, p)
			for i, v := range verdicts {
				if v.Outcome == outcome {
					verdicts[i].Outcome = other
				}
			}
			return verdicts, err
		}
	}
}
