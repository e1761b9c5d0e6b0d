package journal

import (
	"context"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// CopyGroup has a group of records written to the archive and records that: a line
// before the first attempt, so that a command which is killed leaves one that
// names what it had begun, and one with the outcome. t tells what of the group is
// sent, and is filled in by do.
func (j *Journal) CopyGroup(ctx context.Context, t *evidence.Transfer, do func(context.Context, sdk.Backend) error) error {
	begun := time.Now()
	describe := func(e *evidence.Record) { e.Transfer = t }
	e := j.record(evidence.Copy, evidence.Started)
	e.Duration = 0
	describe(e)
	if err := j.write("this group was not copied", e); err != nil {
		return err
	}
	_, err := j.try(ctx, evidence.Copy, do, describe)
	if err != nil {
		if output.CodeOf(err) == output.ExitEvidence {
			return err
		}
		return j.fail(evidence.Copy, err, func(e *evidence.Record) {
			describe(e)
			e.Duration = output.Millis(time.Since(begun))
		})
	}
	e = j.record(evidence.Copy, evidence.Success)
	describe(e)
	e.Duration = output.Millis(time.Since(begun))
	if err := j.file.Append(e); err != nil {
		return output.Errorf(output.Evidence, "copied, not recorded: %s: %w", output.Count(t.Records, "record"), err).
			WithHint("make the directory that evidence.dir names writable, and copy again: it takes only what is missing")
	}
	return nil
}

// NotCopied is a record that was left out.
type NotCopied struct {
	Record *sdk.Record
	Err    error
}

// LeftOut records which records were not copied, and why, with one sync.
func (j *Journal) LeftOut(t evidence.Transfer, failed []NotCopied) error {
	records := make([]*evidence.Record, len(failed))
	for i, f := range failed {
		records[i] = j.failure(evidence.Copy, f.Err, func(e *evidence.Record) {
			one := t
			one.Scope, one.Records, one.Left = "record", 1, 1
			e.Repo, e.Path, e.Transfer = f.Record.Repo, f.Record.Path, &one
			if !f.Record.Tombstone.IsZero() {
				e.Tombstone = f.Record.Tombstone.String()
			}
		})
	}
	return j.write(writable, records...)
}

// CopyDone records how a whole copy ended.
func (j *Journal) CopyDone(t evidence.Transfer, err error) error {
	e := j.ended(evidence.Copy, err)
	e.Transfer = &t
	return j.write("", e)
}
