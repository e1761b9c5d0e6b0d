package backendtest

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

func refusalRules() []Rule {
	return []Rule{
		must("LIMIT-01", "More than MaxItems items in one Put are Limit, and nothing is written.", func(t *T) {
			b, s := t.backend(), t.items(sdk.MaxItems+1)
			t.refused(b, sdk.Limit, nil, s...)
			t.missing(b, s[:sdk.MaxItems]...)
			t.put(b, s[sdk.MaxItems])
		}),
		must("LIMIT-02", "A text above its limit is Limit, names its record, and nothing of the call is written.", func(t *T) {
			t.refuseEach(sdk.Limit, []func(*sample){
				func(s *sample) { s.Repo = strings.Repeat("x", sdk.MaxName+1) },
				func(s *sample) { s.Commit = strings.Repeat("x", sdk.MaxName+1) },
				func(s *sample) { s.ArchivedBy = strings.Repeat("x", sdk.MaxName+1) },
				func(s *sample) { s.Reason = strings.Repeat("x", sdk.MaxName+1) },
				func(s *sample) { s.ContentKind = strings.Repeat("x", sdk.MaxName+1) },
				func(s *sample) { s.Host = strings.Repeat("x", sdk.MaxName+1) },
				func(s *sample) { s.Content.Codec = sdk.Codec(strings.Repeat("x", sdk.MaxName+1)) },
				func(s *sample) { s.Metadata = map[string]string{strings.Repeat("x", sdk.MaxName+1): ""} },
				func(s *sample) { s.Path = strings.Repeat("x", sdk.MaxPath+1) },
				func(s *sample) { s.WorkTreePath = strings.Repeat("x", sdk.MaxPath+1) },
				func(s *sample) { s.Note = strings.Repeat("x", sdk.MaxText+1) },
				func(s *sample) { s.Tags = []string{strings.Repeat("x", sdk.MaxName+1)} },
				func(s *sample) { s.Tags = make([]string, sdk.MaxTags+1) },
				func(s *sample) {
					half := strings.Repeat("x", sdk.MaxText/2)
					s.Metadata = map[string]string{"a": half, "b": half}
				},
			})
		}),
		must("LIMIT-03", "A record without what it must have is Invalid, names it, and nothing of the call is written.", func(t *T) {
			t.refuseEach(sdk.Invalid, []func(*sample){
				func(s *sample) { s.Event = sdk.ID{} },
				func(s *sample) { s.Repo = "" },
				func(s *sample) { s.Path = "" },
				func(s *sample) { s.Reason = "" },
				func(s *sample) { s.ContentKind = "" },
				func(s *sample) { s.ArchivedBy = "" },
				func(s *sample) { s.ArchivedAt = time.Time{} },
				func(s *sample) { s.Content.Codec = "" },
				func(s *sample) { s.Content.Size = -1 },
				func(s *sample) { s.Mode = 0o1000 },
				func(s *sample) { s.ArchivedAt = s.ArchivedAt.Add(time.Nanosecond) },
				func(s *sample) { s.ModTime = s.ModTime.Add(time.Nanosecond) },
				func(s *sample) { s.Tags = []string{"b", "a"} },
				func(s *sample) { s.Tags = []string{"a", "a"} },
				func(s *sample) { s.Tags = []string{""} },
				func(s *sample) { s.Metadata = map[string]string{"": "x"} },
			})
		}),
		must("LIMIT-04", "Text that holds a NUL or, paths aside, is not UTF-8 is Invalid, names its record, and nothing of the call is written.", func(t *T) {
			t.refuseEach(sdk.Invalid, []func(*sample){
				func(s *sample) { s.Path = "a\x00b" },
				func(s *sample) { s.WorkTreePath = "a\x00b" },
				func(s *sample) { s.Repo = "a\x00" },
				func(s *sample) { s.Note = "\x00" },
				func(s *sample) { s.Tags = []string{"a\x00"} },
				func(s *sample) { s.Metadata = map[string]string{"a": "\x00"} },
				func(s *sample) { s.Repo = "\xff" },
				func(s *sample) { s.Note = "caf\xe9" },
				func(s *sample) { s.ArchivedBy = "\xff" },
				func(s *sample) { s.Metadata = map[string]string{"\xff": "x"} },
			})
		}),
		must("LIMIT-06", "A record without set, digest or type, with a word that is not known, or a time outside the years 1 to 9999, is Invalid, names it, and nothing of the call is written.", func(t *T) {
			t.refuseEach(sdk.Invalid, []func(*sample){
				func(s *sample) { s.Set = sdk.ID{} },
				func(s *sample) { s.Type = "" },
				func(s *sample) { s.Type = "device" },
				func(s *sample) { s.WorkTreeState = "odd" },
				func(s *sample) { s.GitBlob = "0a1b2c" },
				func(s *sample) { s.GitBlob = strings.Repeat("G", 40) },
				func(s *sample) { s.Content.Size = sdk.MaxSize + 1 },
				func(s *sample) { s.ModTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
				func(s *sample) { s.RetainUntil = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) },
			})
		}),
		must("LIMIT-05", "A record without tombstone is Invalid, and nothing of the call is written.", func(t *T) {
			b, good, bad := t.backend(), t.item(100), t.item(100)
			bad.Tombstone = sdk.Tombstone{}
			_, err := b.Put(t.ctx, sequence(good, bad))
			t.kind(err, sdk.Invalid)
			t.unseen(b, good)
		}),
	}
}

// refuseEach spoils one item among good ones in each of these ways.
func (t *T) refuseEach(kind sdk.Kind, spoil []func(*sample)) {
	b := t.backend()
	for _, f := range spoil {
		s := t.items(3)
		sound := s[1].Record
		f(&s[1])
		t.Logf("the second of three items has %s", changed(sound, s[1].Record))
		t.refused(b, kind, []sdk.Tombstone{s[1].Tombstone}, s...)
		t.missing(b, s...)
		if t.Failed() {
			return // what else is wrong may follow from it
		}
		t.unlog()
	}
	s := t.item(100)
	t.put(b, s)
	t.same(b, s)
}

// changed says in which fields a record differs from a sound one.
func changed(sound, r sdk.Record) string {
	v, w := reflect.ValueOf(sound), reflect.ValueOf(r)
	var parts []string
	for i := range v.NumField() {
		if reflect.DeepEqual(v.Field(i).Interface(), w.Field(i).Interface()) {
			continue
		}
		part := fmt.Sprintf("%s %+q", v.Type().Field(i).Name, shortened(fmt.Sprint(w.Field(i).Interface())))
		if f := w.Field(i); f.Kind() == reflect.String || f.Kind() == reflect.Slice || f.Kind() == reflect.Map {
			part += fmt.Sprintf(" (length %d)", f.Len())
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
