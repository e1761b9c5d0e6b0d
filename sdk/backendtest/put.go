package backendtest

import (
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func putRules() []Rule {
	return []Rule{
		proof(canKeep, must("PUT-01", "A record comes back with every field as it was stored.", everyField)),
		must("PUT-02", "Put answers each item in the order of the items.", func(t *T) {
			b := t.backend()
			s := t.items(50)
			slices.Reverse(s)
			t.put(b, s...)
			t.same(b, s...)
		}),
		proof(canPut, must("PUT-26", "Put stores items with their bodies and answers each, in their order: its tombstone, and its content as it is stored.", func(t *T) {
			s := t.items(5)
			slices.Reverse(s)
			for i, stored := range t.put(t.backend(), s...) {
				if stored.Content.StoredSize != s[i].Content.StoredSize || stored.Deduplicated || stored.Repaired || stored.Repeated {
					t.Errorf("answer %d is %+v, want a new body of %d bytes", i, stored, s[i].Content.StoredSize)
				}
			}
		})),
		must("PUT-03", "A Put of no items succeeds and answers none.", func(t *T) {
			t.put(t.backend())
		}),
		must("PUT-04", "MaxItems items are stored by one Put.", func(t *T) {
			b, s := t.backend(), t.items(sdk.MaxItems)
			t.put(b, s...)
			t.same(b, s[0], s[len(s)/2], s[len(s)-1])
			if n := len(t.mine(b)); n != len(s) {
				t.Errorf("list shows %d records, want %d", n, len(s))
			}
		}),
		must("PUT-05", "The same Put again is success, says Repeated, and changes nothing.", func(t *T) {
			b := t.backend()
			s := t.items(3)
			for i, stored := range t.put(b, s...) {
				if stored.Repeated {
					t.Errorf("item %d is called a repeat the first time", i)
				}
			}
			before := t.health(b).Retrievable
			for i, stored := range t.put(b, s...) {
				if !stored.Repeated {
					t.Errorf("item %d is not called a repeat the second time", i)
				}
			}
			t.once(b, s...)
			t.countIs(b, before)
		}),
		must("PUT-06", "A repeat need not bring its body again.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			bare := s
			bare.body = nil
			if stored := t.put(b, bare); !stored[0].Repeated {
				t.Errorf("it is not called a repeat")
			}
			t.once(b, s)
		}),
		must("PUT-07", "One Put may mix repeats and new items; the new ones are stored.", func(t *T) {
			b, s := t.backend(), t.items(4)
			t.put(b, s[1], s[3])
			for i, stored := range t.put(b, s...) {
				if stored.Repeated != (i%2 == 1) {
					t.Errorf("item %d: repeated is %v", i, stored.Repeated)
				}
			}
			t.once(b, s...)
		}),
		must("PUT-08", "The same item twice in one Put is stored once.", func(t *T) {
			b, s := t.backend(), t.item(100)
			if stored := t.put(b, s, s); stored[0].Repeated || !stored[1].Repeated {
				t.Errorf("repeated is %v, then %v; want false, then true", stored[0].Repeated, stored[1].Repeated)
			}
			t.once(b, s)
		}),
		must("PUT-09", "Another record under a tombstone that is taken is Conflict, names it, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			for _, change := range []func(*sample){
				func(o *sample) { o.body = t.bytes(100); o.Content = plain(o.body) },
				func(o *sample) { o.Path += "x" },
				func(o *sample) { o.Repo += "x" },
				func(o *sample) { o.ArchivedBy += "x" },
				func(o *sample) { o.Event = t.id() },
			} {
				other := s
				change(&other)
				t.conflict(b, s.Tombstone, t.item(100), other, t.item(100))
			}
			t.once(b, s)
		}),
		must("PUT-10", "Two records under one tombstone in one Put are Conflict.", func(t *T) {
			b, s := t.backend(), t.item(100)
			other := t.item(100)
			other.Tombstone = s.Tombstone
			t.refused(b, sdk.Conflict, []sdk.Tombstone{s.Tombstone}, s, other)
			t.missing(b, s, other)
		}),
		must("PUT-11", "An event id that another record has is Conflict, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			other := t.item(100)
			other.Event = s.Event
			t.conflict(b, other.Tombstone, t.item(100), other)
			t.once(b, s)
		}),
		must("PUT-12", "Content that is present is not stored again: the answer says Deduplicated and describes the body that is kept.", func(t *T) {
			b, first := t.backend(), t.item(5000)
			if t.put(b, first)[0].Deduplicated {
				t.Errorf("the first is called deduplicated")
			}
			body, content := frame(first.body)
			second := sample{t.record(content), body}
			t.dedup(t.put(b, second)[0], first)
			second.Content, second.body = first.Content, first.body
			t.same(b, first, second)
		}),
		must("PUT-13", "Content that comes twice in one Put is stored once, as the first item brings it.", func(t *T) {
			b, first := t.backend(), t.item(5000)
			body, content := frame(first.body)
			second := sample{t.record(content), body}
			stored := t.put(b, first, second)
			if stored[0].Deduplicated {
				t.Errorf("the first is called deduplicated")
			}
			t.dedup(stored[1], first)
			second.Content, second.body = first.Content, first.body
			t.same(b, first, second)
		}),
		must("PUT-14", "An item without body is stored when its content is present.", func(t *T) {
			b, first := t.backend(), t.item(5000)
			t.put(b, first)
			second := sample{Record: t.record(first.Content)}
			second.Content = unknown(second.Content)
			second.Content.Codec = sdk.Zstd
			t.dedup(t.put(b, second)[0], first)
			second.Content, second.body = first.Content, first.body
			t.same(b, second)
		}),
		must("PUT-15", "An item without body is stored when an earlier item of the same Put brings its content.", func(t *T) {
			b, first := t.backend(), t.item(5000)
			second := sample{Record: t.record(first.Content)}
			t.dedup(t.put(b, first, second)[1], first)
			second.body = first.body
			t.same(b, first, second)
		}),
		must("PUT-16", "Items without body whose content is not there are ContentAbsent, which names them, and nothing of the call is written.", func(t *T) {
			b := t.backend()
			s := t.items(2*sdk.MaxCulprits + 1)
			var culprits []sdk.Tombstone
			for i := range s {
				if i%2 == 0 { // 51: one more than an error may name
					s[i].body = nil
					culprits = append(culprits, s[i].Tombstone)
				}
			}
			t.refused(b, sdk.ContentAbsent, culprits[:1], s[0], s[1])
			t.refused(b, sdk.ContentAbsent, culprits, s...)
			t.missing(b, s...)
		}),
		must("PUT-17", "A body that is damaged is replaced by the one that an item brings, for every record of the content, and the answer says Repaired.", func(t *T) {
			b := t.backend()
			for _, n := range damagedSizes {
				first := t.damagedItem(b, n)
				body, content := frame(first.body)
				t.repaired(b, sample{t.record(content), body}, first)
				first.Content, first.body = content, body
				t.damage(first)
				t.repaired(b, first, first) // a repeat repairs as well
			}
		}, needsDamage),
		must("PUT-18", "An item without body whose content is damaged is ContentAbsent, which names it; the body then repairs the content.", func(t *T) {
			b := t.backend()
			for _, n := range damagedSizes {
				first := t.damagedItem(b, n)
				fresh := t.again(first)
				for _, s := range []sample{fresh, first} { // a new record, and a repeat
					s.body = nil
					_, err := b.Put(t.ctx, sequence(s))
					t.names(t.kind(err, sdk.ContentAbsent), s.Tombstone)
				}
				t.unseen(b, fresh)
				t.repaired(b, fresh, first)
			}
		}, needsDamage),
		must("PUT-20", "The digest of a record is kept as it was given and never computed.", func(t *T) {
			b, s := t.backend(), t.item(100)
			s.Digest = digest([]byte("any 32 bytes"))
			t.put(b, s)
			t.once(b, s)
			for _, e := range t.mine(b) {
				t.equal(s.Record, e.Record)
			}
		}),
		must("PUT-21", "A repeat is a record of the same tombstone, event and digest: what may change later makes no difference, another digest is Conflict.", func(t *T) {
			b, s := t.backend(), t.item(100)
			s.RetainUntil, s.RetainAtStore = dawn, dawn
			t.put(b, s)
			body, content := frame(s.body)
			later := sample{s.Record, body}
			later.Content, later.RetainUntil = content, dawn.Add(time.Hour)
			if stored := t.put(b, later)[0]; !stored.Repeated || !stored.Deduplicated {
				t.Errorf("repeated is %v, deduplicated %v, want both", stored.Repeated, stored.Deduplicated)
			}
			t.once(b, s) // and nothing of the second is kept
			other := s
			other.Digest = digest([]byte("another record"))
			t.conflict(b, s.Tombstone, t.item(100), other)
			t.once(b, s)
		}),
		must("PUT-27", "A symlink is a record of that type. Its content, the text of the link, is stored as it is and shared with a file of the same bytes.", func(t *T) {
			b := t.backend()
			var links []sample
			for _, text := range []string{"target", "../up", "/absolute/no such file", "name\nwith a line", "latin \xe9", strings.Repeat("x", sdk.MaxPath-1)} {
				link := sample{t.record(plain([]byte(text))), []byte(text)}
				link.Type, link.Mode = sdk.Symlink, 0o777
				links = append(links, link)
			}
			t.put(b, links...)
			t.same(b, links...)
			file := t.again(links[0])
			if stored := t.put(b, file); !stored[0].Deduplicated {
				t.Errorf("a file with the bytes of a symlink's content is stored again")
			}
			t.same(b, append(links, file)...)
			if e := t.entry(b, links[0].Tombstone); e.Record.Type != sdk.Symlink {
				t.Errorf("list says that the symlink is a %q", e.Record.Type)
			}
		}),
		must("PUT-22", "The id of an ARCHIVE event may be its tombstone. It is the event of that record, and taken for others.", func(t *T) {
			b, s := t.backend(), t.items(3)
			s[0].Event = s[0].Tombstone
			t.put(b, s[0])
			t.put(b, s[0]) // a repeat
			t.once(b, s[0])
			t.lists(b, "its tombstone as an event", sdk.Query{Events: []sdk.ID{s[0].Tombstone}}, s[0])
			s[2].Event = s[0].Tombstone
			t.conflict(b, s[2].Tombstone, s[1], s[2])
			e := t.event(s[0].Tombstone, sdk.ActionRestore)
			e.ID = s[0].Tombstone
			t.kind(b.Append(t.ctx, []sdk.Event{e}), sdk.Conflict)
		}),
		must("PUT-23", "A body that replaces the one in the archive, which it names, takes its place for every record of the content, although that is intact. The answer says neither Deduplicated nor Repaired.", func(t *T) {
			b := t.backend()
			for _, n := range damagedSizes {
				first := t.item(n)
				t.put(b, first)
				body, content := frame(first.body)
				t.replaced(b, sample{t.record(content), body}, first) // a new record
				first.Content, first.body = content, body
				longer := append(slices.Clone(body), 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0) // an empty skippable frame
				again := sample{first.Record, longer}
				again.Content = content.WithBody(longer)
				t.replaced(b, again, first) // a repeat
				first.Content = unknown(content)
				t.replacedBy(b, first, again.Content, content) // of a length that shows at its end
			}
		}),
		must("PUT-24", "A body that replaces another one than the intact one in the archive is read, checked and dropped, and the answer says Deduplicated.", func(t *T) {
			b := t.backend()
			for _, n := range damagedSizes {
				first := t.item(n)
				t.put(b, first)
				body, content := frame(first.body)
				second := sample{t.record(content), body}
				for range 2 { // the second time it is a repeat
					t.dedup(t.replace(b, second, digest(body)), first)
				}
				second.Content, second.body = first.Content, first.body
				t.same(b, first, second)
			}
		}),
		must("PUT-25", "An item that replaces a body and has none is Invalid, which names it, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			bare := t.again(s)
			i := bare.item()
			i.Body, i.Replaces = nil, s.Content.StoredSHA256
			_, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) { yield(i, nil) })
			t.names(t.kind(err, sdk.Invalid), bare.Tombstone)
			t.unseen(b, bare)
		}),
		must("PUT-28", "An event id is taken wherever it is: by another item of the Put, by an event of a record, or by one of the archive. That is Conflict, and nothing of the call is written.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			restored, verified := t.event(s.Tombstone, sdk.ActionRestore), t.event(sdk.Tombstone{}, sdk.ActionVerify)
			t.append(b, restored, verified)
			fresh := t.item(100)
			for _, taken := range []sdk.ID{restored.ID, verified.ID, fresh.Event} {
				other := t.item(100)
				other.Event = taken
				t.conflict(b, other.Tombstone, fresh, other)
			}
			t.eventsAre(b, s, restored)
		}),
		should("PUT-19", "Content of another plain size under a SHA-256 that is taken is Conflict.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			other := t.again(s)
			other.Content.Size++
			t.refused(b, sdk.Conflict, []sdk.Tombstone{other.Tombstone}, other)
			t.same(b, s)
		}),
	}
}

// once checks that samples are there, and that the rule stored no others.
func (t *T) once(b sdk.Backend, samples ...sample) {
	t.same(b, samples...)
	t.lists(b, "repository", sdk.Query{Repo: t.repo()}, samples...)
	for _, e := range t.mine(b) {
		if len(e.Events) != 1 {
			t.Errorf("record %v has %d events, want one", e.Record.Tombstone, len(e.Events))
		}
	}
}

// conflict checks that a Put is refused because of one tombstone, and that
// what else it brings is not there.
func (t *T) conflict(b sdk.Backend, culprit sdk.Tombstone, samples ...sample) {
	_, err := b.Put(t.ctx, sequence(samples...))
	t.names(t.kind(err, sdk.Conflict), culprit)
	for _, s := range samples {
		if s.Tombstone != culprit {
			t.unseen(b, s)
			t.missing(b, s)
		}
	}
}

// dedup checks the answer to an item whose content first brought.
func (t *T) dedup(got sdk.PutResult, first sample) {
	if !got.Deduplicated {
		t.Errorf("it is not called deduplicated")
	}
	if got.Content != first.Content {
		t.Errorf("of the answer, %s as the body that is kept has", strings.Join(differences("Content", first.Content, got.Content), ", "))
	}
}

// replace puts s, whose body takes the place of the one with the SHA-256 old, and
// returns the answer.
func (t *T) replace(b sdk.Backend, s sample, old sdk.Digest) sdk.PutResult {
	i := s.item()
	i.Replaces = old
	stored, err := b.Put(t.ctx, func(yield func(sdk.Item, error) bool) { yield(i, nil) })
	if err != nil {
		t.Fatalf("put of a body that replaces another: %v", err)
	}
	t.answers(stored, s)
	return stored[0]
}

// replaced puts s, whose body takes the place of that of first, and checks that it
// is the body of both.
func (t *T) replaced(b sdk.Backend, s, first sample) {
	t.replacedBy(b, s, first.Content, s.Content)
	first.Content, first.body = s.Content, s.body
	t.same(b, s, first)
}

func (t *T) replacedBy(b sdk.Backend, s sample, old, want sdk.Content) {
	stored := t.replace(b, s, old.StoredSHA256)
	if stored.Deduplicated || stored.Repaired {
		t.Errorf("the answer says deduplicated %v and repaired %v", stored.Deduplicated, stored.Repaired)
	}
	if stored.Content != want {
		t.Errorf("the answer describes %+v, want %+v", stored.Content, want)
	}
	s.Content = want
	t.same(b, s)
}

// damagedSizes are sizes of bodies in one row, in chunks, and staged.
var damagedSizes = []int{2000, 5 * sdk.ChunkSize, sdk.StagedBody + 1}

// repaired puts s, whose content is damaged, and checks that its body is what s
// and another record of the content then have.
func (t *T) repaired(b sdk.Backend, s, other sample) {
	stored := t.put(b, s)[0]
	if !stored.Repaired || stored.Deduplicated {
		t.Errorf("the answer says repaired %v and deduplicated %v", stored.Repaired, stored.Deduplicated)
	}
	if stored.Content != s.Content {
		t.Errorf("of the answer, %s", strings.Join(differences("Content", s.Content, stored.Content), ", "))
	}
	other.Content, other.body = s.Content, s.body
	t.same(b, s, other)
}
