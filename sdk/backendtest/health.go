package backendtest

import (
	"strings"

	"github.com/codex-archive/codex/sdk"
)

func healthRules() []Rule {
	return []Rule{
		proof(canHealth, must("HEALTH-01", "Health names server, identity and schema version, the database's clock, and whether writing is possible.", func(t *T) {
			b := t.backend()
			h := t.health(b)
			if id := sdk.IdentityOf(b); !id.IsZero() && id != h.Archive {
				t.Errorf("the archive is %v, and %v when it was opened", h.Archive, id)
			}
			switch {
			case h.Server == "":
				t.Errorf("no server is named")
			case h.Archive.IsZero():
				t.Errorf("the archive has no identity")
			case h.Schema < 1:
				t.Errorf("schema version %d", h.Schema)
			case h.Clock.IsZero():
				t.Errorf("no clock")
			case !h.Writable:
				t.Errorf("not writable, though the rules write")
			}
		})),
		must("HEALTH-02", "Retrievable counts the live records whose body is present.", func(t *T) {
			b := t.backend()
			before := t.health(b).Retrievable
			s := t.items(3)
			s = append(s, t.again(s[0]))
			t.put(b, s...)
			t.countIs(b, before+4)
			t.append(b, t.request(s[0].Tombstone, "requester"), t.request(s[1].Tombstone, "requester"))
			t.verdicts(b, t.purge(s[0].Tombstone, s[1].Tombstone), sdk.OutcomePurged, sdk.OutcomePurged)
			t.countIs(b, before+2)
		}),
		must("HEALTH-04", "Live counts the live records.", func(t *T) {
			b := t.backend()
			before := t.health(b).Live
			s := t.items(3)
			t.put(b, s...)
			t.put(b, s...) // repeats
			t.append(b, t.request(s[0].Tombstone, "another"))
			t.verdicts(b, t.purge(s[0].Tombstone), sdk.OutcomePurged)
			if got := t.health(b).Live; got != before+2 {
				t.Errorf("live is %d, want %d", got, before+2)
			}
		}),
		must("HEALTH-06", "Held counts the live records of which a hold is active, and Purged the purged records.", custodyIsCounted),
		must("HEALTH-05", "Writable is about the archive: a handle that was opened for reading only says the same as one for writing.", func(t *T) {
			w, r := t.backend(), t.open(sdk.Options{URL: t.url, Mode: sdk.ReadOnly})
			if want, got := t.health(w).Writable, t.health(r).Writable; got != want {
				t.Errorf("writable is %v, and %v where the archive was opened for reading only", want, got)
			}
		}),
		must("HEALTH-03", "Health changes nothing.", func(t *T) {
			b := t.backend()
			s := t.item(100)
			t.put(b, s)
			first := t.health(b)
			second := t.health(b)
			first.Clock = second.Clock
			if first != second {
				t.Errorf("of the second answer, %s as in the first", strings.Join(differences("Health", first, second), ", "))
			}
			t.same(b, s)
		}),
	}
}

func custodyIsCounted(t *T) {
	b := t.backend()
	before := t.health(b)
	counts := func(when string, held, purged int64) {
		h := t.health(b)
		if h.Held-before.Held != held || h.Purged-before.Purged != purged {
			t.Errorf("%s: %d records more are held and %d purged, want %d and %d", when, h.Held-before.Held, h.Purged-before.Purged, held, purged)
		}
	}
	s := t.items(3)
	t.put(b, s...)
	t.append(b, t.hold(s[0].Tombstone, "one"), t.hold(s[0].Tombstone, "two"), t.hold(s[1].Tombstone, "one"), t.request(s[1].Tombstone, "requester"))
	t.verdicts(b, t.purge(s[1].Tombstone), sdk.OutcomeHeld)
	counts("with holds of two records", 2, 0)
	t.append(b, t.release(s[0].Tombstone, "one"), t.release(s[1].Tombstone, "one"))
	counts("with one hold released of each", 1, 0)
	t.verdicts(b, t.purge(s[1].Tombstone), sdk.OutcomePurged)
	counts("after a purge", 1, 1)
	live, purged := t.copied(t.item(100)), t.copied(t.item(100))
	live.held("one", false)
	purged.held("one", false)
	purged.purged(t)
	t.putCopies(b, live, purged)
	counts("with a live and a purged record of another archive, each with a hold", 2, 2)
}

func (t *T) countIs(b sdk.Backend, want int64) {
	if got := t.health(b).Retrievable; got != want {
		t.Errorf("retrievable is %d, want %d", got, want)
	}
}
