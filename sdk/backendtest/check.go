package backendtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// put stores samples, ends the rule if that fails, and checks what holds for
// every answer.
func (t *T) put(b sdk.Backend, samples ...sample) []sdk.PutResult {
	stored, err := b.Put(t.ctx, sequence(samples...))
	if err != nil {
		t.Fatalf("put of %d items: %v", len(samples), err)
	}
	t.answers(stored, samples...)
	return stored
}

// answers checks that a Put answered each item, in order, with content that
// can be true.
func (t *T) answers(stored []sdk.PutResult, samples ...sample) {
	if len(stored) != len(samples) {
		t.Fatalf("put of %d items answered %d", len(samples), len(stored))
	}
	for i, s := range stored {
		want := samples[i]
		if s.Tombstone != want.Tombstone {
			t.Fatalf("answer %d is about %v, want %v", i, s.Tombstone, want.Tombstone)
		}
		if s.Content.SHA256 != want.Content.SHA256 || s.Content.Size != want.Content.Size {
			t.Errorf("answer %d: its SHA-256 is %v and its size %d, want %v and %d", i, s.Content.SHA256, s.Content.Size, want.Content.SHA256, want.Content.Size)
		}
		if s.Content.StoredSize < 0 {
			t.Errorf("answer %d: its stored size is %d, want that of the body", i, s.Content.StoredSize)
		}
	}
}

// refused checks that a Put ended in kind, naming the culprits, and that none
// of samples is there.
func (t *T) refused(b sdk.Backend, kind sdk.Kind, culprits []sdk.Tombstone, samples ...sample) {
	stored, err := b.Put(t.ctx, sequence(samples...))
	if err == nil {
		t.Errorf("put of %d items answered %d and no error, want %v", len(samples), len(stored), kind)
	} else {
		t.names(t.kind(err, kind), culprits...)
	}
	t.unseen(b, samples...)
}

// kind checks that err is what the contract calls an error: an [sdk.Error] of
// this kind, which left nothing behind. It returns it, or nil.
func (t *T) kind(err error, want sdk.Kind) *sdk.Error {
	var e *sdk.Error
	switch {
	case err == nil:
		t.Errorf("%s: no error, want %v", t.calls.latest(), want)
		return nil
	case !errors.As(err, &e):
		t.Errorf("error %q is a %T, want *sdk.Error of kind %v", err, err, want)
		return nil
	case e.Kind != want:
		t.Errorf("error %q is %v, want %v", err, e.Kind, want)
	case e.Effect != sdk.EffectNone:
		t.Errorf("error %q has effect %v, want none", err, e.Effect)
	case e.Retry && !want.Temporary():
		t.Errorf("error %q claims that trying again helps", err)
	}
	return e
}

// names checks that an error names exactly the culprits, as far as it may.
func (t *T) names(e *sdk.Error, culprits ...sdk.Tombstone) {
	if e == nil {
		return
	}
	if n := min(len(culprits), sdk.MaxCulprits); len(e.Tombstones) != n {
		t.Errorf("error %q names %d tombstones, want %d", e, len(e.Tombstones), n)
	}
	for _, id := range e.Tombstones {
		if !slices.Contains(culprits, id) {
			t.Errorf("error %q names %v, which is not at fault", e, id)
		}
	}
}

// got is what Get yielded for one id, the body read to its end.
type got struct {
	sdk.Record
	body []byte
	err  error // Found.Err, or what reading the body ended in
}

// get reads ids with their bodies, ends the rule if the call fails, and checks
// what holds for every answer.
func (t *T) get(b sdk.Backend, ids ...sdk.Tombstone) []got {
	var all []got
	for found, err := range b.Get(t.ctx, ids) {
		if err != nil {
			t.Fatalf("get of %d: %v", len(ids), err)
		}
		all = append(all, t.read(found))
	}
	if len(all) != len(ids) {
		t.Fatalf("get of %d ids yielded %d", len(ids), len(all))
	}
	for i, g := range all {
		if g.Tombstone != ids[i] {
			t.Fatalf("get yielded %v in place %d, want %v", g.Tombstone, i, ids[i])
		}
	}
	return all
}

func (t *T) read(found sdk.GetResult) got {
	g := got{Record: found.Record, err: found.Err}
	switch {
	case found.Err != nil && found.Body != nil:
		t.Errorf("get %v: a body beside the error %v", g.Tombstone, found.Err)
	case found.Err != nil:
	case found.Body == nil:
		t.Fatalf("get %v: neither body nor error", g.Tombstone)
	default:
		g.body, g.err = io.ReadAll(found.Body)
	}
	return g
}

// same checks that what was stored comes back: the record in every field, and
// the body. The record is expected to be live.
func (t *T) same(b sdk.Backend, samples ...sample) {
	t.need(canKeep)
	for i, g := range t.get(b, tombstones(samples...)...) {
		want := samples[i]
		if g.err != nil {
			t.Errorf("get %v: %v", g.Tombstone, g.err)
			continue
		}
		t.equal(want.Record, g.Record)
		t.intact(g)
		if want.body != nil && !bytes.Equal(g.body, want.body) {
			t.Errorf("get %v: %s", g.Tombstone, differ(want.body, g.body))
		}
	}
}

// intact checks that a body is what its record says.
func (t *T) intact(g got) {
	for _, d := range differences("Content", g.Content, g.Content.WithBody(g.body)) {
		t.Errorf("get %v: of the body that came, %s as its record says", g.Tombstone, d)
	}
}

// differ says how two bodies differ without printing them.
func differ(want, got []byte) string {
	n := 0
	for n < len(want) && n < len(got) && want[n] == got[n] {
		n++
	}
	return fmt.Sprintf("body of %d bytes, want %d; they differ from byte %d on", len(got), len(want), n)
}

// equal checks every field of a record, and that its times are UTC.
func (t *T) equal(want, got sdk.Record) {
	t.need(canKeep)
	for _, d := range differences("", sealed(want), got) {
		t.Errorf("record %v: %s", want.Tombstone, d)
	}
}

// equalEvent checks every field of an event.
func (t *T) equalEvent(want, got sdk.Event) {
	for _, d := range differences("", want, got) {
		t.Errorf("event %v %s: %s", want.ID, want.Action, d)
	}
}

// differences says in which fields a struct is not what is wanted, by their
// names.
func differences(path string, want, got any) (all []string) {
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	if _, isTime := want.(time.Time); w.Kind() != reflect.Struct || isTime {
		if !equalValue(want, got) {
			all = append(all, fmt.Sprintf("%s is %s, want %s", path, shown(got), shown(want)))
		}
		return all
	}
	for i := range w.NumField() {
		name := w.Type().Field(i).Name
		if path != "" {
			name = path + "." + name
		}
		all = append(all, differences(name, w.Field(i).Interface(), g.Field(i).Interface())...)
	}
	return all
}

// equalValue compares as the contract does: times as instants in UTC, and no
// difference between nil and empty.
func equalValue(want, got any) bool {
	switch w := want.(type) {
	case time.Time:
		g := got.(time.Time)
		return w.Equal(g) && w.IsZero() == g.IsZero() && g.Location() == time.UTC
	case []string:
		return slices.Equal(w, got.([]string))
	case map[string]string:
		return maps.Equal(w, got.(map[string]string))
	}
	return want == got
}

// shown is a value in a message: text with quotes, so that blanks and bytes show,
// and long text by its length.
func shown(value any) string {
	switch v := value.(type) {
	case time.Time:
		if v.IsZero() {
			return "no time"
		}
		return v.Format("2006-01-02T15:04:05.999999Z07:00")
	case fmt.Stringer:
		return v.String()
	}
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.String {
		if v.Len() > 100 {
			return fmt.Sprintf("%q… (%d bytes)", v.String()[:60], v.Len())
		}
		return fmt.Sprintf("%q", v.String())
	}
	if (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0 {
		return "empty"
	}
	return shortened(fmt.Sprintf("%#v", value))
}

// list collects a List, ends the rule if the call fails, and checks what holds
// for every answer: the order, and that nothing comes twice.
func (t *T) list(b sdk.Backend, q sdk.Query) []sdk.Entry {
	var all []sdk.Entry
	for e, err := range b.List(t.ctx, q) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		all = append(all, e)
	}
	t.ordered(all)
	return all
}

func (t *T) ordered(all []sdk.Entry) {
	all = slices.DeleteFunc(slices.Clone(all), func(e sdk.Entry) bool { return e.Err != nil }) // of those only the tombstone is known
	for i := range all {
		if i == 0 {
			continue
		}
		a, b := &all[i-1].Record, &all[i].Record
		later := b.ArchivedAt.Compare(a.ArchivedAt)
		if later == 0 {
			later = bytes.Compare(b.Tombstone[:], a.Tombstone[:])
		}
		if later == 0 {
			t.Errorf("list: %v comes twice", b.Tombstone)
		}
		if later > 0 {
			t.Errorf("list: entry %d (%v %v) comes after %v %v", i, b.ArchivedAt, b.Tombstone, a.ArchivedAt, a.Tombstone)
			return
		}
	}
}

// mine lists what this rule stored, with events and holds.
func (t *T) mine(b sdk.Backend) []sdk.Entry {
	return t.list(b, sdk.Query{Repo: t.repo(), WithEvents: true, WithHolds: true})
}

// entry lists one record, with events and holds.
func (t *T) entry(b sdk.Backend, id sdk.Tombstone) sdk.Entry {
	all := t.list(b, sdk.Query{Tombstones: []sdk.Tombstone{id}, WithEvents: true, WithHolds: true})
	if len(all) != 1 || all[0].Record.Tombstone != id {
		t.Fatalf("list of %v yielded %d entries", id, len(all))
	}
	return all[0]
}

// lists checks that a query yields exactly these samples, in any order that
// list allows.
func (t *T) lists(b sdk.Backend, what string, q sdk.Query, want ...sample) {
	var ids []sdk.Tombstone
	for _, e := range t.list(b, q) {
		ids = append(ids, e.Record.Tombstone)
	}
	wanted := tombstones(want...)
	t.odd("list by "+what, "not there", len(wanted), without(wanted, ids))
	t.odd("list by "+what, "there and should not be", len(ids), without(ids, wanted))
}

// without returns the ids that are not in others.
func without(ids, others []sdk.Tombstone) []sdk.Tombstone {
	there := map[sdk.Tombstone]bool{}
	for _, id := range others {
		there[id] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id sdk.Tombstone) bool { return there[id] })
}

// fewIDs is how many ids a message names; of more it says how many they are.
const fewIDs = 4

// odd fails the rule for ids, which are some of so many.
func (t *T) odd(what, are string, of int, ids []sdk.Tombstone) {
	if len(ids) > fewIDs {
		t.Errorf("%s: %d of %d, such as %v, are %s", what, len(ids), of, ids[0], are)
		return
	}
	for _, id := range ids {
		t.Errorf("%s: %v is %s", what, id, are)
	}
}

// unseen checks that nothing of samples is visible: no record, and no content
// that was not there before.
func (t *T) unseen(b sdk.Backend, samples ...sample) {
	for len(samples) > sdk.MaxItems {
		t.unseen(b, samples[:sdk.MaxItems]...)
		samples = samples[sdk.MaxItems:]
	}
	for _, g := range t.get(b, tombstones(samples...)...) {
		if sdk.KindOf(g.err) != sdk.NotFound {
			came := "the record and its body came"
			if g.err != nil {
				came = fmt.Sprintf("%v (%v)", g.err, sdk.KindOf(g.err))
			}
			t.Errorf("get %v: %s, want not_found: it is visible", g.Tombstone, came)
		}
	}
	if n := len(t.list(b, sdk.Query{Tombstones: tombstones(samples...)})); n > 0 && len(samples) > 0 {
		t.Errorf("list shows %d records that were not stored", n)
	}
}

// missing checks that the bodies of samples are not there.
func (t *T) missing(b sdk.Backend, samples ...sample) {
	var want []sdk.Digest
	for _, s := range samples {
		want = append(want, s.Content.SHA256)
	}
	t.missingIs(b, want, want)
}

func (t *T) missingIs(b sdk.Backend, asked, want []sdk.Digest) {
	got, err := b.Missing(t.ctx, asked)
	if err != nil {
		t.Fatalf("missing: %v", err)
	}
	place := 0
	for place < len(got) && place < len(want) && got[place] == want[place] {
		place++
	}
	switch {
	case len(got) != len(want):
		t.Errorf("missing of %s answered %d, want %d", counted(len(asked), "content"), len(got), len(want))
	case place < len(want) && slices.Contains(want, got[place]):
		t.Errorf("missing of %s answered in another order than was asked: in place %d is %v, want %v", counted(len(asked), "content"), place, got[place], want[place])
	case place < len(want):
		t.Errorf("missing of %s answered in place %d %v, which has its body", counted(len(asked), "content"), place, got[place])
	}
}

// append records events or ends the rule.
func (t *T) append(b sdk.Backend, events ...sdk.Event) {
	if err := b.Append(t.ctx, events); err != nil {
		t.Fatalf("append of %d events: %v", len(events), err)
	}
}

// verdicts purges, ends the rule if the call fails, and checks that each item
// was answered, in order, with these outcomes.
func (t *T) verdicts(b sdk.Backend, p sdk.Purge, want ...sdk.Outcome) []sdk.Verdict {
	all, err := b.Purge(t.ctx, p)
	if err != nil {
		t.Fatalf("purge: %v", err)
	}
	if len(all) != len(p.Items) {
		t.Fatalf("purge of %d items answered %d", len(p.Items), len(all))
	}
	for i, v := range all {
		if v.Tombstone != p.Items[i].Tombstone {
			t.Errorf("verdict %d is about %v, want %v", i, v.Tombstone, p.Items[i].Tombstone)
		}
		if v.Outcome != want[i] {
			t.Errorf("purge: verdict %d is %q (%s), want %q", i, v.Outcome, v.Why, want[i])
		}
	}
	return all
}

// health asks or ends the rule.
func (t *T) health(b sdk.Backend) sdk.Health {
	h, err := b.Health(t.ctx)
	if err != nil {
		t.Fatalf("health: %v", err)
	}
	return h
}

// live checks that a record still has its body.
func (t *T) live(b sdk.Backend, ids ...sdk.Tombstone) {
	for _, g := range t.get(b, ids...) {
		if g.err != nil {
			t.Errorf("get %v: %v, want the body", g.Tombstone, g.err)
		}
	}
}

// gone checks that a record answers Purged.
func (t *T) gone(b sdk.Backend, ids ...sdk.Tombstone) {
	for _, g := range t.get(b, ids...) {
		t.kind(g.err, sdk.Purged)
	}
}
