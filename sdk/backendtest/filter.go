package backendtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func filterRules() []Rule {
	return []Rule{
		must("FILTER-01", "Tombstones selects exactly these; unknown ones are left out, and none comes twice.", func(t *T) {
			b, s := t.backend(), t.items(6)
			t.put(b, s...)
			ids := append(tombstones(s[4], s[1], s[4]), t.id())
			t.lists(b, "tombstones", sdk.Query{Tombstones: ids}, s[1], s[4])
		}),
		must("FILTER-02", "Prefix selects the tombstones that begin so, in either case, from MinPrefix characters to all.", func(t *T) {
			b := t.backend()
			s := t.items(4)
			s[1].Tombstone = s[0].Tombstone
			s[1].Tombstone[15] ^= 0x01 // differs in the last digit
			s[2].Tombstone = s[0].Tombstone
			s[2].Tombstone[4] ^= 0x10 // differs in the ninth
			t.put(b, s...)
			full := s[0].Tombstone.String()
			for n := sdk.MinPrefix; n <= len(full); n++ {
				want := []sample{s[0]}
				if n < len(full) {
					want = append(want, s[1])
				}
				if n <= len("01234567-") {
					want = append(want, s[2])
				}
				t.lists(b, "prefix "+full[:n], sdk.Query{Prefix: full[:n]}, want...)
				t.lists(b, "prefix in capitals", sdk.Query{Prefix: strings.ToUpper(full[:n])}, want...)
			}
		}),
		must("FILTER-03", "A prefix that begins no tombstone is Invalid.", func(t *T) {
			b := t.backend()
			for _, p := range []string{"0", "0123456", "0123456789", "0123456x", "01234567-89ab-cdef-0123-456789abcdef0", "01234567%", "zzzzzzzz"} {
				t.listFails(b, sdk.Query{Prefix: p}, sdk.Invalid)
			}
		}),
		must("FILTER-04", "More than MaxItems tombstones or events are Limit; MaxItems are taken.", func(t *T) {
			b, s := t.backend(), t.items(2)
			t.put(b, s...)
			ids := make([]sdk.ID, sdk.MaxItems-1, sdk.MaxItems+1)
			for i := range ids {
				ids[i] = t.id()
			}
			t.lists(b, "MaxItems tombstones", sdk.Query{Tombstones: append(ids, s[0].Tombstone)}, s[0])
			t.lists(b, "MaxItems events", sdk.Query{Events: append(ids, s[1].Event)}, s[1])
			t.listFails(b, sdk.Query{Tombstones: append(ids, s[0].Tombstone, s[1].Tombstone)}, sdk.Limit)
			t.listFails(b, sdk.Query{Events: append(ids, s[0].Event, s[1].Event)}, sdk.Limit)
		}),
		must("FILTER-05", "Events selects the records that have one of these events, of whatever action.", func(t *T) {
			b, s := t.backend(), t.items(5)
			t.put(b, s...)
			restored, held, request := t.event(s[1].Tombstone, sdk.ActionRestore), t.hold(s[2].Tombstone, "case"), t.request(s[3].Tombstone, "requester")
			t.append(b, restored, held, request)
			p := t.purge(s[3].Tombstone)
			t.verdicts(b, p, sdk.OutcomePurged)
			t.lists(b, "its ARCHIVE event", sdk.Query{Events: []sdk.ID{s[0].Event}}, s[0])
			t.lists(b, "a RESTORE event", sdk.Query{Events: []sdk.ID{restored.ID}}, s[1])
			t.lists(b, "a HOLD event", sdk.Query{Events: []sdk.ID{held.ID}}, s[2])
			t.lists(b, "a PURGE event", sdk.Query{Events: []sdk.ID{p.Items[0].Event}}, s[3])
			t.lists(b, "several events", sdk.Query{Events: []sdk.ID{restored.ID, s[1].Event, s[4].Event, request.ID}}, s[1], s[3], s[4])
			t.lists(b, "an unknown event", sdk.Query{Events: []sdk.ID{t.id()}})
		}),
		must("FILTER-06", "Path selects the file of that path, as recorded or in the work tree, and all files below it if it is a directory, byte for byte.", pathFilter),
		must("FILTER-07", "Since selects what was archived at that microsecond or later, Until what was archived before it.", func(t *T) {
			b, s := t.backend(), t.items(5)
			for i := range s {
				s[i].ArchivedAt = dawn.Add(time.Duration(i) * time.Microsecond)
			}
			t.put(b, s...)
			at := func(i int) time.Time { return dawn.Add(time.Duration(i) * time.Microsecond) }
			mine := sdk.Query{Repo: t.repo()}
			for _, c := range []struct {
				since, until time.Time
				want         []sample
			}{
				{at(2), time.Time{}, s[2:]},
				{time.Time{}, at(2), s[:2]},
				{at(1), at(4), s[1:4]},
				{at(3), at(3), nil},
				{at(4).In(time.FixedZone("elsewhere", 3600)), time.Time{}, s[4:]},
				{at(5), time.Time{}, nil},
				{time.Time{}, at(0), nil},
			} {
				q := mine
				q.Since, q.Until = c.since, c.until
				t.lists(b, "time", q, c.want...)
			}
		}),
		must("FILTER-08", "Tag selects the records that carry exactly this tag.", func(t *T) {
			b, s := t.backend(), t.items(5)
			for i, tags := range [][]string{{"a"}, {"a", "ab"}, {"ab"}, {`"a"`, "[a]", "a,ab"}, nil} {
				s[i].Tags = tags
			}
			t.put(b, s...)
			for _, c := range []struct {
				tag  string
				want []sample
			}{
				{"a", []sample{s[0], s[1]}},
				{"ab", []sample{s[1], s[2]}},
				{`"a"`, []sample{s[3]}},
				{"a,ab", []sample{s[3]}},
				{"%", nil},
				{"b", nil},
			} {
				t.lists(b, fmt.Sprintf("tag %q", c.tag), sdk.Query{Repo: t.repo(), Tag: c.tag}, c.want...)
			}
		}),
		must("FILTER-10", "Set selects the records of one run.", func(t *T) {
			b, s := t.backend(), t.items(4)
			s[1].Set = t.id()
			s[3].Set = s[1].Set
			t.put(b, s...)
			t.lists(b, "set", sdk.Query{Repo: t.repo(), Set: s[1].Set}, s[1], s[3])
			t.lists(b, "the rule's set", sdk.Query{Set: s[0].Set}, s[0], s[2])
			t.lists(b, "an unknown set", sdk.Query{Set: t.id()})
		}),
		must("FILTER-11", "SHA256 selects the records of one content.", func(t *T) {
			b, s := t.backend(), t.items(2)
			s = append(s, t.again(s[0]))
			t.put(b, s...)
			t.lists(b, "hash", sdk.Query{SHA256: s[0].Content.SHA256}, s[0], s[2])
			t.lists(b, "an unknown hash", sdk.Query{SHA256: digest(t.bytes(20))})
		}),
		must("FILTER-12", "Commit selects the commits that begin so, byte for byte.", func(t *T) {
			b, s := t.backend(), t.items(4)
			for i, commit := range []string{"abcdef01", "abcdef02", "ABCDEF01", ""} {
				s[i].Commit = commit
			}
			t.put(b, s...)
			for prefix, want := range map[string][]sample{
				"abc": s[:2], "abcdef01": s[:1], "AB": s[2:3], "abcdef011": nil, "a%": nil, "a_c": nil,
			} {
				t.lists(b, fmt.Sprintf("commit %q", prefix), sdk.Query{Repo: t.repo(), Commit: prefix}, want...)
			}
		}),
		must("FILTER-13", "Name selects by a pattern for the last element of the path.", func(t *T) {
			b := t.backend()
			names := []string{"a/x.go", "x.go", "go/x", "X.GO", "a/b/xy.go", "x.god", "a*b", "[x]", "caf\xe9.go"}
			s := t.items(len(names))
			for i := range s {
				s[i].Path = names[i]
			}
			t.put(b, s...)
			for pattern, want := range map[string][]int{
				"*.go": {0, 1, 4, 8}, "x.go": {0, 1}, "?.go": {0, 1}, "x*": {0, 1, 2, 4, 5}, "[xX].*": {0, 1, 3, 5}, "[^x]*": {3, 6, 7, 8},
				`a\*b`: {6}, `\[x\]`: {7}, "caf?.go": {8}, "a/x.go": nil, "%": nil, "go": nil,
			} {
				var some []sample
				for _, i := range want {
					some = append(some, s[i])
				}
				t.lists(b, fmt.Sprintf("name %q", pattern), sdk.Query{Repo: t.repo(), Name: pattern}, some...)
			}
			t.listFails(b, sdk.Query{Name: "[x"}, sdk.Invalid)
		}),
		must("FILTER-14", "Match selects by a text in note, paths or metadata; letters A to Z match in either case.", func(t *T) {
			b, s := t.backend(), t.items(7)
			s[0].Note = "replaced by the new Parser"
			s[1].Path = "old/PARSER.c"
			s[2].WorkTreePath = "sub/parser.c"
			s[3].Metadata = map[string]string{"parser": "x"}
			s[4].Metadata = map[string]string{"ticket": "fix the parser"}
			s[5].Note = "100% Ärger_mit \\Pfaden"
			s[6].Path = "caf\xe9/x"
			t.put(b, s...)
			for text, want := range map[string][]sample{
				"parser": s[:5], "PARSER": s[:5], "new parser": s[:1], "0%": s[5:6], "r_m": s[5:6], `\pf`: s[5:6], "Ä": s[5:6],
				"ä": nil, "caf\xe9": s[6:], "p_rser": nil, "no record has this": nil,
			} {
				t.lists(b, fmt.Sprintf("match %q", text), sdk.Query{Repo: t.repo(), Match: text}, want...)
			}
			t.lists(b, "match within a limit", sdk.Query{Repo: t.repo(), Match: "parser", Limit: 1}, s[4])
		}),
		must("FILTER-09", "All that a query sets must hold.", func(t *T) {
			b, s := t.backend(), t.items(16)
			for i := range s { // each bit of i misses one condition
				s[i].Path, s[i].ArchivedBy, s[i].Reason, s[i].Tags = "lib/x.go", "anna", "legacy", []string{"keep", "x"}
				if i&1 != 0 {
					s[i].Path = "src/x.go"
				}
				if i&2 != 0 {
					s[i].ArchivedBy = "bert"
				}
				if i&4 != 0 {
					s[i].Reason = "dead"
				}
				if i&8 != 0 {
					s[i].Tags = nil
				}
			}
			t.put(b, s...)
			q := sdk.Query{Repo: t.repo(), Path: "lib/", Actor: "anna", Reason: "legacy", Tag: "keep"}
			t.lists(b, "all conditions", q, s[0])
			q.Since, q.Until = s[0].ArchivedAt, s[0].ArchivedAt.Add(time.Microsecond)
			q.Tombstones, q.Events = tombstones(s...), []sdk.ID{s[0].Event, s[5].Event}
			q.Prefix = s[0].Tombstone.String()[:sdk.MinPrefix]
			q.Limit = 5
			t.lists(b, "still more conditions", q, s[0])
			q.Events = []sdk.ID{s[5].Event}
			t.lists(b, "conditions of which one does not hold", q)
			t.lists(b, "another repository", sdk.Query{Repo: t.repo() + "x", Path: "lib/"})
		}),
	}
}

func pathFilter(t *T) {
	b := t.backend()
	paths := []string{
		"a", "a/a", "a/b", "a/b/c", "a//b", "a/B", "a/b ", "ab", "A/b", "a%b", "a_b", "axb", `a\b`, "a*b", "a[b]",
		"é", "e\u0301", "\xe9", "\xff", "\xff\xff", "\xff\xff\xff", "a\xff", "a\xffz", "b", "\U0010ffff", "\U0010ffffx",
	}
	all := t.items(len(paths))
	for i, p := range paths {
		all[i].Path = p
		if i%3 == 0 {
			all[i].WorkTreePath = "top/" + p
		}
	}
	t.put(b, all...)
	for _, path := range append(paths, "top", "top/a", "to", "%", "_", "*", "a/c", "a/b/", "\xc3", "\xf4") {
		var want []sample
		for _, s := range all {
			dir := strings.TrimRight(path, "/") + "/"
			if strings.HasPrefix(s.Path+"/", dir) || strings.HasPrefix(s.WorkTreePath+"/", dir) {
				want = append(want, s)
			}
		}
		t.lists(b, fmt.Sprintf("path %q", path), sdk.Query{Repo: t.repo(), Path: path}, want...)
	}
}

// listFails checks that a List yields one error of this kind and no entry.
func (t *T) listFails(b sdk.Backend, q sdk.Query, want sdk.Kind) {
	n := 0
	var last error
	for _, err := range b.List(t.ctx, q) {
		last = err
		n++
	}
	t.kind(last, want)
	if n != 1 {
		t.Errorf("list yielded %d pairs, want the error alone", n)
	}
}
