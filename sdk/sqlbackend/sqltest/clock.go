package sqltest

import (
	"bytes"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// clocks: a retention is over when the clock of the host and that of the server
// say so. Whichever of them is set, forward or back, no content is purged earlier.
func (s *Suite) clocks(t *testing.T) {
	const day = 24 * time.Hour
	server := s.NewServer(t)
	database, set := server.Database(t), time.Duration(0)
	for _, c := range []struct {
		server, host, left time.Duration // what the clocks are ahead; of the retention
		want               sdk.Outcome
	}{
		{0, 0, -day, sdk.OutcomePurged},
		{0, 0, day, sdk.OutcomeRetained},
		{0, 30 * day, day, sdk.OutcomeRetained},
		{0, -30 * day, -day, sdk.OutcomeRetained},
		{30 * day, 0, day, sdk.OutcomeRetained},
		{30 * day, 0, -day, sdk.OutcomePurged},
		{-30 * day, 0, -day, sdk.OutcomeRetained},
		{-30 * day, 30 * day, -day, sdk.OutcomeRetained},
	} {
		if c.server != set {
			server.SetClock(t, c.server)
			set = c.server
		}
		a := &Archive{Backend: s.Open(t, database.URL(), sdk.Create)}
		h, err := a.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		if wrong := h.Clock.Sub(now.Add(c.server)).Abs(); wrong > day {
			t.Fatalf("the server's clock is wrong by %v", wrong)
		}
		it := NewItem(2000)
		body := read(t, it.Body)
		it.Body = bytes.NewReader(body)
		it.Record.RetainUntil = sdk.Time(now.Add(c.left))
		it.Record.RetainAtStore = it.Record.RetainUntil
		it.Record.Digest = it.Record.ComputeDigest()
		if _, err := a.Put(t.Context(), one(it)); err != nil {
			t.Fatal(err)
		}
		id, at := it.Record.Tombstone, sdk.Time(now.Add(c.host))
		request := sdk.Event{ID: sdk.NewID(), Tombstone: id, Action: sdk.ActionPruneRequest, Actor: "ann", At: at}
		if err := a.Append(t.Context(), []sdk.Event{request}); err != nil {
			t.Fatal(err)
		}
		verdicts, err := a.Purge(t.Context(), sdk.Purge{Actor: "bob", At: at, Items: []sdk.PurgeItem{{Tombstone: id, Event: sdk.NewID()}}})
		if err != nil || verdicts[0].Outcome != c.want {
			t.Fatalf("%+v: %v, %v", c, verdicts, err)
		}
		if c.want == sdk.OutcomeRetained {
			a.restores(t, body, id)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
