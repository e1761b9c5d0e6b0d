package journal

import (
	"context"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// maxBehind is how far the clock of this machine may be behind others. It is what
// Kerberos allows, and nothing beside a retention, which has days.
const maxBehind = 5 * time.Minute

// checkClock refuses to count a retention from the clock of this machine while
// that is behind the clock of the database, or behind the newest record: the
// retention would end too early, and nothing would show it.
func (j *Journal) checkClock(ctx context.Context, backend sdk.Backend) error {
	j.clockMu.Lock()
	defer j.clockMu.Unlock()
	if j.clockChecked {
		return nil
	}
	recent := false
	for newest, err := range backend.List(ctx, sdk.Query{Limit: 1}) {
		if err != nil {
			return err
		}
		at := newest.Record.ArchivedAt
		if err := j.notBehind(at, "the newest record of the archive, "+newest.Record.Tombstone.String()+", is of"); err != nil {
			return err
		}
		recent = j.options.Started.Sub(at) <= maxBehind
	}
	if !recent { // Health counts all records, which takes its time
		health, err := backend.Health(ctx)
		if err != nil {
			return err
		}
		if err := j.notBehind(health.Clock, "the clock of the database says"); err != nil {
			return err
		}
	}
	j.clockChecked = true
	return nil
}

// checkRetention checks the clock if it is what the retention of a new record is
// counted from.
func (j *Journal) checkRetention(ctx context.Context, backend sdk.Backend, r *sdk.Record) error {
	if r.RetainAtStore.IsZero() {
		return nil
	}
	return j.checkClock(ctx, backend)
}

func (j *Journal) notBehind(other time.Time, says string) error {
	now := j.options.Started
	if other.Sub(now) <= maxBehind {
		return nil
	}
	return output.Errorf(output.KindOf(sdk.Refused), "a retention in days would end too early: the clock of this machine says %s, and %s %s",
		output.Stamp(now), says, output.Stamp(other)).
		WithHint("set the clock; if it is right, store without a retention, and codex archive retain --until TIME")
}
