package reconcile

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
)

// world is an archive in memory and the log of a machine that uses it.
type world struct {
	t       *testing.T
	backend sdk.Backend
	log     *evidence.Log
}

func newWorld(t *testing.T) *world {
	t.Helper()
	backend, err := memory.Driver().Open(t.Context(), sdk.Options{URL: "memory://" + sdk.NewID().String(), Mode: sdk.Create, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { backend.Close() })
	log, err := evidence.Open(filepath.Join(t.TempDir(), "evidence"))
	if err != nil {
		t.Fatal(err)
	}
	health, err := backend.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Identify(health.Archive); err != nil {
		t.Fatal(err)
	}
	return &world{t, backend, log}
}

// store stores a record that a host has archived, and returns its line.
func (w *world) store(host, path string) *evidence.Record {
	w.t.Helper()
	body := []byte(path)
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Type: sdk.RegularFile, Repo: "r", Path: path, Reason: "dead", ContentKind: "code",
		Content:    sdk.Content{SHA256: sha256.Sum256(body), Size: int64(len(body)), Codec: sdk.None}.WithBody(body),
		ArchivedBy: "me", ArchivedAt: sdk.Time(time.Now()), Host: host,
	}
	r.Digest = r.ComputeDigest()
	_, err := w.backend.Put(w.t.Context(), func(yield func(sdk.Item, error) bool) { yield(sdk.Item{Record: r, Body: bytes.NewReader(body)}, nil) })
	if err != nil {
		w.t.Fatal(err)
	}
	return &evidence.Record{
		ID: r.Event, Action: evidence.Archive, Status: evidence.Success, Actor: "me", Backend: "memory", Host: host, EventAt: r.ArchivedAt, Digest: r.Digest,
		Tombstone: r.Tombstone.String(), Repo: r.Repo, Path: r.Path, Reason: r.Reason, SHA256: r.Content.SHA256.String(), Size: r.Content.Size,
	}
}

func (w *world) append(records ...*evidence.Record) {
	w.t.Helper()
	if err := w.log.Append(records...); err != nil {
		w.t.Fatal(err)
	}
}

// run compares, and returns what is named.
func (w *world) run(most int64) (Summary, []string) {
	w.t.Helper()
	var named []string
	sum, err := Run(w.t.Context(), Job{
		Logs: []string{w.log.Path()}, Backend: w.backend, Name: "memory", Hosts: []string{"here"}, Most: most,
		Found: func(d Discrepancy) error { named = append(named, string(d.Problem)+": "+d.Line); return nil },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return sum, named
}

func TestAllIsWell(t *testing.T) {
	w := newWorld(t)
	w.append(w.store("here", "a"), w.store("here", "b\n\xff"))
	w.store("elsewhere", "c")
	hold := sdk.Event{ID: sdk.NewID(), Action: sdk.ActionHold, Actor: "me", At: sdk.Time(time.Now()), Case: "X", Host: "here"}
	line := w.store("here", "d")
	hold.Tombstone, _ = sdk.ParseID(line.Tombstone)
	if err := w.backend.Append(t.Context(), []sdk.Event{hold}); err != nil {
		t.Fatal(err)
	}
	held := *line
	held.ID, held.Action, held.Case, held.EventAt = hold.ID, evidence.Hold, "X", hold.At
	w.append(line, &held)
	if sum, named := w.run(10); sum.Matched != 4 || sum.Found != 0 || sum.Others["elsewhere"] != 1 {
		t.Errorf("%+v, %q", sum, named)
	}
}

// Another case of a hold, another note, another content, or another end of a
// retention, is named.
func TestEventThatDiffers(t *testing.T) {
	w := newWorld(t)
	line := w.store("here", "a")
	w.append(line)
	id, _ := sdk.ParseID(line.Tombstone)
	now := sdk.Time(time.Now())
	until := now.AddDate(1, 0, 0)
	hold := sdk.Event{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionHold, Actor: "me", At: now, Case: "X", Host: "here"}
	retain := sdk.Event{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionRetain, Actor: "me", At: now, RetainUntil: until, Host: "here"}
	request := sdk.Event{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionPruneRequest, Actor: "me", At: now, Detail: map[string]string{"note": "why"}, Host: "here"}
	second := sdk.Event{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionPruneRequest, Actor: "me", At: now, Host: "here"}
	if err := w.backend.Append(t.Context(), []sdk.Event{hold, retain, request, second}); err != nil {
		t.Fatal(err)
	}
	other, later, noted, hashed := *line, *line, *line, *line
	hashed.ID, hashed.Action, hashed.SHA256, hashed.EventAt = second.ID, evidence.PruneRequest, strings.Repeat("0", 64), now
	noted.ID, noted.Action, noted.Note, noted.EventAt = request.ID, evidence.PruneRequest, "because", now
	other.ID, other.Action, other.Case, other.EventAt = hold.ID, evidence.Hold, "Y", now
	later.ID, later.Action, later.Until, later.EventAt = retain.ID, evidence.Retain, until.AddDate(0, 0, 1), now
	w.append(&other, &later, &noted, &hashed)
	sum, named := w.run(10)
	if sum.Found != 4 || !strings.Contains(fmt.Sprint(named), "changed: line 5") || !strings.Contains(fmt.Sprint(named), "changed: line 4") || !strings.Contains(fmt.Sprint(named), "changed: line 2") || !strings.Contains(fmt.Sprint(named), "changed: line 3") {
		t.Errorf("%+v, %q", sum, named)
	}
}

// A command that runs, or was killed, has events and no lines yet; lines about
// another archive have no events here.
func TestPendingAndElsewhere(t *testing.T) {
	w := newWorld(t)
	line := w.store("here", "a")
	p, err := w.log.Begin(evidence.Intent{Backend: "memory", Records: []*evidence.Record{line}})
	if err != nil {
		t.Fatal(err)
	}
	moved := *line
	moved.ID, moved.Archive = sdk.NewID(), sdk.NewID()
	unnamed := *line
	unnamed.ID, unnamed.Backend, unnamed.Archive = sdk.NewID(), "sqlite", sdk.NewID()
	skipped := *line
	skipped.ID, skipped.DBEvent = sdk.NewID(), "skipped"
	w.append(&moved, &unnamed, &skipped)
	if sum, named := w.run(10); sum.Pending != 1 || sum.Elsewhere != 2 || sum.Found != 0 {
		t.Errorf("%+v, %q", sum, named)
	}
	if err := p.Done(); err != nil {
		t.Fatal(err)
	}
	if sum, named := w.run(10); sum.Found != 1 || named[0] != "no line: " {
		t.Errorf("%+v, %q", sum, named)
	}
}

// TestIdentity: an archive that was given another identity cannot hide that it has
// lost events; one that events were copied into is no discrepancy.
func TestIdentity(t *testing.T) {
	w := newWorld(t)
	health, err := w.backend.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := sdk.NewID(), sdk.NewID()
	line, lost := w.store("here", "a"), w.store("here", "b")
	line.Archive, lost.Archive, lost.ID = first, first, sdk.NewID()
	w.append(line, lost)
	if sum, named := w.run(1); sum.Found != 2 || named[0] != "identity: line 1" && !strings.HasPrefix(named[0], "no line") {
		t.Errorf("%+v, %q", sum, named)
	}
	for _, t := range [][2]sdk.ID{{second, health.Archive}, {first, second}} {
		w.append(&evidence.Record{
			ID: sdk.NewID(), Action: evidence.Copy, Status: evidence.Success, Actor: "me", Backend: "memory", Host: "here",
			Transfer: &evidence.Transfer{Scope: "run", From: t[0], To: t[1]},
		})
	}
	if sum, named := w.run(10); sum.Found != 1 || named[0] != "no line: " || sum.Elsewhere != 1 {
		t.Errorf("%+v, %q", sum, named)
	}
}

// All discrepancies are counted, and the first are named.
func TestMostAreNamed(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.store("here", fmt.Sprint(i))
		lost := w.store("here", fmt.Sprint("x", i))
		lost.ID = sdk.NewID()
		w.append(lost)
	}
	if sum, named := w.run(5); sum.Found != 21 || len(named) != 5 {
		t.Errorf("%+v, %q", sum, named)
	}
}

func TestItemEncoding(t *testing.T) {
	it := item{
		id: sdk.NewID(), side: logged, facts: [16]byte{1, 15: 9}, at: -5, until: 1 << 40, host: 3, log: 1, part: 70000, number: 1 << 33, offset: 1 << 50, archive: 5,
	}
	b := it.encode()
	if got := decodeItem(b); got != it || len(b) != itemSize {
		t.Errorf("%+v, %d bytes; want %+v, %d", got, len(b), it, itemSize)
	}
}

// An event of the archive itself has no record: it is compared with its line, and
// named without one.
func TestEventOfTheArchive(t *testing.T) {
	w := newWorld(t)
	at := sdk.Time(time.Now())
	verified := evidence.Verification{Selected: "all", Begun: at, Records: 7, Intact: 7}
	event := func() sdk.Event {
		return sdk.Event{ID: sdk.NewID(), Action: sdk.ActionVerify, Actor: "me", At: at, Host: "here", Detail: verified.Detail()}
	}
	same, changed, alone := event(), event(), event()
	if err := w.backend.Append(t.Context(), []sdk.Event{same, changed, alone}); err != nil {
		t.Fatal(err)
	}
	line := func(e sdk.Event, v evidence.Verification) *evidence.Record {
		return &evidence.Record{ID: e.ID, Action: evidence.Verified, Status: evidence.Success, Actor: "me", Backend: "memory", Host: "here", EventAt: at, Verified: &v}
	}
	other := verified
	other.Damaged = 1
	w.append(line(same, verified), line(changed, other))
	var found []Discrepancy
	sum, err := Run(t.Context(), Job{
		Logs: []string{w.log.Path()}, Backend: w.backend, Name: "memory", Hosts: []string{"here"}, Most: 10,
		Found: func(d Discrepancy) error { found = append(found, d); return nil },
	})
	if err != nil || sum.Matched != 1 || len(found) != 2 {
		t.Fatalf("%v, %+v, %+v", err, sum, found)
	}
	for _, d := range found {
		known := d.Problem == NoLine && d.Event == alone.ID.String() ||
			d.Problem == Changed && d.Event == changed.ID.String() && strings.Contains(d.Detail, `damaged is "1" in the log and "0" in the archive`)
		if !known || d.Tombstone != "" {
			t.Errorf("%+v", d)
		}
	}
}
