// Package find looks records up, by what users type and by their tombstones.
package find

import (
	"context"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// maxCandidates bounds how many tombstones an error lists.
const maxCandidates = 20

// NotFound returns the error for text that names no record.
func NotFound(text string) error {
	e := &sdk.Error{Kind: sdk.NotFound, Msg: "Tombstone not found"}
	if len(text) < sdk.MinPrefix {
		return output.Errorf(output.KindOf(e.Kind), "%w", e).WithHint("give at least %d characters of it", sdk.MinPrefix)
	}
	return e
}

// Tombstone returns the tombstone that text names, whole or shortened to 8
// or more characters. A whole one is not looked up.
func Tombstone(ctx context.Context, backend sdk.Backend, text string) (sdk.Tombstone, error) {
	if id, err := sdk.ParseID(text); err == nil {
		return id, nil
	}
	if _, _, err := sdk.PrefixRange(text); err != nil {
		return sdk.Tombstone{}, NotFound(text)
	}
	var found []sdk.Tombstone
	for entry, err := range backend.List(ctx, sdk.Query{Prefix: text, Limit: maxCandidates + 1}) {
		if err != nil {
			return sdk.Tombstone{}, err
		}
		found = append(found, entry.Record.Tombstone)
	}
	switch {
	case len(found) == 0:
		return sdk.Tombstone{}, NotFound(text)
	case len(found) > 1:
		return sdk.Tombstone{}, ambiguous(text, found)
	}
	return found[0], nil
}

func ambiguous(text string, found []sdk.Tombstone) error {
	names := make([]string, 0, len(found))
	for _, id := range found[:min(len(found), maxCandidates)] {
		names = append(names, id.String())
	}
	if len(found) > maxCandidates {
		names = append(names, "…")
	}
	return output.Errorf(output.Ambiguous, "%s is the beginning of several tombstones: %s", text, strings.Join(names, ", ")).
		WithHint("give more characters")
}

// Record is the record that a text names, or why there is none.
type Record struct {
	Entry sdk.Entry
	Err   error
}

// Records looks up what texts name: whole tombstones with one List for each
// [sdk.MaxItems] of them, each shortened one by itself. The second result is an
// error of the archive and not of one text.
func Records(ctx context.Context, backend sdk.Backend, texts []string) ([]Record, error) {
	records := make([]Record, len(texts))
	byID := map[sdk.Tombstone][]int{}
	var ids []sdk.Tombstone
	for i, text := range texts {
		id, err := Tombstone(ctx, backend, text)
		switch {
		case err != nil && !aboutText(err):
			return nil, err
		case err != nil:
			records[i].Err = err
			continue
		case byID[id] == nil:
			ids = append(ids, id)
		}
		byID[id] = append(byID[id], i)
		records[i].Err = NotFound(text) // until it is found
	}
	for group := range slices.Chunk(ids, sdk.MaxItems) {
		for entry, err := range List(ctx, backend, sdk.Query{Tombstones: group}, nil) {
			if err != nil {
				return nil, err
			}
			for _, i := range byID[entry.Record.Tombstone] {
				records[i] = Record{Entry: entry, Err: entry.Err}
			}
		}
	}
	return records, nil
}

// aboutText reports whether an error is about one text and not the archive.
func aboutText(err error) bool {
	kind := output.FailureOf(err).Kind
	return kind == output.Ambiguous || kind == output.KindOf(sdk.NotFound)
}
