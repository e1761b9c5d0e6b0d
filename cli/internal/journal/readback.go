package journal

import (
	"context"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/sdk"
)

// readEvents fills in what the archive decides about events: the times of purges,
// and whether an event of a case had an effect. They are looked up to be compared
// later, and what is not found is not compared.
func (j *Journal) readEvents(ctx context.Context, records []*evidence.Record) {
	backend, err := j.backend(ctx)
	if err != nil {
		return
	}
	of := make(map[sdk.ID]*evidence.Record, len(records))
	var ids []sdk.ID
	for _, r := range records {
		of[r.ID] = r
		ids = append(ids, r.ID)
	}
	for entry, err := range backend.List(ctx, sdk.Query{Events: ids, WithEvents: true}) {
		if err != nil {
			return
		}
		for i := range entry.Events {
			e := &entry.Events[i]
			if r := of[e.ID]; r != nil {
				r.EventAt, r.Effect = e.At, evidence.EffectOf(e)
			}
		}
	}
}
