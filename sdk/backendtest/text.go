package backendtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// words that databases like to change: each is different from all others.
var words = []string{
	"word", "Word", "WORD", "word ", " word", "word\t", "word\n", "word\r\n",
	"wörd", "wo\u0308rd", "ẞ", "ss", "İ", "i̇", "слово", "言葉", "🗄️", "\U0010ffff", "a\u200bb", "a\ufeffb",
	`wo"rd`, "wo'rd", "wo''rd", `wo\rd`, `wo\\rd`, "wo%rd", "wo_rd", "wo?rd", "$1", ":word", "@word", "{word}", "[word]", "word,word", "NULL", "null", "0", "00", "1e3", "true", "--", "/*", ";",
	"\x01", "\x7f", "\u0085", "\u2028",
}

// odd paths besides the words: bytes that are no UTF-8.
var oddPaths = []string{"\xff", "\xfe/\xff", "caf\xe9.txt", "\xc3\x28", "\xed\xa0\x80", "dir/\x80", "\x1b[31m"}

func textRules() []Rule {
	return []Rule{
		must("TEXT-01", "All text comes back as it was: case, blanks at the end, forms of Unicode, signs that mean something to databases.", func(t *T) {
			b := t.backend()
			var all []sample
			for _, w := range words {
				s := t.item(20)
				s.Path, s.WorkTreePath, s.Commit, s.Reason, s.ContentKind, s.Note, s.ArchivedBy = w, w, w, w, w, w, w
				s.Tags, s.Metadata = []string{w}, map[string]string{w: w}
				all = append(all, s)
			}
			t.put(b, all...)
			t.once(b, all...)
		}),
		must("TEXT-02", "Texts that differ only in case or blanks are different: repositories.", func(t *T) {
			t.distinct(func(s *sample, w string) { s.Repo = t.repo() + w }, func(w string) sdk.Query { return sdk.Query{Repo: t.repo() + w} })
		}),
		must("TEXT-03", "Texts that differ only in case or blanks are different: actors.", func(t *T) {
			t.distinct(func(s *sample, w string) { s.ArchivedBy = w }, func(w string) sdk.Query { return sdk.Query{Repo: t.repo(), Actor: w} })
		}),
		must("TEXT-04", "Texts that differ only in case or blanks are different: reasons.", func(t *T) {
			t.distinct(func(s *sample, w string) { s.Reason = w }, func(w string) sdk.Query { return sdk.Query{Repo: t.repo(), Reason: w} })
		}),
		must("TEXT-05", "Texts that differ only in case or blanks are different: tags.", func(t *T) {
			t.distinct(func(s *sample, w string) { s.Tags = []string{w} }, func(w string) sdk.Query { return sdk.Query{Repo: t.repo(), Tag: w} })
		}),
		must("TEXT-06", "Paths are bytes, which need not be UTF-8, and come back as they were.", func(t *T) {
			b := t.backend()
			var all []sample
			for _, p := range oddPaths {
				s := t.item(20)
				s.Path, s.WorkTreePath = p, "top/"+p
				all = append(all, s)
			}
			t.put(b, all...)
			t.once(b, all...)
		}),
		must("TEXT-07", "Texts as long as the limits allow come back whole.", func(t *T) {
			b := t.backend()
			s, multi := longest(t, "x"), longest(t, "é")
			t.put(b, s, multi)
			t.once(b, s, multi)
			t.lists(b, "long actor", sdk.Query{Repo: t.repo(), Actor: multi.ArchivedBy}, multi)
			t.lists(b, "long path", sdk.Query{Repo: t.repo(), Path: s.Path}, s)
			t.lists(b, "long tag", sdk.Query{Repo: t.repo(), Tag: multi.Tags[0]}, multi)
		}),
		must("TEXT-08", "Names that agree in all but their last byte are different.", func(t *T) {
			t.distinct(func(s *sample, w string) { s.Repo = longName(t, w) }, func(w string) sdk.Query { return sdk.Query{Repo: longName(t, w)} })
		}),
		must("TEXT-09", "Times come back to the microsecond, in UTC: the zero time, 1970, and times before it included.", func(t *T) {
			b := t.backend()
			var all []sample
			for _, at := range []time.Time{
				{}, time.Unix(0, 0).UTC(), time.UnixMicro(1).UTC(), time.UnixMicro(-1).UTC(), time.UnixMicro(999_999).UTC(),
				time.Date(1901, 12, 13, 20, 45, 51, 999_999_000, time.UTC), time.Date(2038, 1, 19, 3, 14, 8, 1000, time.UTC),
				time.Date(2024, 3, 31, 2, 30, 0, 123_456_000, time.UTC), // not there on clocks of central Europe
				time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC),
			} {
				s := t.item(20)
				s.ModTime, s.RetainUntil = at, at
				if !at.IsZero() {
					s.ArchivedAt = at
				}
				all = append(all, s)
			}
			t.put(b, all...)
			t.once(b, all...)
		}),
		must("TEXT-10", "A time given in another zone is the same instant.", func(t *T) {
			b, s := t.backend(), t.item(20)
			local := s
			zone := time.FixedZone("elsewhere", -7*3600-1800)
			local.ArchivedAt, local.ModTime = s.ArchivedAt.In(zone), s.ModTime.In(zone)
			t.put(b, local)
			t.once(b, s)
		}),
		must("TEXT-11", "Times at both ends of what an archive keeps, the years 1 and 9999, come back.", func(t *T) {
			b := t.backend()
			var all []sample
			for _, at := range []time.Time{
				time.Time{}.Add(time.Microsecond), time.Date(1, 1, 2, 3, 4, 5, 6000, time.UTC), time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC),
				time.Date(2300, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
			} {
				s := t.item(20)
				s.ModTime, s.RetainUntil, s.RetainAtStore, s.ArchivedAt = at, at, at, at
				all = append(all, s)
			}
			t.put(b, all...)
			t.once(b, all...)
		}),
	}
}

// everyField stores records whose fields are all set, all empty where that is
// allowed, and at their ends.
func everyField(t *T) {
	b := t.backend()
	full := t.item(1000)
	full.WorkTreePath, full.Note = "sub/src/file.go", "why\nit went"
	full.Tags, full.Metadata = []string{"a", "b"}, map[string]string{"ticket": "X-1", "empty": "", "z": "{}"}
	full.Mode, full.RetainUntil, full.RetainAtStore = 0o751, dawn.Add(24*time.Hour), dawn.Add(time.Hour)
	full.Type, full.Set, full.Host = sdk.Symlink, t.id(), "build-7.example.com"
	full.GitBlob, full.WorkTreeState = strings.Repeat("0a1b2c3d", 5), sdk.WorkTreeModified
	bare := t.item(1000)
	bare.Commit, bare.Mode, bare.ModTime = "", 0, time.Time{}
	open := t.item(1000)
	open.Mode, open.ContentKind = 0o777, "asset"
	open.GitBlob, open.WorkTreeState = strings.Repeat("0a1b2c3d", 8), sdk.WorkTreeUntracked
	given := []sample{full, bare, open}
	given[2].PurgedAt = dawn // which Put ignores
	t.put(b, given...)
	given[2].PurgedAt = time.Time{}
	t.once(b, given...)
	for _, e := range t.mine(b) {
		for _, s := range given {
			if s.Tombstone == e.Record.Tombstone {
				t.equal(s.Record, e.Record)
			}
		}
	}
}

// distinct stores a record for each word and finds each by its word alone.
func (t *T) distinct(set func(*sample, string), query func(string) sdk.Query) {
	b := t.backend()
	all := t.items(len(words))
	for i, w := range words {
		set(&all[i], w)
	}
	t.put(b, all...)
	t.same(b, all...)
	for i, w := range words {
		t.lists(b, fmt.Sprintf("%q", w), query(w), all[i])
	}
	t.lists(b, "an unknown word", query("word  "))
}

// longName is a name of the greatest length that ends in w.
func longName(t *T, w string) string {
	return t.repo() + strings.Repeat(".", sdk.MaxName-len(t.repo())-len(w)) + w
}

// longest is an item whose texts have the greatest lengths, made of char.
func longest(t *T, char string) sample {
	text := func(n int) string { return strings.Repeat(char, n/len(char)) }
	s := t.item(20)
	s.Path, s.WorkTreePath = text(sdk.MaxPath), text(sdk.MaxPath)
	s.Commit, s.Reason, s.ContentKind, s.ArchivedBy = text(sdk.MaxName), text(sdk.MaxName), text(sdk.MaxName), text(sdk.MaxName)
	s.Note = text(sdk.MaxText)
	for i := range sdk.MaxTags {
		s.Tags = append(s.Tags, fmt.Sprintf("%03d%s", i, text(sdk.MaxName-4)))
	}
	s.Metadata = map[string]string{text(sdk.MaxName): text(sdk.MaxText - sdk.MaxName)}
	return s
}
