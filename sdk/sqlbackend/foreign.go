package sqlbackend

import (
	"context"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// refuseForeign looks at the tables until they once were those of an archive, and
// nothing else. What a trigger or the like discards is counted, but what it
// changes is seen only when it is read again. So is what a column of another type
// changes, and what is stored twice without a unique index.
func (b *Backend) refuseForeign(ctx context.Context, db *conn) error {
	if b.plain.Load() {
		return nil
	}
	found := map[string]bool{}
	foreign := ""
	err := db.queryOnce(ctx, b.d.Schema.Objects, nil, func(scan scan) error {
		var name, definition string
		err := scan(&name, &definition)
		if name == "" {
			foreign = definition
		}
		found[name+"\t"+definition] = true
		return err
	})
	if err != nil {
		return err
	}
	if foreign != "" {
		return b.foreign(foreign)
	}
	for _, object := range b.d.Schema.Definitions {
		if !found[object] {
			return b.altered(object)
		}
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
	if err := db.queryRow(ctx, db.b.d.Schema.TriggersRun, &run); err != nil {
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

func (b *Backend) altered(object string) error {
	name, definition, _ := strings.Cut(object, "\t")
	if !strings.Contains(definition, "\n") { // SQLite's is a whole CREATE TABLE
		name += ": " + definition
	}
	return sdk.Errorf(sdk.PermissionDenied, "%s cannot be written: its tables were altered, so what is stored could be changed, lost or stored twice; an archive has the %s", b.place, name)
}

// Lines are the lines of a file of definitions.
func Lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }
