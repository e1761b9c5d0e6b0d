package backendtest

import (
	"errors"
	"slices"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

func inspectRules() []Rule {
	return []Rule{
		patient(must("INSPECT-01", "Inspect finds no damage after any call, whether it ended well or was refused, and changes nothing.", soundAfterCalls)),
		patient(must("INSPECT-02", "What a Put has staged, and what it leaves when it ends in an error, is no damage.", stagedIsSound)),
		must("INSPECT-03", "Content whose record was removed is orphaned, and named by its SHA-256; holds and events of the record are dangling.", func(t *T) {
			b := t.inspectable()
			gone, kept := t.damageable(b)
			for _, s := range gone {
				t.append(b, t.hold(s.Tombstone, "one"))
			}
			found := t.damageBy(b, RemoveRecord, gone)
			for _, s := range gone {
				t.showsDamage(found, sdk.Orphaned, s.Content.SHA256.String())
			}
			t.showsDamage(found, sdk.Dangling, "")
			t.same(b, kept)
		}, needsTamper),
		must("INSPECT-04", "A record whose content has no row is dangling, and named by its tombstone.", func(t *T) {
			b, bare, kept, found := t.damaged(RemoveContent)
			for _, s := range bare {
				t.showsDamage(found, sdk.Dangling, s.Tombstone.String())
			}
			t.same(b, kept)
		}, needsTamper),
		must("INSPECT-05", "Content of purged records only, whose body is there, is contradictory, and named by its SHA-256.", func(t *T) {
			_, feigned, _, found := t.damaged(FeignPurge)
			for _, s := range feigned {
				t.showsDamage(found, sdk.Contradictory, s.Content.SHA256.String())
			}
		}, needsTamper),
	}
}

func soundAfterCalls(t *T) {
	b := t.inspectable()
	before := t.inspect(b)
	s := t.items(3)
	s = append(s, t.again(s[0]), t.item(sdk.SmallBody+1), t.item(sdk.StagedBody+1))
	t.put(b, s...)
	t.put(b, s...) // repeats
	t.append(b, t.hold(s[1].Tombstone, "one"), t.request(s[0].Tombstone, "requester"), t.request(s[1].Tombstone, "requester"), t.request(s[5].Tombstone, "requester"))
	t.verdicts(b, t.purge(s[0].Tombstone, s[1].Tombstone, s[5].Tombstone), sdk.OutcomePurged, sdk.OutcomeHeld, sdk.OutcomePurged)
	t.verdicts(b, t.purge(s[2].Tombstone), sdk.OutcomeNotRequested)
	live, purged := t.copied(t.item(100)), t.copied(t.item(100))
	live.held("one", false)
	purged.purged(t)
	t.putCopies(b, live, purged)
	t.put(b, t.again(s[5])) // what was purged comes back
	taken := t.item(100)
	taken.Event = s[1].Event
	_, err := b.Put(t.ctx, sequence(t.item(100), taken))
	t.kind(err, sdk.Conflict)
	if found := t.newDamage(b, before); len(found) > 0 {
		t.Errorf("damage: %+v", found)
	}
	mine := append(tombstones(s...), live.Tombstone, purged.Tombstone)
	for _, e := range t.list(b, sdk.Query{Tombstones: mine, WithEvents: true, WithHolds: true}) {
		if err := e.CheckCustody(); e.Err == nil && err != nil {
			t.Errorf("events, holds and retention that do not agree: %v", err)
		}
	}
	t.same(b, s[1], s[2], s[3], s[4])
}

func stagedIsSound(t *T) {
	b, other := t.inspectable(), t.backend()
	before := t.inspect(b)
	late := t.item(100)
	_, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) {
		big := t.item(sdk.StagedBody + sdk.ChunkSize)
		for one, err := range sequence(big, late) {
			if !yield(one, err) {
				return
			}
			if found := t.newDamage(other, before); len(found) > 0 {
				t.Errorf("while a Put runs: %+v", found)
			}
		}
		yield(sdk.Item{}, errors.New("the host cannot go on"))
	})
	if err == nil {
		t.Errorf("the Put ended well, though its sequence did not")
	}
	if found := t.newDamage(other, before); len(found) > 0 {
		t.Errorf("after a Put that ended in an error: %+v", found)
	}
	t.unseen(b, late)
}

// inspectable opens an archive that can be inspected.
func (t *T) inspectable() sdk.Backend {
	t.require(sdk.Inspection)
	t.alone()
	return t.backend()
}

func (t *T) inspect(b sdk.Backend) []sdk.Finding {
	findings, err := sdk.Inspect(t.ctx, b)
	if err != nil {
		t.Fatalf("inspect: %v", err)
	}
	for _, f := range findings {
		if f.What == "" || f.Rows < 1 || len(f.Examples) > sdk.MaxExamples {
			t.Errorf("inspect: a finding of kind %q, %q, has %d rows and %d examples", f.Kind, f.What, f.Rows, len(f.Examples))
		}
	}
	return findings
}

// newDamage returns the findings that are damage and were not there before: in a
// single archive, other rules may have left some.
func (t *T) newDamage(b sdk.Backend, before []sdk.Finding) []sdk.Finding {
	return slices.DeleteFunc(t.inspect(b), func(f sdk.Finding) bool {
		n := slices.IndexFunc(before, func(o sdk.Finding) bool { return o.What == f.What })
		return !f.Kind.Damage() || n >= 0 && before[n].Rows == f.Rows
	})
}

// damageable stores an item of each size, to tamper with, and another.
func (t *T) damageable(b sdk.Backend) (some []sample, other sample) {
	for _, n := range damagedSizes {
		some = append(some, t.item(n))
	}
	other = t.item(100)
	t.put(b, append(slices.Clone(some), other)...)
	return some, other
}

// damaged tampers with records of some contents, and returns what damage that
// makes.
func (t *T) damaged(how Harm) (b sdk.Backend, some []sample, other sample, found []sdk.Finding) {
	b = t.inspectable()
	some, other = t.damageable(b)
	return b, some, other, t.damageBy(b, how, some)
}

// damageBy tampers with the records of some, and returns what damage that makes.
func (t *T) damageBy(b sdk.Backend, how Harm, some []sample) []sdk.Finding {
	before := t.inspect(b)
	for _, s := range some {
		t.tamper(Tampering{How: how, Record: s.Tombstone})
	}
	return t.newDamage(b, before)
}

// showsDamage checks that the findings have damage of a kind and, unless there are
// more rows than are named, that it names name.
func (t *T) showsDamage(found []sdk.Finding, kind sdk.FindingKind, name string) {
	for _, f := range found {
		names := slices.ContainsFunc(f.Examples, func(e string) bool { return strings.Contains(e, name) })
		if f.Kind == kind && (names || f.Rows > int64(len(f.Examples))) {
			return
		}
	}
	t.Errorf("inspect finds %+v, and nothing that is %s and names %q", found, kind, name)
}
