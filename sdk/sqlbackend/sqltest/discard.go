package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// Discard returns statements after which a database discards, without an error,
// the rows that an event (INSERT, UPDATE, DELETE) would write to a table.
type Discard func(event, table string) []string

// DiscardedRows has a database discard rows of an archive that is open already.
// What it discards is not acknowledged, and a Put is all or nothing.
func DiscardedRows(t *testing.T, newArchive Make, discard Discard) {
	for _, c := range []struct{ event, table string }{
		{"INSERT", "codex_item"}, {"INSERT", "codex_artifact"}, {"INSERT", "codex_body"}, {"INSERT", "codex_name"},
		{"INSERT", "codex_directory"}, {"INSERT", "codex_origin"},
		{"INSERT", "codex_upload"}, {"INSERT", "codex_artifact_chunk"}, {"INSERT", "codex_item_tag"},
		{"INSERT", "codex_event"}, {"INSERT", "codex_hold"},
		{"UPDATE", "codex_item"}, {"UPDATE", "codex_hold"}, {"UPDATE", "codex_upload"}, {"UPDATE", "codex_artifact"},
		{"DELETE", "codex_body"}, {"DELETE", "codex_artifact_chunk"}, {"DELETE", "codex_upload"},
	} {
		statements := discard(c.event, c.table)
		if len(statements) == 0 {
			continue // the database has no way to do that
		}
		t.Run(c.event+" "+c.table, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			large, small := NewItem(100_000), NewItem(100)
			for _, it := range []sdk.Item{large, small} {
				if _, err := a.Put(t.Context(), one(it)); err != nil {
					t.Fatal(err)
				}
			}
			for _, statement := range statements {
				a.execute(t, statement)
			}
			before := a.rows(t)
			writes := a.everyWrite(large.Record, small.Record)
			if c.table == "codex_upload" || c.table == "codex_artifact_chunk" {
				staged := NewItem(sdk.StagedBody + 1000)
				writes = append(writes, func() error { _, err := a.Put(t.Context(), one(staged)); return err })
			}
			acknowledged := 0
			for _, write := range writes {
				if write() == nil {
					acknowledged++
				} else if after := a.rows(t); c.event == "INSERT" && after != before {
					t.Errorf("a write that failed left rows: %s, before %s", after, before)
				}
				before = a.rows(t)
			}
			if acknowledged == len(writes) {
				t.Error("every write was acknowledged")
			}
		})
	}
}

// rows counts the rows of all tables.
func (a *Archive) rows(t *testing.T) string {
	t.Helper()
	var counts []string
	for _, table := range []string{"codex_item", "codex_artifact", "codex_body", "codex_upload", "codex_artifact_chunk", "codex_item_tag", "codex_event", "codex_hold", "codex_directory", "codex_origin"} {
		counts = append(counts, fmt.Sprintf("%s %d", table, countRows(t, a.Admin, table)))
	}
	return strings.Join(counts, ", ")
}

// countRows counts the rows of a table.
func countRows(t testing.TB, db *sql.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// everyWrite are writes that together touch all tables.
func (a *Archive) everyWrite(large, small sdk.Record) []func() error {
	ctx := context.Background()
	put := func(it sdk.Item) func() error {
		return func() error { _, err := a.Put(ctx, one(it)); return err }
	}
	event := func(action sdk.Action, of sdk.Record, name string) func() error {
		return func() error {
			e := sdk.Event{ID: sdk.NewID(), Tombstone: of.Tombstone, Action: action, Actor: "asks", At: of.ArchivedAt, Case: name}
			return a.Append(ctx, []sdk.Event{e})
		}
	}
	purge := func(of sdk.Record) func() error {
		return func() error {
			_, err := a.Purge(ctx, sdk.Purge{Items: []sdk.PurgeItem{{Tombstone: of.Tombstone, Event: sdk.NewID()}}, Actor: "another", At: of.ArchivedAt})
			return err
		}
	}
	tagged := NewItem(50)
	tagged.Record.Tags, tagged.Record.Repo = []string{"tag"}, "a new name"
	tagged.Record.Digest = tagged.Record.ComputeDigest()
	return []func() error{
		put(tagged), put(NewItem(100_000)),
		event(sdk.ActionHold, small, "case"), event(sdk.ActionRelease, small, "case"),
		event(sdk.ActionPruneRequest, small, ""), event(sdk.ActionPruneRequest, large, ""),
		purge(small), purge(large),
	}
}
