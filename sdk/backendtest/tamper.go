package backendtest

import (
	"github.com/codex-archive/codex/sdk"
)

// Harm is what [Target].Tamper does.
type Harm string

// The kinds of harm.
const (
	RemoveBody  Harm = "remove-body"  // the stored bytes of the record's content go, and no other row or flag
	SpoilRecord Harm = "spoil-record" // a value in the record's row becomes one that no host has written
	SwapContent Harm = "swap-content" // the record's row points to the content of another record
	// SpoilContent changes what is kept about the record's content into what cannot
	// be true, such as a negative length of the body. The record's own row and the
	// content's SHA-256 stay.
	SpoilContent Harm = "spoil-content"

	RemoveRecord  Harm = "remove-record"  // the record's row goes, and no other
	RemoveContent Harm = "remove-content" // the row of the record's content goes, and no other
	FeignPurge    Harm = "feign-purge"    // the record's row says that it is purged, and nothing else changes
)

// Tampering says what [Target].Tamper is to do, and to which records.
type Tampering struct {
	How    Harm
	Record sdk.Tombstone
	Other  sdk.Tombstone // of SwapContent
}

func tamperRules() []Rule {
	return []Rule{
		must("TAMPER-01", "A body that is missing, whatever other rows say, is Corrupt or ContentAbsent in Get, not Present in List, and not counted as Retrievable.", func(t *T) {
			b := t.backend()
			for _, n := range damagedSizes {
				s, other := t.item(n), t.item(100)
				t.put(b, s, other)
				before := t.health(b)
				t.tamper(Tampering{How: RemoveBody, Record: s.Tombstone})
				err := t.get(b, s.Tombstone)[0].err
				if k := sdk.KindOf(err); k != sdk.Corrupt && k != sdk.ContentAbsent {
					t.Errorf("get answers %v, want corrupt or content_absent", err)
				}
				if t.entry(b, s.Tombstone).Present {
					t.Errorf("list says that the body is present")
				}
				after := t.health(b)
				if after.Live != before.Live || after.Retrievable != before.Retrievable-1 {
					t.Errorf("health counts %d of %d live records as retrievable without the body, and %d of %d with it; want one less", after.Retrievable, after.Live, before.Retrievable, before.Live)
				}
				t.same(b, other)
			}
		}, needsTamper),
		must("TAMPER-02", "Content whose body is missing is ContentAbsent in a Put without body; a Put with the body repairs it.", func(t *T) {
			b := t.backend()
			for _, n := range damagedSizes {
				s := t.item(n)
				t.put(b, s)
				t.tamper(Tampering{How: RemoveBody, Record: s.Tombstone})
				fresh := t.again(s)
				bare := fresh
				bare.body = nil
				_, err := b.Put(t.ctx, sequence(bare))
				t.names(t.kind(err, sdk.ContentAbsent), bare.Tombstone)
				t.repaired(b, fresh, s)
			}
		}, needsTamper),
		must("TAMPER-03", "A row that cannot be read is an error about it, in Get and in List; the others are returned.", func(t *T) {
			b, s := t.backend(), t.items(5)
			t.put(b, s...)
			t.tamper(Tampering{How: SpoilRecord, Record: s[2].Tombstone})
			all := t.get(b, tombstones(s...)...)
			t.names(t.kind(all[2].err, sdk.Corrupt), s[2].Tombstone)
			t.same(b, s[0], s[1], s[3], s[4])
			listed := t.mine(b)
			if len(listed) != len(s) {
				t.Fatalf("list yields %d entries, want %d", len(listed), len(s))
			}
			for _, e := range listed {
				if e.Record.Tombstone != s[2].Tombstone {
					if e.Err != nil {
						t.Errorf("list, a sound record: %v", e.Err)
					}
					continue
				}
				t.names(t.kind(e.Err, sdk.Corrupt), s[2].Tombstone)
			}
		}, needsTamper),
		must("TAMPER-04", "A record whose row was tied to other content comes back with the digest that it was stored with, so that the host finds it out.", func(t *T) {
			b, s := t.backend(), t.items(2)
			t.put(b, s...)
			t.tamper(Tampering{How: SwapContent, Record: s[1].Tombstone, Other: s[0].Tombstone})
			for _, g := range t.get(b, tombstones(s...)...) {
				switch swapped := g.Tombstone == s[1].Tombstone; {
				case g.err != nil && swapped && sdk.KindOf(g.err) == sdk.Corrupt: // the backend found it out
				case g.err != nil:
					t.Errorf("get %v: %v", g.Tombstone, g.err)
				case swapped && g.Record.CheckDigest() == nil:
					t.Errorf("record %v: its row was tied to other content, and its digest matches all the same: it was computed, not stored", g.Tombstone)
				case !swapped && g.Record.CheckDigest() != nil:
					t.Errorf("record %v, which was not touched: %v", g.Tombstone, g.Record.CheckDigest())
				}
			}
		}, needsTamper),
		must("TAMPER-05", "A record of whose content the archive keeps what cannot be true is listed, without a stored size; Get says that it is Corrupt or ContentAbsent; the record stored again with its body repairs it.", spoiledContent, needsTamper),
	}
}

func spoiledContent(t *T) {
	b := t.backend()
	for _, n := range damagedSizes {
		s, other := t.item(n), t.item(100)
		t.put(b, s, other)
		t.tamper(Tampering{How: SpoilContent, Record: s.Tombstone})
		err := t.get(b, s.Tombstone)[0].err
		if k := sdk.KindOf(err); k != sdk.Corrupt && k != sdk.ContentAbsent {
			t.Errorf("get answers %v, want corrupt or content_absent", err)
		}
		for _, e := range t.list(b, sdk.Query{Tombstones: []sdk.Tombstone{s.Tombstone}}) {
			if e.Err != nil {
				t.Fatalf("list: %v", e.Err)
			}
			if c := e.Record.Content; c.SHA256 != s.Content.SHA256 || c.StoredSize != -1 || e.Record.CheckDigest() != nil || e.Record.Path != s.Path {
				t.Errorf("list yields %+v", e.Record)
			}
		}
		t.repaired(b, s, s)
		t.same(b, s, other)
	}
}

func (t *T) tamper(what Tampering) {
	if err := t.target.Tamper(t.ctx, t.url, what); err != nil {
		t.Fatalf("tamper, %s: %v", what.How, err)
	}
}
