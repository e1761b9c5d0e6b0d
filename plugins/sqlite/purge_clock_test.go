package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// A retention is over when both clocks say so. Whichever of them is set, forward
// or back, the content is not purged earlier.
func TestRetentionByBothClocks(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Now()
	for _, c := range []struct {
		what                 string
		left, host, database time.Duration // of the retention; what the clocks are ahead
		want                 sdk.Outcome
	}{
		{"both are right and it is over", -day, 0, 0, sdk.OutcomePurged},
		{"both are right and it is not over", day, 0, 0, sdk.OutcomeRetained},
		{"the host's is set forward", day, 30 * day, 0, sdk.OutcomeRetained},
		{"the database's is set forward", day, 0, 30 * day, sdk.OutcomeRetained},
		{"the host's is set back", -day, -30 * day, 0, sdk.OutcomeRetained},
		{"the database's is set back", -day, 0, -30 * day, sdk.OutcomeRetained},
	} {
		t.Run(c.what, func(t *testing.T) {
			d := dialect()
			d.Server.Now = fmt.Sprintf("(%s + %d)", d.Server.Now, c.database.Microseconds())
			a := openArchive(t, filepath.Join(t.TempDir(), "a.db"), d, sdk.Create)
			s := newSample(100)
			s.RetainUntil = sdk.Time(now.Add(c.left))
			s.RetainAtStore = s.RetainUntil
			a.put(s)
			at := sdk.Time(now)
			if err := a.Append(t.Context(), []sdk.Event{{ID: sdk.NewID(), Tombstone: s.Tombstone, Action: sdk.ActionPruneRequest, Actor: "ann", At: at}}); err != nil {
				t.Fatal(err)
			}
			verdicts, err := a.Purge(t.Context(), sdk.Purge{
				Actor: "bob", At: sdk.Time(now.Add(c.host)), Items: []sdk.PurgeItem{{Tombstone: s.Tombstone, Event: sdk.NewID()}},
			})
			if err != nil || verdicts[0].Outcome != c.want {
				t.Fatalf("%v, %v; want %s", verdicts, err, c.want)
			}
			if c.want == sdk.OutcomeRetained {
				a.holds(s)
			}
		})
	}
}
