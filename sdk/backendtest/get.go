package backendtest

import (
	"bytes"
	"io"

	"github.com/codex-archive/codex/sdk"
)

func getRules() []Rule {
	return []Rule{
		proof(canGet, must("GET-01", "Get yields one answer for each id, in the order given, duplicates included.", func(t *T) {
			b, s := t.backend(), t.items(5)
			t.put(b, s...)
			for i, g := range t.get(b, tombstones(s[3], s[0], s[3], s[4], s[4], s[1])...) {
				if want := s[[]int{3, 0, 3, 4, 4, 1}[i]].body; g.err != nil || !bytes.Equal(g.body, want) {
					t.Errorf("answer %d: %v, %s", i, g.err, differ(want, g.body))
				}
			}
		})),
		must("GET-02", "An unknown id is NotFound, names itself, and does not end the sequence.", func(t *T) {
			b, s, no := t.backend(), t.item(100), t.id()
			t.put(b, s)
			all := t.get(b, no, s.Tombstone, no)
			for _, i := range []int{0, 2} {
				t.names(t.kind(all[i].err, sdk.NotFound), no)
			}
			if all[1].err != nil || !bytes.Equal(all[1].body, s.body) {
				t.Errorf("the known id between them: %v", all[1].err)
			}
		}),
		must("GET-03", "Get of no ids yields nothing.", func(t *T) {
			t.get(t.backend())
		}),
		must("GET-04", "Get takes MaxItems ids; more are Limit.", func(t *T) {
			b, s := t.backend(), t.items(sdk.MaxItems)
			t.put(b, s...)
			t.same(b, s...)
			var last error
			n := 0
			for _, err := range b.Get(t.ctx, append(tombstones(s...), t.id())) {
				last = err
				n++
			}
			t.kind(last, sdk.Limit)
			if n != 1 {
				t.Errorf("get yielded %d pairs, want the error alone", n)
			}
		}),
		must("GET-05", "A body need not be read, wholly or at all; what follows is right all the same.", func(t *T) {
			b := t.backend()
			s := []sample{t.item(sdk.StagedBody + 1), t.item(5 * sdk.ChunkSize), t.item(0), t.item(100), t.item(sdk.ChunkSize + 1)}
			t.put(b, s...)
			i := 0
			for found, err := range b.Get(t.ctx, tombstones(s...)) {
				if err != nil || found.Err != nil {
					t.Fatalf("get: %v, %v", err, found.Err)
				}
				t.equal(s[i].Record, found.Record)
				head := make([]byte, []int{10, sdk.ChunkSize + 5, 0, 0, sdk.ChunkSize + 1}[i])
				if _, err := io.ReadFull(found.Body, head); err != nil || !bytes.Equal(head, s[i].body[:len(head)]) {
					t.Errorf("body %d: wrong at its beginning, %v", i, err)
				}
				i++
			}
			if i != len(s) {
				t.Errorf("get yielded %d of %d", i, len(s))
			}
		}),
		must("GET-06", "Breaking out of Get frees what it holds, wherever that happens.", func(t *T) {
			b := t.open(sdk.Options{URL: t.url, Mode: sdk.ReadWrite, Parallel: 1})
			s := []sample{t.item(100), t.item(5 * sdk.ChunkSize), t.item(100)}
			t.put(b, s...)
			for round := range 60 { // more often than any pool has connections
				i := 0
				for found, err := range b.Get(t.ctx, tombstones(s...)) {
					if err != nil || found.Err != nil {
						t.Fatalf("get: %v, %v", err, found.Err)
					}
					if i == round%3 {
						_, _ = io.CopyN(io.Discard, found.Body, int64(round*1000)) // how much comes does not matter here
						break
					}
					i++
				}
			}
			t.same(b, s...)
			t.put(b, t.item(100))
		}),
		must("GET-07", "The body of a loop over Get may call the same backend, even one that allows a single call at a time.", func(t *T) {
			b := t.open(sdk.Options{URL: t.url, Mode: sdk.ReadWrite, Parallel: 1})
			s := []sample{t.item(5 * sdk.ChunkSize), t.item(100), t.item(5 * sdk.ChunkSize)}
			t.put(b, s...)
			i := 0
			for found, err := range b.Get(t.ctx, tombstones(s...)) {
				if err != nil || found.Err != nil {
					t.Fatalf("get: %v, %v", err, found.Err)
				}
				head := make([]byte, 50)
				if _, err := io.ReadFull(found.Body, head); err != nil {
					t.Errorf("body %d: %v", i, err)
				}
				t.callAll(b, s[1])
				rest, err := io.ReadAll(found.Body)
				if err != nil || !bytes.Equal(append(head, rest...), s[i].body) {
					t.Errorf("body %d: %v, %s", i, err, differ(s[i].body, append(head, rest...)))
				}
				i++
			}
		}),
		must("GET-08", "A body that does not match what was stored ends in Corrupt, and its record is named.", func(t *T) {
			b := t.backend()
			s := []sample{t.item(2000), t.item(5 * sdk.ChunkSize), t.item(2000)}
			t.put(b, s...)
			t.damage(s[0], s[1])
			all := t.get(b, tombstones(s...)...)
			t.names(t.kind(all[0].err, sdk.Corrupt), s[0].Tombstone)
			t.names(t.kind(all[1].err, sdk.Corrupt), s[1].Tombstone)
			if all[2].err != nil || !bytes.Equal(all[2].body, s[2].body) {
				t.Errorf("the sound one after them: %v", all[2].err)
			}
		}, needsDamage),
		must("GET-09", "Reading a damaged body changes nothing; a Put of the same bytes repairs it.", func(t *T) {
			b, s := t.backend(), t.item(2000)
			t.put(b, s)
			t.damage(s)
			t.kind(t.get(b, s.Tombstone)[0].err, sdk.Corrupt)
			t.kind(t.get(b, s.Tombstone)[0].err, sdk.Corrupt)
			t.repaired(b, s, s)
		}, needsDamage),
		must("GET-10", "A body that is replaced while it is read ends as it was, or in a temporary error; never in Corrupt.", func(t *T) {
			b, s := t.backend(), t.item(24*sdk.ChunkSize)
			t.put(b, s)
			body, content := frame(s.body)
			for found, err := range b.Get(t.ctx, []sdk.Tombstone{s.Tombstone}) {
				if err != nil || found.Err != nil {
					t.Fatalf("%v, %v", err, found.Err)
				}
				head := make([]byte, 50)
				if _, err := io.ReadFull(found.Body, head); err != nil {
					t.Fatalf("%v", err)
				}
				t.replaced(b, sample{t.record(content), body}, s)
				rest, err := io.ReadAll(found.Body)
				if e := sdk.AsError(err); e != nil && !e.Retry || err == nil && !bytes.Equal(append(head, rest...), s.body) {
					t.Errorf("it ended after %d bytes in %v", len(head)+len(rest), err)
				}
			}
		}),
	}
}

func (t *T) damage(samples ...sample) {
	for _, s := range samples {
		if err := t.target.Damage(t.ctx, t.url, s.Content.SHA256); err != nil {
			t.Fatalf("damage a body: %v", err)
		}
	}
}

// damagedItem is an item of n bytes that the archive has, with a damaged body.
func (t *T) damagedItem(b sdk.Backend, n int) sample {
	s := t.item(n)
	t.put(b, s)
	t.damage(s)
	return s
}

// callAll uses every method but Close once; s is stored.
func (t *T) callAll(b sdk.Backend, s sample) {
	fresh := t.item(50)
	t.missing(b, fresh)
	t.put(b, fresh)
	t.same(b, s, fresh)
	t.entry(b, s.Tombstone)
	t.append(b, t.event(s.Tombstone, sdk.ActionRestore))
	t.verdicts(b, t.purge(fresh.Tombstone), sdk.OutcomeNotRequested)
	t.health(b)
}
