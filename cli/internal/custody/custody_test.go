package custody

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// purged returns a record that ann asked for and bob purged.
func purged() sdk.Entry {
	at := time.Unix(1e9, 0).UTC()
	id := sdk.NewID()
	return sdk.Entry{
		Record: sdk.Record{Tombstone: id, Path: "a", PurgedAt: at},
		Events: []sdk.Event{
			{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionPruneRequest, Actor: "ann", At: at.Add(-time.Hour)},
			{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionPruneRequest, Actor: " BOB", At: at.Add(-time.Hour)},
			{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionPurge, Actor: "bob", At: at},
		},
	}
}

func TestCertify(t *testing.T) {
	e := purged()
	// Only a hold that came too late can be active on a purged record.
	e.Holds = []sdk.Hold{
		{Case: "1", Placed: e.Record.PurgedAt.Add(-2), Released: e.Record.PurgedAt.Add(-1)},
		{Case: "2", Placed: e.Record.PurgedAt.Add(-1)},
	}
	c, err := Certify(&e, true)
	if err != nil || c.Purge.Actor != "bob" || len(c.Requests) != 1 || c.Requests[0].Actor != "ann" || len(c.Holds) != 1 || c.Holds[0].Case != "1" {
		t.Errorf("%+v, %v", c, err)
	}
	for what, events := range map[string][]sdk.Event{
		"no purge": e.Events[:2], "no request of another person": e.Events[1:],
	} {
		e.Events = events
		if _, err := Certify(&e, true); sdk.KindOf(err) != sdk.Corrupt {
			t.Errorf("a history with %s is certified: %v", what, err)
		}
	}
}

// A text from outside cannot add a line to what is signed.
func TestCertificateLines(t *testing.T) {
	e := purged()
	e.Record.Path, e.Record.Repo = "a\nrecords 7\u2028", "\x1b[31m\u202e"
	certified, err := Certify(&e, true)
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&Certificate{Backend: "sqlite", Records: []Certified{certified}}).Text()
	if err != nil || strings.Count(text, "\n") != 7 || !strings.HasSuffix(text, "}\n") || strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestPlan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan")
	e := purged()
	p := NewPlan(sdk.NewID(), "sqlite", "bob", time.Now())
	p.Add(&e.Record, sdk.Verdict{Outcome: sdk.OutcomePurged, Freed: 3})
	if err := p.Write(path); err != nil {
		t.Fatal(err)
	}
	if err := p.Write(path); err == nil {
		t.Error("a plan is replaced")
	}
	back, err := Read(path)
	if err != nil || back.Records[0] != p.Records[0] || back.Digest != p.Digest {
		t.Fatalf("%+v, %v", back, err)
	}
	if why := back.Records[0].Drift(&e.Record); why != "" {
		t.Error(why)
	}
	for _, change := range []func(*sdk.Record){
		func(r *sdk.Record) { r.Content.Size++ },
		func(r *sdk.Record) { r.Content.SHA256[0]++ },
		func(r *sdk.Record) { r.Digest[0]++ },
	} {
		r := e.Record
		if change(&r); back.Records[0].Drift(&r) == "" {
			t.Errorf("no drift of %+v", r)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{`"made_by": "bob"`, `"made_by": "rob"`}, {`"freed_bytes": 3`, `"freed_bytes": 4`},
		{p.Archive.String(), sdk.NewID().String()}, {p.Records[0].Tombstone.String(), sdk.NewID().String()}, {p.Digest, strings.Repeat("0", 64)},
	} {
		edited := strings.Replace(string(text), edit[0], edit[1], 1)
		if edited == string(text) {
			t.Fatalf("%s is not in %s", edit[0], text)
		}
		if _, err := parse([]byte(edited)); !errors.Is(err, ErrEdited) {
			t.Errorf("%s: %v", edit[1], err)
		}
	}
	for _, text := range []string{"", "{}", "[]", string(text) + "{}", strings.Replace(string(text), `"made_by"`, `"made_for": 1, "made_by"`, 1)} {
		if _, err := parse([]byte(text)); err == nil || errors.Is(err, ErrEdited) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
