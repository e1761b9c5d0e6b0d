package sqlbackend

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/codex-archive/codex/sdk"
)

// inspection is a query for the names of rows that something is wrong with, or
// that are left over. Each is one statement, so that it sees one moment. A row is
// named by a key and, where that is not NULL, by bytes: a UUID or a SHA-256.
type inspection struct {
	kind  sdk.FindingKind
	what  string
	query string
	args  []any
}

// named says how the rows of a table are named: columns of alias t.
var named = map[string]string{
	"codex_item":           "t.id, t.tombstone",
	"codex_event":          "0, t.id",
	"codex_artifact":       "t.id, t.sha256",
	"codex_body":           "t.artifact, NULL",
	"codex_artifact_chunk": "t.upload, NULL",
	"codex_item_tag":       "t.item, NULL",
}

func namedBy(table string) string {
	if columns := named[table]; columns != "" {
		return columns
	}
	return "t.id, NULL"
}

// references are the columns that hold the key of a row of another table.
func references() []inspection {
	var all []inspection
	for _, r := range []struct{ table, column, to, what string }{
		{"codex_item", "artifact", "codex_artifact", "records without the row of their content"},
		{"codex_item", "origin", "codex_origin", "records without the row of what their set has in common"},
		{"codex_item", "repo", "codex_name", "records without the name of their repository"},
		{"codex_item", "actor", "codex_name", "records without the name of who stored them"},
		{"codex_item", "directory", "codex_directory", "records without the row of their directory"},
		{"codex_origin", "revision", "codex_name", "sets without the name of their commit"},
		{"codex_origin", "reason", "codex_name", "sets without the name of their reason"},
		{"codex_origin", "kind", "codex_name", "sets without the name of their kind"},
		{"codex_body", "artifact", "codex_artifact", "bodies without the row of their content"},
		{"codex_upload", "artifact", "codex_artifact", "bodies in pieces without the row of their content"},
		{"codex_artifact_chunk", "upload", "codex_upload", "pieces without the row of their body"},
		{"codex_item_tag", "tag", "codex_name", "tags of records without their name"},
		{"codex_item_tag", "item", "codex_item", "tags without their record"},
		{"codex_hold", "item", "codex_item", "holds without their record"},
		{"codex_hold", "placed_by", "codex_name", "holds without the name of who placed them"},
		{"codex_event", "item", "codex_item", "events without their record"},
		{"codex_event", "actor", "codex_name", "events without the name of their actor"},
	} {
		all = append(all, inspection{
			kind: sdk.Dangling, what: r.what,
			query: fmt.Sprintf("SELECT DISTINCT %s FROM %s t WHERE t.%s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s r WHERE r.id = t.%s)",
				namedBy(r.table), r.table, r.column, r.to, r.column),
		})
	}
	return all
}

// orphans are rows that a Put makes in the same transaction as the first record
// that refers to them. Records are kept for ever: where there is none, it was
// removed.
func orphans() []inspection {
	var all []inspection
	for _, o := range []struct{ table, column, what string }{
		{"codex_artifact", "artifact", "contents without a record"},
		{"codex_origin", "origin", "sets without a record"},
		{"codex_directory", "directory", "directories without a record"},
	} {
		all = append(all, inspection{
			kind: sdk.Orphaned, what: o.what,
			query: fmt.Sprintf("SELECT %s FROM %s t WHERE NOT EXISTS (SELECT 1 FROM codex_item i WHERE i.%s = t.id)", namedBy(o.table), o.table, o.column),
		})
	}
	return all
}

// contradictions are rows that deny one another. A record whose content is not
// there is none of them: List says so.
func contradictions() []inspection {
	const body = "(EXISTS (SELECT 1 FROM codex_body b WHERE b.artifact = t.id) OR EXISTS (SELECT 1 FROM codex_upload u WHERE u.artifact = t.id))"
	return []inspection{
		{kind: sdk.Contradictory, what: "contents of purged records only, which are marked as present", query: `SELECT t.id, t.sha256 FROM codex_artifact t
			WHERE t.present <> 0 AND EXISTS (SELECT 1 FROM codex_item i WHERE i.artifact = t.id)
			AND NOT EXISTS (SELECT 1 FROM codex_item i WHERE i.artifact = t.id AND i.purged_at IS NULL)`},
		{kind: sdk.Contradictory, what: "contents with a body, which are marked as purged", query: "SELECT t.id, t.sha256 FROM codex_artifact t WHERE t.present = 0 AND " + body},
		{kind: sdk.Contradictory, what: "contents with two bodies", query: `SELECT t.id, t.sha256 FROM codex_artifact t JOIN codex_body b ON b.artifact = t.id
			WHERE EXISTS (SELECT 1 FROM codex_upload u WHERE u.artifact = t.id)`},
		{kind: sdk.Contradictory, what: "bodies in pieces that belong to a content and are on their way, or neither", query: `SELECT t.id, NULL FROM codex_upload t
			WHERE t.artifact IS NULL AND t.touched IS NULL OR t.artifact IS NOT NULL AND t.touched IS NOT NULL`},
		{kind: sdk.Contradictory, what: "events of no case, which are marked as being without effect on it", query: `SELECT 0, t.id FROM codex_event t
			WHERE t.no_effect <> 0 AND t.action NOT IN ('HOLD', 'RELEASE')`},
		{kind: sdk.Contradictory, what: "rows of the archive that say that a change of its tables is not done", query: "SELECT t.id, NULL FROM codex_archive_meta t WHERE t.schema_step <> 0"},
	}
}

// leftovers are rows that calls leave which are under way, were killed, or were
// refused.
func (d *Dialect) leftovers() []inspection {
	return []inspection{
		{kind: sdk.Staged, what: "bodies on their way, or of a Put that ended within the last hour", args: []any{untouchedFor},
			query: "SELECT t.id, NULL FROM codex_upload t WHERE t.artifact IS NULL AND t.touched >= " + d.Server.Now + " - ?"},
		{kind: sdk.Abandoned, what: "bodies of a Put that was killed, which a later Put removes", args: []any{untouchedFor},
			query: "SELECT t.id, NULL FROM codex_upload t WHERE t.artifact IS NULL AND t.touched < " + d.Server.Now + " - ?"},
		{kind: sdk.Abandoned, what: "names that nothing uses", query: `SELECT t.id, NULL FROM codex_name t LEFT JOIN (
			SELECT repo AS id FROM codex_item UNION SELECT actor FROM codex_item UNION SELECT revision FROM codex_origin
			UNION SELECT reason FROM codex_origin UNION SELECT kind FROM codex_origin UNION SELECT tag FROM codex_item_tag
			UNION SELECT placed_by FROM codex_hold UNION SELECT actor FROM codex_event) u ON u.id = t.id WHERE u.id IS NULL`},
	}
}

// Inspect implements [sdk.Inspector].
func (b *Backend) Inspect(ctx context.Context) ([]sdk.Finding, error) {
	all := append(append(references(), orphans()...), contradictions()...)
	var findings []sdk.Finding
	for _, look := range append(all, b.d.leftovers()...) {
		f := sdk.Finding{Kind: look.kind, What: look.what}
		err := b.read(ctx, "inspect", func(ctx context.Context, db *conn) error {
			return db.query(ctx, look.query, look.args, func(scan scan) error { return note(&f, scan) })
		})
		if err != nil {
			return nil, err
		}
		if f.Rows > 0 {
			findings = append(findings, f)
		}
	}
	for _, look := range derivations() {
		f := sdk.Finding{Kind: sdk.Contradictory, What: look.what}
		err := b.read(ctx, "inspect", func(ctx context.Context, db *conn) error { return look.run(ctx, db, &f) })
		if err != nil {
			return nil, err
		}
		if f.Rows > 0 {
			findings = append(findings, f)
		}
	}
	return findings, nil
}

// note counts a row, and names it if not many have been.
func note(f *sdk.Finding, scan scan) error {
	var key int64
	var name sql.RawBytes
	if err := scan(&key, &name); err != nil {
		return err
	}
	noteRow(f, key, name)
	return nil
}

// noteRow counts the row with a key, and names it by bytes where it has some.
func noteRow(f *sdk.Finding, key int64, name []byte) {
	if f.Rows++; f.Rows > sdk.MaxExamples {
		return
	}
	var id sdk.ID
	switch {
	case len(name) == len(id):
		copy(id[:], name)
		f.Examples = append(f.Examples, id.String())
	case len(name) > 0:
		f.Examples = append(f.Examples, hex.EncodeToString(name))
	default:
		f.Examples = append(f.Examples, fmt.Sprint("row ", key))
	}
}
