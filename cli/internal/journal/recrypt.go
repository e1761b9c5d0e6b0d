package journal

import (
	"context"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// RecryptGroup has the bodies of a group of contents replaced and records that: a
// line before the first attempt, and one with the outcome. do fills in t.
func (j *Journal) RecryptGroup(ctx context.Context, t *evidence.Recryption, do func(context.Context, sdk.Backend) error) error {
	begun := time.Now()
	describe := func(e *evidence.Record) {
		e.Recrypted, e.Duration = t, output.Millis(time.Since(begun))
	}
	started := j.record(evidence.Recrypt, evidence.Started)
	describe(started)
	if err := j.write("this group was not changed", started); err != nil {
		return err
	}
	_, err := j.try(ctx, evidence.Recrypt, do, describe)
	if err != nil {
		if output.CodeOf(err) == output.ExitEvidence {
			return err
		}
		return j.fail(evidence.Recrypt, err, describe)
	}
	done := j.record(evidence.Recrypt, evidence.Success)
	describe(done)
	if err := j.file.Append(done); err != nil {
		return output.Errorf(output.Evidence, "%d contents are stored anew, not recorded: %w", t.Contents, err).
			WithHint("make the directory that evidence.dir names writable, and go on with --resume")
	}
	return nil
}

// NotRecrypted records that a content is stored as before, and why.
func (j *Journal) NotRecrypted(r *sdk.Record, t evidence.Recryption, err error) error {
	t.Scope, t.Failed = "record", 1
	return j.write(writable, j.failure(evidence.Recrypt, err, func(e *evidence.Record) {
		describeRecord(e, r.Tombstone.String(), r)
		e.Recrypted = &t
	}))
}

// RecryptDone records how a whole run ended.
func (j *Journal) RecryptDone(t evidence.Recryption, err error) error {
	e := j.ended(evidence.Recrypt, err)
	e.Recrypted = &t
	return j.write(writable, e)
}
