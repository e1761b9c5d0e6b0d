package sdk

import (
	"slices"
	"testing"
	"time"
)

// at is a moment, so many days after the beginning of 2026.
func at(days int) time.Time { return time.Date(2026, 1, 1+days, 0, 0, 0, 0, time.UTC) }

func TestCustodyApply(t *testing.T) {
	hold := func(action Action, name string, day int) Event {
		return Event{Tombstone: ID{1}, Action: action, Case: name, At: at(day), Actor: "anna"}
	}
	var c Custody
	for i, step := range []struct {
		event  Event
		hold   string // the hold that changed
		active int
	}{
		{hold(ActionRelease, "a", 0), "", 0}, // never placed
		{hold(ActionHold, "a", 1), "a", 1},
		{hold(ActionHold, "a", 2), "", 1}, // active already
		{hold(ActionHold, "b", 3), "b", 2},
		{hold(ActionRelease, "a", 4), "a", 1},
		{hold(ActionRelease, "a", 5), "", 1}, // released already
		{hold(ActionHold, "a", 6), "a", 2},
		{Event{Action: ActionRestore}, "", 2},
	} {
		h, err := c.Apply(&step.event)
		if err != nil || (h == nil) != (step.hold == "") || h != nil && h.Case != step.hold {
			t.Errorf("step %d: hold %+v, %v", i, h, err)
		}
		active := 0
		for _, h := range c.Holds {
			if h.Released.IsZero() {
				active++
			}
		}
		if active != step.active {
			t.Errorf("step %d: %d holds are active, want %d", i, active, step.active)
		}
	}
	if h := c.Holds[0]; !h.Placed.Equal(at(1)) || !h.Released.Equal(at(4)) || h.PlacedBy != "anna" {
		t.Errorf("the first hold is %+v", h)
	}

	for _, step := range []struct {
		until time.Time
		kind  Kind
		want  time.Time
	}{
		{at(10), 0, at(10)}, {at(9), Refused, at(10)}, {at(10), 0, at(10)}, {at(11), 0, at(11)},
	} {
		_, err := c.Apply(&Event{Tombstone: ID{1}, Action: ActionRetain, RetainUntil: step.until})
		if KindOf(err) != step.kind || !c.RetainUntil.Equal(step.want) {
			t.Errorf("retain until %v: %v, retained until %v", step.until, err, c.RetainUntil)
		}
		if err != nil && (len(AsError(err).Tombstones) != 1 || AsError(err).Tombstones[0] != ID{1}) {
			t.Errorf("%v names no tombstone", err)
		}
	}

	for _, actor := range []string{"Anna", " anna", "bert", "ANNA"} {
		if _, err := c.Apply(&Event{Action: ActionPruneRequest, Actor: actor}); err != nil {
			t.Error(err)
		}
	}
	if len(c.Requests) != 2 {
		t.Errorf("requests by %q, want two persons", c.Requests)
	}
}

// TestCheckCustody removes or alters one of two acts of a kind, or what it made.
func TestCheckCustody(t *testing.T) {
	event := func(action Action, day int) Event {
		return Event{ID: ID{byte(day + 1)}, Tombstone: ID{1}, Action: action, At: at(day), Actor: "anna"}
	}
	cased := func(action Action, day int, noEffect bool) Event {
		e := event(action, day)
		e.Case, e.NoEffect = "x", noEffect
		return e
	}
	retained := func(day, until int) Event {
		e := event(ActionRetain, day)
		e.RetainUntil = at(until)
		return e
	}
	whole := func() *Entry {
		return &Entry{
			Record: Record{Tombstone: ID{1}, RetainUntil: at(40), PurgedAt: at(50)},
			Holds: []Hold{
				{Case: "x", Placed: at(1), PlacedBy: "anna", Released: at(3)},
				{Case: "x", Placed: at(5), PlacedBy: "anna", Released: at(7)},
			},
			Events: []Event{
				cased(ActionHold, 1, false), cased(ActionHold, 2, true), cased(ActionRelease, 3, false), cased(ActionRelease, 4, true),
				cased(ActionHold, 5, false), cased(ActionRelease, 7, false), retained(8, 30), retained(9, 40),
				event(ActionPruneRequest, 10), {ID: ID{12}, Tombstone: ID{1}, Action: ActionPruneRequest, At: at(11), Actor: "bert"}, event(ActionPurge, 50),
			},
		}
	}
	if err := whole().CheckCustody(); err != nil {
		t.Fatalf("whole: %v", err)
	}
	for what, harm := range map[string]func(e *Entry){
		"the first hold removed":             func(e *Entry) { e.Holds = e.Holds[1:] },
		"a hold after a release removed":     func(e *Entry) { e.Holds = e.Holds[:1] },
		"a hold written twice":               func(e *Entry) { e.Holds = append(e.Holds, e.Holds[1]) },
		"a hold of another case":             func(e *Entry) { e.Holds[1].Case = "y" },
		"a hold of another time":             func(e *Entry) { e.Holds[1].Placed = at(6) },
		"a hold of another person":           func(e *Entry) { e.Holds[1].PlacedBy = "bert" },
		"a release at another time":          func(e *Entry) { e.Holds[1].Released = at(8) },
		"a release by an earlier event":      func(e *Entry) { e.Holds[1].Released = at(3) },
		"a release undone":                   func(e *Entry) { e.Holds[1].Released = time.Time{} },
		"the HOLD of a hold removed":         func(e *Entry) { e.Events = slices.Delete(e.Events, 4, 5) },
		"the RELEASE of a hold removed":      func(e *Entry) { e.Events = slices.Delete(e.Events, 5, 6) },
		"an event of a hold altered":         func(e *Entry) { e.Events[4].Actor = "bert" },
		"the last RETAIN removed":            func(e *Entry) { e.Events = slices.Delete(e.Events, 7, 8) },
		"the last RETAIN altered":            func(e *Entry) { e.Events[7].RetainUntil = at(39) },
		"the PURGE removed":                  func(e *Entry) { e.Events = e.Events[:10] },
		"the time of the purge altered":      func(e *Entry) { e.Record.PurgedAt = at(51) },
		"the request of another removed":     func(e *Entry) { e.Events = slices.Delete(e.Events, 9, 10) },
		"the request of another altered":     func(e *Entry) { e.Events[9].Actor = "Anna" },
		"the PURGE altered":                  func(e *Entry) { e.Events[10].At = at(51) },
		"a purged record that is live again": func(e *Entry) { e.Record.PurgedAt = time.Time{} },
	} {
		e := whole()
		harm(e)
		if err := e.CheckCustody(); KindOf(err) != Corrupt || len(AsError(err).Tombstones) != 1 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPurgeJudge(t *testing.T) {
	asked := []string{"bert"}
	item, other := PurgeItem{ID{1}, ID{2}}, ID{3}
	active, released := Hold{Case: "x", Placed: at(0)}, Hold{Case: "y", Placed: at(0), Released: at(1)}
	p := Purge{Actor: "anna", At: at(100), Items: []PurgeItem{item}}
	now := p.Clock(at(50)) // the database's clock is behind
	if !now.Equal(at(50)) || !p.Clock(at(200)).Equal(at(100)) {
		t.Fatalf("the clock is %v", now)
	}
	for i, c := range []struct {
		custody *Custody
		want    Outcome
	}{
		{nil, OutcomeUnknown},
		{&Custody{PurgedAt: at(1), PurgedBy: item.Event, Holds: []Hold{active}}, OutcomeRepeated},
		{&Custody{PurgedAt: at(1), PurgedBy: other, Holds: []Hold{active}}, OutcomeAlready},
		{&Custody{PurgedAt: at(1), Holds: []Hold{active}}, OutcomeAlready},
		{&Custody{Holds: []Hold{released, active}, RetainUntil: at(60), Requests: asked}, OutcomeHeld},
		{&Custody{RetainUntil: at(60)}, OutcomeRetained},
		{&Custody{RetainUntil: at(50).Add(time.Microsecond), Requests: asked}, OutcomeRetained},
		{&Custody{Holds: []Hold{released}}, OutcomeNotRequested},
		{&Custody{Requests: []string{" ANNA"}}, OutcomeSameActor},
		{&Custody{Requests: []string{"anna", "bert"}, RetainUntil: at(50)}, OutcomePurged},
	} {
		v := p.Judge(item, c.custody, now)
		if v.Outcome != c.want || v.Tombstone != item.Tombstone || (v.Why == "") != (c.want == OutcomePurged) {
			t.Errorf("case %d: %+v, want %s", i, v, c.want)
		}
	}
	c := &Custody{Requests: asked}
	for i, want := range []Outcome{OutcomePurged, OutcomeRepeated} { // twice in one call
		if v := p.Judge(item, c, now); v.Outcome != want {
			t.Errorf("time %d: %s, want %s", i, v.Outcome, want)
		}
	}
	if v := p.Judge(PurgeItem{item.Tombstone, other}, c, now); v.Outcome != OutcomeAlready {
		t.Errorf("by another event: %s", v.Outcome)
	}
}

func TestPurgeCheckEvents(t *testing.T) {
	p := Purge{Items: []PurgeItem{{ID{1}, ID{11}}, {ID{2}, ID{12}}, {ID{1}, ID{11}}}}
	for i, c := range []struct {
		known map[ID]Event
		kind  Kind
	}{
		{nil, 0},
		{map[ID]Event{{11}: {Tombstone: ID{1}, Action: ActionPurge}}, 0},
		{map[ID]Event{{11}: {Tombstone: ID{1}, Action: ActionHold}}, Conflict},
		{map[ID]Event{{12}: {Tombstone: ID{1}, Action: ActionPurge}}, Conflict},
	} {
		if err := p.CheckEvents(c.known); KindOf(err) != c.kind {
			t.Errorf("case %d: %v", i, err)
		}
	}
	p.Items[2].Tombstone = ID{3}
	if err := p.CheckEvents(nil); KindOf(err) != Conflict {
		t.Errorf("one event id for two records: %v", err)
	}
}

func TestCulprits(t *testing.T) {
	c := Culprits{Kind: ContentAbsent, Msg: "x"}
	if c.Err() != nil {
		t.Error("no tombstone is at fault, yet there is an error")
	}
	for i := range 2 * MaxCulprits {
		c.Add(Tombstone{byte(i)})
	}
	if e := AsError(c.Err()); len(e.Tombstones) != MaxCulprits || e.Retry {
		t.Errorf("%+v", e)
	}
}
