package backendtest

import "github.com/codex-archive/codex/sdk"

func openRules() []Rule {
	return []Rule{
		must("OPEN-01", "Where there is no archive, opening it for reading only is NoArchive and makes none.", func(t *T) {
			t.refuseToOpen(sdk.ReadOnly)
		}, needsOwn),
		must("OPEN-02", "Where there is no archive, opening it for writing is NoArchive and makes none.", func(t *T) {
			t.refuseToOpen(sdk.ReadWrite)
		}, needsOwn),
		must("OPEN-03", "Create makes an archive with an identity, which every later opening finds with all that was stored.", reopen, needsOwn),
		must("OPEN-04", "An archive opened for reading only reads; every write is PermissionDenied and changes nothing.", readOnly),
		must("OPEN-05", "What one handle has stored, another handle sees.", func(t *T) {
			a, b, s := t.backend(), t.backend(), t.item(100)
			t.put(a, s)
			t.same(b, s)
			t.append(b, t.hold(s.Tombstone, "case"))
			t.verdicts(a, t.purge(s.Tombstone), sdk.OutcomeHeld)
		}),
		must("OPEN-06", "Two archives of one driver know nothing of each other.", func(t *T) {
			a, b := t.backend(), t.open(sdk.Options{URL: t.target.URL(), Mode: sdk.Create})
			s := t.item(100)
			t.put(a, s)
			t.unseen(b, s)
			t.missing(b, s)
			if t.health(a).Archive == t.health(b).Archive {
				t.Errorf("both archives have the identity %v", t.health(a).Archive)
			}
		}, needsOwn),
		proof(canOpen, must("OPEN-08", "An archive that is there is opened for reading and writing.", func(t *T) {
			t.backend()
		})),
		must("OPEN-11", "An option in a URL that the backend does not know is Unsupported, or Invalid, and never ignored: it may be a misspelt one about safety.", unknownOption),
		should("OPEN-07", "A URL of a scheme the backend does not know is Unsupported.", func(t *T) {
			_, err := t.tryOpen(t.ctx, sdk.Options{URL: "codex-backendtest-no-such-scheme://host/name", Mode: sdk.Create})
			t.kind(err, sdk.Unsupported)
		}),
		must("OPEN-14", "A backend with the capability identity knows the identity of its archive as soon as it is open.", func(t *T) {
			t.require(sdk.IdentityAtOpen)
			if b := t.backend(); sdk.IdentityOf(b).IsZero() || sdk.IdentityOf(b) != t.health(b).Archive {
				t.Errorf("the identity is %v, and Health says %v", sdk.IdentityOf(b), t.health(b).Archive)
			}
		}),
	}
}

func (t *T) refuseToOpen(m sdk.Mode) {
	url := t.target.URL()
	for range 2 { // the second time shows that the first made nothing
		_, err := t.tryOpen(t.ctx, sdk.Options{URL: url, Mode: m})
		t.kind(err, sdk.NoArchive)
	}
}

func reopen(t *T) {
	url := t.target.URL()
	b := t.open(sdk.Options{URL: url, Mode: sdk.Create})
	id, s := t.health(b).Archive, t.item(100)
	if id.IsZero() {
		t.Errorf("the archive has no identity")
	}
	t.put(b, s)
	if err := b.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	for _, m := range []sdk.Mode{sdk.ReadOnly, sdk.ReadWrite, sdk.Create, sdk.Upgrade} {
		b := t.open(sdk.Options{URL: url, Mode: m})
		t.same(b, s)
		if got := t.health(b).Archive; got != id {
			t.Errorf("opened %v the identity is %v, was %v", m, got, id)
		}
	}
}

func readOnly(t *T) {
	w, s, other := t.backend(), t.item(100), t.item(100)
	t.put(w, s)
	t.append(w, t.request(s.Tombstone, "requester"))
	r := t.open(sdk.Options{URL: t.url, Mode: sdk.ReadOnly})
	t.same(r, s)
	t.missing(r, other)
	t.verdicts(r, dry(t.purge(s.Tombstone)), sdk.OutcomePurged)
	if t.health(r).Archive != t.health(w).Archive {
		t.Errorf("the identity differs from that of the writer's handle")
	}

	t.refused(r, sdk.PermissionDenied, nil, other)
	t.kind(r.Append(t.ctx, []sdk.Event{t.hold(s.Tombstone, "case")}), sdk.PermissionDenied)
	_, err := r.Purge(t.ctx, t.purge(s.Tombstone))
	t.kind(err, sdk.PermissionDenied)

	t.unseen(w, other)
	t.missing(w, other)
	t.live(w, s.Tombstone)
	if e := t.entry(w, s.Tombstone); len(e.Events) != 2 || len(e.Holds) != 0 {
		t.Errorf("the record now has %d events and %d holds, want 2 and 0", len(e.Events), len(e.Holds))
	}
}
