package backendtest_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// The mutants of this file keep what most rules look at, and break a promise beside
// it: about records that share content, about the same thing twice in one call, about
// events at their limits, and about several callers who want the same.
func promiseMutants() []mutant {
	return slices.Concat(sharedMutants(), twiceMutants(), eventLimitMutants(), purgeEventMutants(), pagingMutants(), rivalMutants())
}

// eventsOf returns a record with its events and holds.
func eventsOf(ctx context.Context, b sdk.Backend, id sdk.Tombstone) (e sdk.Entry) {
	for e = range b.List(ctx, sdk.Query{Tombstones: []sdk.Tombstone{id}, WithEvents: true, WithHolds: true}) {
	}
	return e
}

// sameContent returns the records of the content of a record.
func sameContent(ctx context.Context, b sdk.Backend, id sdk.Tombstone) (all []sdk.Entry) {
	for e := range b.List(ctx, sdk.Query{SHA256: eventsOf(ctx, b, id).Record.Content.SHA256, WithEvents: true, WithHolds: true}) {
		all = append(all, e)
	}
	return all
}

// judging changes the verdicts that a backend has come to.
func judging(judge func(ctx context.Context, b *altered, v *sdk.Verdict)) func(*altered) {
	return func(b *altered) {
		b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
			dry := p
			dry.DryRun = true
			verdicts, err := b.Backend.Purge(ctx, dry)
			if err != nil {
				return nil, err
			}
			allowed := p
			allowed.Items = nil
			for i := range verdicts {
				if judge(ctx, b, &verdicts[i]); verdicts[i].Outcome == sdk.OutcomePurged {
					allowed.Items = append(allowed.Items, p.Items[i])
				}
			}
			if p.DryRun || len(allowed.Items) == 0 {
				return verdicts, nil
			}
			done, err := b.Backend.Purge(ctx, allowed)
			for i := range verdicts {
				if verdicts[i].Outcome == sdk.OutcomePurged && err == nil {
					verdicts[i], done = done[0], done[1:]
				}
			}
			return verdicts, err
		}
	}
}

func sharedMutants() []mutant {
	return []mutant{
		{name: "holds a content instead of a record", run: "^PURGE-(0[5-9]|1[1-6]|2[3-7])", want: "PURGE-23", wrap: alter(judging(func(ctx context.Context, b *altered, v *sdk.Verdict) {
			for _, e := range sameContent(ctx, b.Backend, v.Tombstone) {
				if v.Outcome == sdk.OutcomePurged && slices.ContainsFunc(e.Holds, func(h sdk.Hold) bool { return h.Released.IsZero() }) {
					v.Outcome, v.Freed, v.Why = sdk.OutcomeHeld, 0, "a hold is active"
				}
			}
		}))},
		{name: "counts a request for a content", run: "^PURGE-(0[2-5]|1[4-6]|23)", want: "PURGE-23", wrap: alter(func(b *altered) {
			b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
				for _, item := range p.Items {
					for _, e := range sameContent(ctx, b.Backend, item.Tombstone) {
						for _, request := range e.Events {
							if request.Action == sdk.ActionPruneRequest && e.Record.Tombstone != item.Tombstone {
								request.ID, request.Tombstone = sdk.NewID(), item.Tombstone
								_ = b.Backend.Append(ctx, []sdk.Event{request})
							}
						}
					}
				}
				return b.Backend.Purge(ctx, p)
			}
		})},
		{name: "lists the content that each record announced", run: "^(PUT-1[2-5]|LIST-(09|11))", want: "LIST-11", wrap: alter(func(b *altered) {
			said := map[sdk.Tombstone]sdk.Content{}
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
					if r.Content.StoredSize >= 0 {
						said[r.Tombstone] = r.Content
					}
				}))
			}
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
					if c, ok := said[e.Record.Tombstone]; ok {
						e.Record.Content = c
					}
					return true
				})
			}
		})},
		{name: "gets the retention that a record was stored with", run: "^(APPEND-1[345]|LIST-11)", want: "LIST-11", wrap: alter(func(b *altered) {
			said := map[sdk.Tombstone]time.Time{}
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				return b.Backend.Put(ctx, records(in, func(r *sdk.Record) { said[r.Tombstone] = r.RetainUntil }))
			}
			b.get = func(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
				return changing(b.Backend.Get(ctx, ids), func(r *sdk.GetResult) bool {
					if until, ok := said[r.Record.Tombstone]; ok {
						r.Record.RetainUntil = until
					}
					return true
				})
			}
		})},
		{name: "moves also the retention that a record was stored with", run: "^(APPEND-1[345]|LIST-11)", want: "LIST-11", wrap: alter(func(b *altered) {
			moved := map[sdk.Tombstone]time.Time{}
			b.append = func(ctx context.Context, events []sdk.Event) error {
				err := b.Backend.Append(ctx, events)
				for _, e := range events {
					if e.Action == sdk.ActionRetain && err == nil {
						moved[e.Tombstone] = e.RetainUntil
					}
				}
				return err
			}
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
					if until, ok := moved[e.Record.Tombstone]; ok {
						e.Record.RetainAtStore = until
					}
					return true
				})
			}
		})},
		{name: "calls a body gone with the first record that is purged", run: "^(PURGE-1[56]|LIST-(09|11))", want: "LIST-11", wrap: alter(func(b *altered) {
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
					for other := range b.Backend.List(ctx, sdk.Query{SHA256: e.Record.Content.SHA256}) {
						e.Present = e.Present && other.Record.PurgedAt.IsZero()
					}
					return true
				})
			}
		})},
	}
}

func twiceMutants() []mutant {
	return []mutant{
		{name: "looks for taken event ids in the archive only", run: "^PUT-(1[01]|2[28])", want: "PUT-28", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				seen := map[sdk.ID]sdk.Tombstone{}
				return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
					if other, twice := seen[r.Event]; twice && other != r.Tombstone {
						r.Event = sdk.NewID()
					}
					seen[r.Event] = r.Tombstone
				}))
			}
		})},
		{name: "takes the id of a later event for a record", run: "^PUT-(1[01]|2[28])", want: "PUT-28", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				return b.Backend.Put(ctx, records(in, func(r *sdk.Record) {
					for e := range b.Backend.List(ctx, sdk.Query{OfArchive: true, Events: []sdk.ID{r.Event}}) {
						_ = e // there is one
						r.Event = sdk.NewID()
					}
				}))
			}
		})},
		{name: "takes two events under one id in one call", run: "^APPEND-(0[45]|22)", want: "APPEND-22", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				first := map[sdk.ID]sdk.Event{}
				return b.Backend.Append(ctx, slices.DeleteFunc(slices.Clone(events), func(e sdk.Event) bool {
					old, twice := first[e.ID]
					first[e.ID] = e
					return twice && !e.Same(&old)
				}))
			}
		})},
		{name: "purges twice what is named twice", run: "^PURGE-(0[67]|1[45]|24)", want: "PURGE-24", wrap: alter(func(b *altered) {
			b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
				verdicts, err := b.Backend.Purge(ctx, p)
				first := map[sdk.Tombstone]sdk.Verdict{}
				for i, v := range verdicts {
					if old, twice := first[v.Tombstone]; twice {
						verdicts[i] = old
					} else {
						first[v.Tombstone] = v
					}
				}
				return verdicts, err
			}
		})},
		{name: "purges two records by one event", run: "^PURGE-(18|19|25)", want: "PURGE-25", wrap: alter(func(b *altered) {
			b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
				p.Items = slices.Clone(p.Items)
				seen := map[sdk.ID]sdk.Tombstone{}
				for i, item := range p.Items {
					if other, twice := seen[item.Event]; twice && other != item.Tombstone {
						p.Items[i].Event = sdk.NewID()
					}
					seen[item.Event] = item.Tombstone
				}
				return b.Backend.Purge(ctx, p)
			}
		})},
		{name: "refuses a retention that changes nothing", run: "^APPEND-(1[345]|23)", want: "APPEND-23", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				for _, e := range events {
					entry := eventsOf(ctx, b.Backend, e.Tombstone)
					known := slices.ContainsFunc(entry.Events, func(o sdk.Event) bool { return o.ID == e.ID })
					if e.Action == sdk.ActionRetain && !known && e.RetainUntil.Equal(entry.Record.RetainUntil) {
						return sdk.Errorf(sdk.Refused, "it is retained until then").About(e.Tombstone)
					}
				}
				return b.Backend.Append(ctx, events)
			}
		})},
	}
}

// appending changes the events that a backend is given.
func appending(change func(*sdk.Event)) func(*altered) {
	return func(b *altered) {
		b.append = func(ctx context.Context, events []sdk.Event) error {
			events = slices.Clone(events)
			for i := range events {
				if events[i].Validate() == nil {
					change(&events[i])
				}
			}
			return b.Backend.Append(ctx, events)
		}
	}
}

func eventLimitMutants() []mutant {
	const runs = "^APPEND-(0[1-9]|1[1-7]|2)"
	return []mutant{
		{name: "cuts the actors of events at 255 bytes", run: runs, want: "APPEND-21", wrap: alter(appending(func(e *sdk.Event) { e.Actor = e.Actor[:min(len(e.Actor), 255)] }))},
		{name: "trims the hosts of events", run: runs, want: "APPEND-21", wrap: alter(appending(func(e *sdk.Event) { e.Host = strings.TrimSpace(e.Host) }))},
		{name: "folds the keys of details", run: runs, want: "APPEND-21", wrap: alter(appending(func(e *sdk.Event) {
			detail := map[string]string{}
			for k, v := range e.Detail {
				detail[strings.ToLower(k)] = v
			}
			e.Detail = detail
		}))},
		{name: "counts the times of events in nanoseconds", run: runs, want: "APPEND-21", wrap: alter(appending(func(e *sdk.Event) { e.At = sdk.Time(time.Unix(0, e.At.UnixNano())) }))},
		{name: "takes the zone of an event's time as UTC", run: runs, want: "APPEND-21", wrap: alter(appending(func(e *sdk.Event) {
			y, m, d := e.At.Date()
			e.At = time.Date(y, m, d, e.At.Hour(), e.At.Minute(), e.At.Second(), e.At.Nanosecond(), time.UTC)
		}))},
		{name: "takes actors of 1025 bytes", run: runs, want: "APPEND-17", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				events = slices.Clone(events)
				for i := range events {
					events[i].Actor = events[i].Actor[:min(len(events[i].Actor), sdk.MaxName)]
				}
				return b.Backend.Append(ctx, events)
			}
		})},
		{name: "orders holds by case", run: runs, want: "APPEND-24", wrap: alter(func(b *altered) {
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
					e.Holds = slices.Clone(e.Holds)
					slices.SortStableFunc(e.Holds, func(x, y sdk.Hold) int { return strings.Compare(x.Case, y.Case) })
					return true
				})
			}
		})},
		{name: "takes hosts of 1025 bytes", run: "^LIMIT-0", want: "LIMIT-02", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				return b.Backend.Put(ctx, records(in, func(r *sdk.Record) { r.Host = r.Host[:min(len(r.Host), sdk.MaxName)] }))
			}
		})},
	}
}

// listing changes the entries that a backend lists.
func listing(change func(*sdk.Entry)) func(*altered) {
	return func(b *altered) {
		b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
			return changing(b.Backend.List(ctx, q), func(e *sdk.Entry) bool {
				e.Events = slices.Clone(e.Events)
				change(e)
				return true
			})
		}
	}
}

// purgeEvents calls change with the PURGE events of an entry.
func purgeEvents(change func(*sdk.Event)) func(*altered) {
	return listing(func(e *sdk.Entry) {
		for i := range e.Events {
			if e.Events[i].Action == sdk.ActionPurge {
				change(&e.Events[i])
			}
		}
	})
}

func purgeEventMutants() []mutant {
	const runs = "^PURGE-(0[5-7]|1[0-3]|26)"
	return []mutant{
		{name: "forgets the host that purged", run: runs, want: "PURGE-26", wrap: alter(purgeEvents(func(e *sdk.Event) { e.Host = "" }))},
		{name: "has no time of a purge", run: runs, want: "PURGE-26", wrap: alter(purgeEvents(func(e *sdk.Event) { e.At = e.At.Add(-time.Second) }))},
		{name: "says when it purged by a clock of its own", run: runs, want: "PURGE-26", wrap: alter(listing(func(e *sdk.Entry) {
			if !e.Record.PurgedAt.IsZero() {
				e.Record.PurgedAt = e.Record.PurgedAt.Add(time.Minute)
			}
		}))},
	}
}

func pagingMutants() []mutant {
	return []mutant{
		{name: "pages by offset", run: "^LIST-0[148]", want: "LIST-08", wrap: alter(func(b *altered) {
			b.list = func(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entry, error] {
				return func(yield func(sdk.Entry, error) bool) {
					for offset := 0; ; offset += 100 {
						var page []sdk.Entry
						n := 0
						for e, err := range b.Backend.List(ctx, q) {
							if err != nil {
								yield(e, err)
								return
							}
							if n++; n > offset {
								page = append(page, e)
							}
							if len(page) == 100 {
								break
							}
						}
						for _, e := range page {
							if !yield(e, nil) {
								return
							}
						}
						if len(page) < 100 {
							return
						}
					}
				}
			}
		})},
	}
}

// lag is what a mutant that looks first and writes later takes in between.
const lag = 50 * time.Millisecond

func rivalMutants() []mutant {
	return []mutant{
		{name: "looks whether a tombstone is free, and writes later", run: "^CONC-0[49]", want: "CONC-09", wrap: alter(func(b *altered) {
			b.put = func(ctx context.Context, in items) ([]sdk.PutResult, error) {
				given, err := all(in)
				if err != nil {
					return b.Backend.Put(ctx, broken(given, err))
				}
				free := len(given) == 1 && eventsOf(ctx, b.Backend, given[0].Record.Tombstone).Record.Tombstone.IsZero()
				if free {
					time.Sleep(lag)
				}
				stored, err := b.Backend.Put(ctx, sequence(given))
				if sdk.KindOf(err) == sdk.Conflict && free {
					return []sdk.PutResult{{Tombstone: given[0].Record.Tombstone, Content: given[0].Record.Content}}, nil
				}
				return stored, err
			}
		})},
		{name: "loses events that are appended at once", run: "^CONC-10", want: "CONC-10", wrap: alter(func(b *altered) {
			b.append = func(ctx context.Context, events []sdk.Event) error {
				if len(events) != 1 || events[0].Action != sdk.ActionHold {
					return b.Backend.Append(ctx, events)
				}
				before := len(eventsOf(ctx, b.Backend, events[0].Tombstone).Events)
				time.Sleep(lag)
				if now := len(eventsOf(ctx, b.Backend, events[0].Tombstone).Events); now != before {
					return nil // it is in the row that the other has written over
				}
				return b.Backend.Append(ctx, events)
			}
		})},
		{name: "judges first and purges later", run: "^CONC-(07|11)", want: "CONC-11", wrap: alter(func(b *altered) {
			b.purge = func(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
				dry := p
				dry.DryRun = true
				judged, err := b.Backend.Purge(ctx, dry)
				if err != nil {
					return nil, err
				}
				time.Sleep(lag)
				verdicts, err := b.Backend.Purge(ctx, p)
				for i := range verdicts {
					if verdicts[i].Outcome == sdk.OutcomeAlready {
						verdicts[i].Outcome = judged[i].Outcome
					}
				}
				return verdicts, err
			}
		})},
	}
}
