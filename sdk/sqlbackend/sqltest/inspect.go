package sqltest

import (
	"fmt"
	"maps"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// rowChange is a change of rows of one record, and by how many rows it adds to
// which findings. %s stands for the key of the record's content.
type rowChange struct {
	statement string
	size      int // of the record
	adds      map[string]int64
}

func rowChanges() []rowChange {
	const small, large = 1000, 2 * sdk.ChunkSize
	const otherTags = "records that are found by other tags than they have"
	ofItem := " WHERE item = (SELECT id FROM codex_item WHERE artifact = %s)"
	ofOrigin := " WHERE id = (SELECT origin FROM codex_item WHERE artifact = %s)"
	return []rowChange{
		{"DELETE FROM codex_item WHERE artifact = %s", small, map[string]int64{
			"contents without a record": 1, "sets without a record": 1, "directories without a record": 1,
			"holds without their record": 1, "events without their record": 1, "tags without their record": 1,
		}},
		{"DELETE FROM codex_artifact WHERE id = %s", small, map[string]int64{"records without the row of their content": 1, "bodies without the row of their content": 1}},
		{"DELETE FROM codex_artifact WHERE id = %s", large, map[string]int64{"records without the row of their content": 1, "bodies in pieces without the row of their content": 1}},
		{"DELETE FROM codex_upload WHERE artifact = %s", large, map[string]int64{"pieces without the row of their body": 1}},
		{"UPDATE codex_item SET origin = 999999 WHERE artifact = %s", small, map[string]int64{"records without the row of what their set has in common": 1, "sets without a record": 1}},
		{"UPDATE codex_item SET directory = 999999 WHERE artifact = %s", small, map[string]int64{"records without the row of their directory": 1, "directories without a record": 1}},
		{"UPDATE codex_item SET repo = 999999 WHERE artifact = %s", small, map[string]int64{"records without the name of their repository": 1}},
		{"UPDATE codex_item SET actor = 999999 WHERE artifact = %s", small, map[string]int64{"records without the name of who stored them": 1}},
		{"UPDATE codex_origin SET revision = 999999" + ofOrigin, small, map[string]int64{"sets without the name of their commit": 1}},
		{"UPDATE codex_origin SET reason = 999999" + ofOrigin, small, map[string]int64{"sets without the name of their reason": 1}},
		{"UPDATE codex_origin SET kind = 999999" + ofOrigin, small, map[string]int64{"sets without the name of their kind": 1}},
		{"UPDATE codex_item_tag SET tag = 999999" + ofItem, small, map[string]int64{"tags of records without their name": 1, otherTags: 1}},
		{"DELETE FROM codex_item_tag" + ofItem, small, map[string]int64{otherTags: 1}},
		{"INSERT INTO codex_item_tag (tag, item) SELECT actor, id FROM codex_item WHERE artifact = %s", small, map[string]int64{otherTags: 1}},
		{"UPDATE codex_origin SET hash = set_id" + ofOrigin, small, map[string]int64{"sets that are found by a hash of something else": 1}},
		{"UPDATE codex_hold SET placed_by = 999999" + ofItem, small, map[string]int64{"holds without the name of who placed them": 1}},
		{"UPDATE codex_event SET actor = 999999" + ofItem, small, map[string]int64{"events without the name of their actor": 1}},
		{"UPDATE codex_item SET purged_at = 1 WHERE artifact = %s", large, map[string]int64{"contents of purged records only, which are marked as present": 1}},
		{"UPDATE codex_artifact SET present = 0 WHERE id = %s", large, map[string]int64{"contents with a body, which are marked as purged": 1}},
		{"INSERT INTO codex_body (artifact, data) SELECT id, sha256 FROM codex_artifact WHERE id = %s", large, map[string]int64{"contents with two bodies": 1}},
		{"UPDATE codex_upload SET artifact = NULL WHERE artifact = %s", large, map[string]int64{"bodies in pieces that belong to a content and are on their way, or neither": 1}},
		{"UPDATE codex_upload SET artifact = NULL, touched = 1 WHERE artifact = %s", large, map[string]int64{"bodies of a Put that was killed, which a later Put removes": 1}},
		{"INSERT INTO codex_event (id, item, action, actor, happened_at, case_name, detail, host, no_effect) SELECT tombstone, id, 'RESTORE', actor, 1, '', '', '', 1 FROM codex_item WHERE artifact = %s",
			small, map[string]int64{"events of no case, which are marked as being without effect on it": 1}},
		{"UPDATE codex_archive_meta SET schema_step = 1 WHERE 0 < %s", small, map[string]int64{"rows of the archive that say that a change of its tables is not done": 1}},
	}
}

// Inspection changes the rows of one archive in every way that Inspect looks for.
// Each change adds to the findings what it must, and no damage besides.
func Inspection(t *testing.T, newArchive Make) {
	a := newArchive(t)
	changes := rowChanges()
	for i := range changes {
		changes[i].size += i
		it := NewItem(changes[i].size)
		it.Record.Tags = []string{"tag"}
		it.Record.Digest = it.Record.ComputeDigest()
		if _, err := a.Put(t.Context(), one(it)); err != nil {
			t.Fatal(err)
		}
		hold := sdk.Event{ID: sdk.NewID(), Tombstone: it.Record.Tombstone, Action: sdk.ActionHold, Case: "case", Actor: fmt.Sprint("holder", i), At: it.Record.ArchivedAt}
		if err := a.Append(t.Context(), []sdk.Event{hold}); err != nil {
			t.Fatal(err)
		}
	}
	before := a.inspect(t)
	if len(before) > 0 {
		t.Errorf("of an archive that was not changed: %v", before)
	}
	for _, c := range changes {
		a.execute(t, fmt.Sprintf(c.statement, fmt.Sprintf("(SELECT id FROM (SELECT id FROM codex_artifact WHERE size = %d) AS it)", c.size)))
		after := a.inspect(t)
		for what, rows := range c.adds {
			before[what] += rows
		}
		if !maps.Equal(before, after) {
			t.Errorf("%s: found %v, want %v", c.statement, after, before)
		}
		before = after
	}
}

// inspect counts the rows of each finding but of names, which changes leave.
func (a *Archive) inspect(t *testing.T) map[string]int64 {
	t.Helper()
	findings, err := sdk.Inspect(t.Context(), a.Backend)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, f := range findings {
		if f.What != "names that nothing uses" {
			rows[f.What] = f.Rows
		}
		if len(f.Examples) == 0 {
			t.Errorf("no row is named of %q", f.What)
		}
	}
	return rows
}
