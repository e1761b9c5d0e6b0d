package find

import (
	"context"

	"github.com/codex-archive/codex/sdk"
)

// Answers gets records and calls do with what the archive answers for each, in the
// order of ids. An error of do ends the call. It is an error that the archive
// answers for fewer, or for others.
func Answers(ctx context.Context, backend sdk.Backend, ids []sdk.Tombstone, do func(n int, found *sdk.GetResult) error) error {
	n := 0
	for found, err := range backend.Get(ctx, ids) {
		if err != nil {
			return err
		}
		if n == len(ids) || found.Record.Tombstone != ids[n] {
			return sdk.Errorf(sdk.Internal, "the backend answered with another record than was asked for")
		}
		if err := do(n, &found); err != nil {
			return err
		}
		n++
	}
	if n < len(ids) {
		return sdk.Errorf(sdk.Internal, "the backend answered for %d of %d", n, len(ids))
	}
	return nil
}

// Confirmed checks that the archive answered a Put of records for each of them, in
// their order.
func Confirmed(stored []sdk.PutResult, records ...*sdk.Record) error {
	if len(stored) != len(records) {
		return sdk.Errorf(sdk.Internal, "the backend answered for %d of %d", len(stored), len(records))
	}
	for i, r := range records {
		if stored[i].Tombstone != r.Tombstone || stored[i].Content.SHA256 != r.Content.SHA256 {
			return sdk.Errorf(sdk.Internal, "the backend confirmed something else than what was stored")
		}
	}
	return nil
}
