package sqlbackend

import (
	"context"

	"github.com/codex-archive/codex/sdk"
)

// refuseForeign looks for triggers and the like, until it has once found none.
// What they discard is counted, but what they change is seen only when it is read
// again.
func (b *Backend) refuseForeign(ctx context.Context, db *conn) error {
	if b.d.Schema.Foreign == "" || b.plain.Load() {
		return nil
	}
	var found string
	if err := db.queryRow(ctx, b.d.Schema.Foreign, nil, &found); err != nil {
		return err
	}
	if found != "" {
		return b.foreign(found)
	}
	b.plain.Store(true)
	return nil
}

// refuseTriggersRun ends a transaction in which triggers ran that refuseForeign
// could not see.
func (db *conn) refuseTriggersRun(ctx context.Context) error {
	if db.b.d.Schema.TriggersRun == "" {
		return nil
	}
	var run int64
	if err := db.queryRow(ctx, db.b.d.Schema.TriggersRun, nil, &run); err != nil {
		return err
	}
	if run == db.triggers {
		return nil
	}
	db.triggers = run
	return db.b.foreign("trigger on a table of the archive, which this user may not see")
}

func (b *Backend) foreign(what string) error {
	return sdk.Errorf(sdk.PermissionDenied, "%s cannot be written: it has a %s, which could change, hide or lose what is stored; no archive has any", b.place, what)
}
