package backendtest

import (
	"time"

	"github.com/codex-archive/codex/sdk"
)

// pages is more than two pages of any backend that pages by MaxItems.
const pages = 2*sdk.MaxItems + 300

func listRules() []Rule {
	return []Rule{
		proof(canList, must("LIST-01", "List yields newest first; records of the same time by tombstone, descending.", func(t *T) {
			b, s := t.backend(), t.items(30)
			for i := range s {
				s[i].ArchivedAt = dawn.Add(time.Duration(i*7%5) * time.Microsecond)
			}
			t.put(b, s...)
			t.lists(b, "repository", sdk.Query{Repo: t.repo()}, s...)
		})),
		must("LIST-02", "Of more records than fit a page each comes exactly once, ties included.", func(t *T) {
			b := t.backend()
			t.lists(b, "repository", sdk.Query{Repo: t.repo()}, t.many(b)...)
		}),
		must("LIST-03", "Of more records than fit a page each has its own events and holds.", func(t *T) {
			b, s := t.backend(), t.items(sdk.MaxItems)
			t.put(b, s...)
			more := t.items(200)
			t.put(b, more...)
			s = append(s, more...)
			held := map[sdk.Tombstone]bool{}
			var events []sdk.Event
			for i := 0; i < len(s); i += 3 {
				events = append(events, t.hold(s[i].Tombstone, "case"))
				held[s[i].Tombstone] = true
			}
			t.append(b, events...)
			all := t.mine(b)
			if len(all) != len(s) {
				t.Errorf("list shows %d records, want %d", len(all), len(s))
			}
			for _, e := range all {
				want := 0
				if held[e.Record.Tombstone] {
					want = 1
				}
				if len(e.Holds) != want || len(e.Events) != 1+want || e.Events[0].ID != e.Record.Event {
					t.Errorf("record %v: %d events and %d holds, want %d and %d", e.Record.Tombstone, len(e.Events), len(e.Holds), 1+want, want)
				}
			}
		}),
		must("LIST-04", "Where nothing matches, List yields nothing.", func(t *T) {
			t.lists(t.backend(), "an unknown repository", sdk.Query{Repo: t.repo()})
		}),
		must("LIST-05", "Limit is how many come at most, and they are the newest.", func(t *T) {
			b := t.backend()
			s := t.many(b)
			whole := t.list(b, sdk.Query{Repo: t.repo()})
			for _, n := range []int{1, 2, sdk.MaxItems - 1, sdk.MaxItems, sdk.MaxItems + 1, len(s), len(s) + 1} {
				some := t.list(b, sdk.Query{Repo: t.repo(), Limit: n})
				if len(some) != min(n, len(s)) {
					t.Fatalf("list with limit %d yields %d of %d", n, len(some), len(s))
				}
				for i := range some {
					if some[i].Record.Tombstone != whole[i].Record.Tombstone {
						t.Fatalf("list with limit %d: entry %d is %v, without limit %v", n, i, some[i].Record.Tombstone, whole[i].Record.Tombstone)
					}
				}
			}
		}),
		must("LIST-06", "Breaking out of List frees what it holds.", func(t *T) {
			b := t.open(sdk.Options{URL: t.url, Mode: sdk.ReadWrite, Parallel: 1})
			s := t.items(10)
			t.put(b, s...)
			for round := range 60 { // more often than any pool has connections
				i := 0
				for _, err := range b.List(t.ctx, sdk.Query{Repo: t.repo(), WithEvents: true, WithHolds: true}) {
					if err != nil {
						t.Fatalf("list: %v", err)
					}
					if i == round%10 {
						break
					}
					i++
				}
			}
			t.callAll(b, s[0])
		}),
		must("LIST-07", "The body of a loop over List may call the same backend, even one that allows a single call at a time.", func(t *T) {
			b := t.open(sdk.Options{URL: t.url, Mode: sdk.ReadWrite, Parallel: 1})
			s := t.items(5)
			t.put(b, s...)
			for e, err := range b.List(t.ctx, sdk.Query{Tombstones: tombstones(s...), WithEvents: true}) {
				if err != nil {
					t.Fatalf("list: %v", err)
				}
				for _, one := range s {
					if one.Tombstone == e.Record.Tombstone {
						t.callAll(b, one)
					}
				}
			}
		}),
		must("LIST-08", "A record written while a List runs may appear or not; what was there before appears once.", func(t *T) {
			b := t.backend()
			before := map[sdk.Tombstone]bool{}
			for _, s := range t.many(b) {
				before[s.Tombstone] = true
			}
			seen := map[sdk.Tombstone]int{}
			i := 0
			for e, err := range b.List(t.ctx, sdk.Query{Repo: t.repo()}) {
				if err != nil {
					t.Fatalf("list: %v", err)
				}
				seen[e.Record.Tombstone]++
				if i%250 == 0 { // at times that all lie around the entry just seen
					newer, older := t.item(20), t.item(20)
					newer.ArchivedAt, older.ArchivedAt = e.Record.ArchivedAt.Add(time.Microsecond), e.Record.ArchivedAt.Add(-time.Microsecond)
					t.put(b, newer, older)
				}
				i++
			}
			for id, n := range seen {
				if n > 1 {
					t.Errorf("%v comes %d times", id, n)
				}
			}
			for id := range before {
				if seen[id] == 0 {
					t.Errorf("%v does not appear", id)
				}
			}
		}),
		must("LIST-09", "Present tells whether the body is there.", func(t *T) {
			b, s := t.backend(), t.items(2)
			t.put(b, s...)
			t.append(b, t.request(s[0].Tombstone, "requester"))
			t.verdicts(b, t.purge(s[0].Tombstone), sdk.OutcomePurged)
			for i, one := range s {
				if got := t.entry(b, one.Tombstone).Present; got != (i == 1) {
					t.Errorf("record %d: present is %v", i, got)
				}
			}
		}),
		must("LIST-11", "List and Get say the same of a record: its content as it is kept, also where another record brought it, and the retention as events have moved it. What it was stored with stays.", func(t *T) {
			b, first := t.backend(), t.item(5000)
			t.put(b, first)
			body, content := frame(first.body)
			second := sample{t.record(content), body}
			second.RetainUntil, second.RetainAtStore = dawn, dawn
			t.put(b, second)
			t.append(b, t.retain(second.Tombstone, dawn.Add(time.Hour)), t.request(first.Tombstone, "requester"))
			second.Content, second.body, second.RetainUntil = first.Content, first.body, dawn.Add(time.Hour)
			t.same(b, first, second)
			for _, s := range []sample{first, second} {
				t.equal(s.Record, t.entry(b, s.Tombstone).Record)
			}
			t.verdicts(b, t.purge(first.Tombstone), sdk.OutcomePurged)
			for i, id := range tombstones(first, second) {
				if got := t.entry(b, id).Present; got != (i == 1) {
					t.Errorf("record %d of one content, of which the first is purged: present is %v", i, got)
				}
			}
		}),
		must("LIST-10", "Events and holds come when they are asked for, and only then.", func(t *T) {
			b, s := t.backend(), t.item(20)
			t.put(b, s)
			t.append(b, t.hold(s.Tombstone, "case"))
			for _, q := range []sdk.Query{{}, {WithEvents: true}, {WithHolds: true}, {WithEvents: true, WithHolds: true}} {
				q.Tombstones = tombstones(s)
				e := t.list(b, q)[0]
				if (len(e.Events) > 0) != q.WithEvents || (len(e.Holds) > 0) != q.WithHolds {
					t.Errorf("events asked %v, holds asked %v: %d and %d came", q.WithEvents, q.WithHolds, len(e.Events), len(e.Holds))
				}
			}
		}),
	}
}

// many stores some pages of records. The times are such that ties lie on the
// edges of pages.
func (t *T) many(b sdk.Backend) []sample {
	all := t.items(pages)
	for i := range all {
		if i%5 != 0 {
			all[i].ArchivedAt = dawn.Add(time.Duration(i/700) * time.Second)
		}
	}
	for rest := all; len(rest) > 0; {
		n := min(len(rest), sdk.MaxItems)
		t.put(b, rest[:n]...)
		rest = rest[n:]
	}
	return all
}
