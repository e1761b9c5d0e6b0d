package journal

import (
	"context"
	"iter"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Filed is a record that is stored with others in a group, or could not be.
type Filed struct {
	Record *sdk.Record
	Begun  time.Time // when its file was opened
	Err    error     // why it could not be stored
}

// StoreGroup hands a group to the archive, in one transaction, and records that
// with one sync. items is called for each attempt. Contents are those of the
// archive afterwards.
func (j *Journal) StoreGroup(ctx context.Context, group []Filed, items func() iter.Seq2[sdk.Item, error]) ([]sdk.PutResult, error) {
	records := make([]*evidence.Record, len(group))
	describe := make([]func(*evidence.Record), len(group))
	filed := make([]*sdk.Record, len(group))
	for i, f := range group {
		filed[i] = f.Record
		describe[i] = func(e *evidence.Record) { describeStored(e, *f.Record) }
		records[i] = j.record(evidence.Archive, evidence.Success)
		records[i].ID = f.Record.Event
		describe[i](records[i])
	}
	var stored []sdk.PutResult
	intent, err := j.act(ctx, evidence.Archive, records, func(ctx context.Context, backend sdk.Backend) error {
		err := j.checkRetention(ctx, backend, group[0].Record) // all have one
		if err == nil {
			stored, err = backend.Put(ctx, items())
		}
		return err
	}, describe...)
	if err == nil {
		err = find.Confirmed(stored, filed...)
	}
	if err != nil {
		j.abandon(intent, err)
		return nil, err
	}
	for i, f := range group {
		f.Record.Content = stored[i].Content
		describe[i](records[i])
		records[i].Time, records[i].Duration = time.Now(), output.Millis(time.Since(f.Begun))
	}
	if err := j.finish(intent, records...); err != nil {
		return nil, output.Errorf(output.Evidence, "stored, not recorded: %s, among them %s: %w", output.Count(len(group), "file"), group[0].Record.Tombstone, err).
			WithHint("the content is safe; the next command that can write evidence records it")
	}
	return stored, nil
}

// NotStored records that files could not be stored, with one sync.
func (j *Journal) NotStored(failed []Filed) error {
	records := make([]*evidence.Record, len(failed))
	for i, f := range failed {
		e := j.record(evidence.ArchiveFail, statusOf(f.Err))
		describeStored(e, *f.Record)
		e.Error, e.URL, e.Duration = f.Err.Error(), j.options.URL, output.Millis(time.Since(f.Begun))
		records[i] = e
	}
	return j.write(writable, records...)
}

// statusOf tells what was refused from what failed.
func statusOf(err error) evidence.Status {
	if output.CodeOf(err) == output.ExitRefused {
		return evidence.Refused
	}
	return evidence.Failed
}
