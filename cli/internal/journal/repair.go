package journal

import (
	"context"
	"iter"
	"time"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Repair replaces the content that records share, which is damaged or missing, by
// that of source, which came from a place. check reads it back. It leaves a line of
// evidence before the archive is touched and one with the outcome, for each record.
func (j *Journal) Repair(ctx context.Context, records []sdk.Record, source *archiver.Source, from string, check func(context.Context, sdk.Backend) error) error {
	begun := time.Now()
	describe := make([]func(*evidence.Record), len(records))
	for i := range records {
		describe[i] = func(e *evidence.Record) {
			describeRecord(e, "", &records[i])
			e.Source, e.Duration = from, output.Millis(time.Since(begun))
		}
	}
	if err := j.write("nothing was repaired", j.repairs(evidence.Started, describe, nil)...); err != nil {
		return err
	}
	_, err := j.try(ctx, evidence.Repair, func(ctx context.Context, backend sdk.Backend) error {
		if err := putBack(ctx, backend, records[0], source); err != nil {
			return err
		}
		return check(ctx, backend)
	}, describe...)
	if err != nil {
		if output.CodeOf(err) == output.ExitEvidence {
			return err
		}
		if append := j.file.Append(j.repairs(evidence.Failed, describe, err)...); append != nil {
			return notRecorded(err, append)
		}
		return err
	}
	if err := j.file.Append(j.repairs(evidence.Success, describe, nil)...); err != nil {
		return output.Errorf(output.Evidence, "repaired, not recorded: %s: %w", records[0].Tombstone, err).
			WithHint("the content is whole; make the directory that evidence.dir names writable")
	}
	return nil
}

// repairs returns one line for each record.
func (j *Journal) repairs(status evidence.Status, describe []func(*evidence.Record), err error) []*evidence.Record {
	lines := make([]*evidence.Record, len(describe))
	for i, describe := range describe {
		if err != nil {
			lines[i] = j.failure(evidence.Repair, err, describe)
			continue
		}
		lines[i] = j.record(evidence.Repair, status)
		describe(lines[i])
	}
	return lines
}

// NotRepaired records that content could not be repaired, for each record.
func (j *Journal) NotRepaired(records []sdk.Record, err error) error {
	lines := make([]*evidence.Record, len(records))
	for i := range records {
		lines[i] = j.failure(evidence.Repair, err, func(e *evidence.Record) { describeRecord(e, "", &records[i]) })
	}
	return j.write(writable, lines...)
}

// putBack stores a record again, with the body of source.
func putBack(ctx context.Context, backend sdk.Backend, r sdk.Record, source *archiver.Source) error {
	if source.Content.SHA256 != r.Content.SHA256 || source.Content.Size != r.Content.Size {
		return sdk.Errorf(sdk.Corrupt, "what was found has changed since").About(r.Tombstone)
	}
	r.Content = source.Content
	var one iter.Seq2[sdk.Item, error] = oneItem(source, r, true)
	stored, err := backend.Put(ctx, one)
	if err != nil {
		return err
	}
	return find.Confirmed(stored, &r)
}
