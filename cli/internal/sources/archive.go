package sources

import (
	"context"
	"fmt"
	"io"

	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// Archive looks for the contents in another archive. extract writes the plain
// bytes of a record's body to w and returns nil only if they are its content.
func (s *Search) Archive(ctx context.Context, backend sdk.Backend, extract func(ctx context.Context, r *sdk.Record, body io.Reader, w io.Writer) error) error {
	for _, w := range s.Left() {
		if err := s.inArchive(ctx, backend, w, extract); err != nil {
			return err
		}
	}
	return nil
}

// inArchive looks for one content, in each record that has it until it is settled.
// What is damaged there too is left out.
func (s *Search) inArchive(ctx context.Context, backend sdk.Backend, w Wanted, extract func(context.Context, *sdk.Record, io.Reader, io.Writer) error) error {
	for entry, err := range backend.List(ctx, sdk.Query{SHA256: w.SHA256}) {
		switch {
		case err != nil:
			return err
		case entry.Err != nil || !entry.Record.PurgedAt.IsZero():
			continue
		}
		sp, err := s.body(ctx, backend, w, entry.Record.Tombstone, extract)
		switch {
		case ctx.Err() != nil:
			return errClose(sdk.AsError(ctx.Err()), sp)
		case err != nil && sdk.AsError(err).Retry:
			return errClose(err, sp)
		case err != nil:
			s.Warn(fmt.Sprintf("The record %v of the other archive is left out: %v", entry.Record.Tombstone, err))
			_ = sp.Close() // it is not needed
			continue
		}
		if err := s.found(ctx, w.SHA256, Content{From: "record " + entry.Record.Tombstone.String(), Spool: sp}); err != nil {
			return err
		}
		if _, ok := s.wanted[w.SHA256]; !ok {
			return nil
		}
	}
	return nil
}

// body spools the content of a record.
func (s *Search) body(ctx context.Context, backend sdk.Backend, w Wanted, id sdk.Tombstone, extract func(context.Context, *sdk.Record, io.Reader, io.Writer) error) (*spool.Spool, error) {
	sp := &spool.Spool{}
	for found, err := range backend.Get(ctx, []sdk.Tombstone{id}) {
		switch {
		case err != nil:
			return sp, err
		case found.Err != nil:
			return sp, found.Err
		case found.Record.Content.SHA256 != w.SHA256 || w.Size != AnySize && found.Record.Content.Size != w.Size:
			return sp, sdk.Errorf(sdk.Corrupt, "it has other content than the archive said")
		}
		return sp, extract(ctx, &found.Record, found.Body, sp)
	}
	return sp, sdk.Errorf(sdk.Internal, "the backend answered with nothing")
}
