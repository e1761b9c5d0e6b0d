package sqlbackend

import (
	"bytes"
	"context"
	"database/sql"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// derivation looks for rows that say something else than the rows they are made
// from. No digest covers them: calls find records by them, and read no record from
// them.
type derivation struct {
	what string
	run  func(ctx context.Context, db *conn, f *sdk.Finding) error
}

func derivations() []derivation {
	return []derivation{
		{"records that are found by other tags than they have", compareTags},
		{"sets that are found by a hash of something else", compareOrigins},
	}
}

// selectTags reads each record that has tags, or is found by one, once for each tag
// that it is found by. One statement sees one moment.
const selectTags = `SELECT i.id, i.tombstone, o.tags, n.name FROM codex_item i JOIN codex_origin o ON o.id = i.origin
	LEFT JOIN codex_item_tag t ON t.item = i.id LEFT JOIN codex_name n ON n.id = t.tag
	WHERE o.tags <> '' OR t.item IS NOT NULL ORDER BY i.id`

// taggedItem is a record, and the tags that it is found by.
type taggedItem struct {
	key       int64
	tombstone []byte
	tags      string
	found     []string
}

// compareTags compares codex_item_tag with the tags of each record.
func compareTags(ctx context.Context, db *conn, f *sdk.Finding) error {
	var it taggedItem
	err := db.query(ctx, selectTags, nil, func(scan scan) error {
		var key int64
		var tombstone sql.RawBytes
		var tags, found sql.NullString
		if err := scan(&key, &tombstone, &tags, &found); err != nil {
			return err
		}
		if key != it.key {
			it.compare(f)
			it = taggedItem{key, bytes.Clone(tombstone), tags.String, nil}
		}
		if found.Valid {
			it.found = append(it.found, found.String)
		}
		return nil
	})
	if err == nil {
		it.compare(f)
	}
	return err
}

// compare notes a record that is not found by its tags, or by others too. What
// cannot be read is left to List.
func (it *taggedItem) compare(f *sdk.Finding) {
	var tags []string
	if it.key == 0 || decodeJSON(it.tags, &tags) != nil {
		return
	}
	slices.Sort(tags)
	slices.Sort(it.found)
	if !slices.Equal(slices.Compact(tags), it.found) {
		noteRow(f, it.key, it.tombstone)
	}
}

// selectOriginTexts reads what the hash of a set is of.
const selectOriginTexts = `SELECT o.id, o.hash, v.name, n.name, k.name, o.note, o.tags, o.metadata, o.file_type, o.work_state, o.host
	FROM codex_origin o JOIN codex_name v ON v.id = o.revision JOIN codex_name n ON n.id = o.reason JOIN codex_name k ON k.id = o.kind`

// compareOrigins computes the hashes of codex_origin again. By a wrong one a Put
// would give a record what another has.
func compareOrigins(ctx context.Context, db *conn, f *sdk.Finding) error {
	return db.query(ctx, selectOriginTexts, nil, func(scan scan) error {
		var key int64
		var hash sql.RawBytes
		var texts [9]sql.NullString
		into := []any{&key, &hash}
		for i := range texts {
			into = append(into, &texts[i])
		}
		if err := scan(into...); err != nil {
			return err
		}
		parts := make([]string, len(texts))
		for i, text := range texts {
			parts[i] = text.String
		}
		if want := originHash(parts...); !bytes.Equal(hash, want[:]) {
			noteRow(f, key, nil)
		}
		return nil
	})
}
