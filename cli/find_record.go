package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// maxCandidates bounds how many tombstones an error lists.
const maxCandidates = 20

// tombstoneNotFound is the error for text that names no record.
func tombstoneNotFound(text string) error {
	e := &sdk.Error{Kind: sdk.NotFound, Msg: "Tombstone not found"}
	if len(text) < sdk.MinPrefix {
		return &failure{code: exitNotFound, kind: e.Kind.String(), err: e, hint: "give at least 8 characters of it"}
	}
	return e
}

// findTombstone returns the tombstone that text names, whole or shortened to 8
// or more characters. A whole one is not looked up.
func findTombstone(ctx context.Context, backend sdk.Backend, text string) (sdk.Tombstone, error) {
	if id, err := sdk.ParseID(text); err == nil {
		return id, nil
	}
	if _, _, err := sdk.PrefixRange(text); err != nil {
		return sdk.Tombstone{}, tombstoneNotFound(text)
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
		return sdk.Tombstone{}, tombstoneNotFound(text)
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
	return &failure{code: exitUsage, kind: "ambiguous", hint: "give more characters",
		err: fmt.Errorf("%s is the beginning of several tombstones: %s", text, strings.Join(names, ", "))}
}
