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
	if err := j.file.Append(started); err != nil {
		return evidenceError(err).WithHint("this group was not changed")
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
	e := j.failure(evidence.Recrypt, err, func(e *evidence.Record) {
		e.Tombstone, e.Repo, e.Path, e.Recrypted = r.Tombstone.String(), r.Repo, r.Path, &t
		e.SHA256, e.Size = r.Content.SHA256.String(), r.Content.Size
	})
	if err := j.file.Append(e); err != nil {
		return evidenceError(err).WithHint("make the directory that evidence.dir names writable")
	}
	return nil
}

// RecryptDone records how a whole run ended.
func (j *Journal) RecryptDone(t evidence.Recryption, err error) error {
	e := j.record(evidence.Recrypt, evidence.Success)
	if err != nil {
		e = j.failure(evidence.Recrypt, err, func(*evidence.Record) {})
	}
	e.Recrypted = &t
	if err := j.file.Append(e); err != nil {
		return evidenceError(err).WithHint("make the directory that evidence.dir names writable")
	}
	return nil
}
