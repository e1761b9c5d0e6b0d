package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Read calls read with the opened archive for an action that changes no record,
// and again as retry.* allows. about is the first record that is read.
func (j *Journal) Read(ctx context.Context, action evidence.Action, about string, read func(context.Context, sdk.Backend) error) error {
	_, err := j.try(ctx, action, read, func(e *evidence.Record) { e.Tombstone = about })
	return err
}

// Verified records a run of verify, once for the whole run. One that came to its
// end is an event of the archive, too; failure says why another did not.
func (j *Journal) Verified(ctx context.Context, v evidence.Verification, failure error) error {
	if failure != nil {
		record := j.failure(evidence.Verified, failure, func(e *evidence.Record) { e.Verified = &v })
		return j.appendVerified(record)
	}
	ctx, cancel := toRecord(ctx)
	defer cancel()
	record := j.record(evidence.Verified, evidence.Success)
	record.Verified = &v
	if n := v.Damaged + v.Missing + v.Unreadable; n > 0 {
		record.Error = fmt.Sprintf("not what was stored: %d of %s", n, output.Count(v.Records, "record"))
	}
	event := sdk.Event{ID: record.ID, Action: sdk.ActionVerify, Actor: record.Actor, At: sdk.Time(record.Time), Host: j.options.Host, Detail: v.Detail()}
	record.EventAt = event.At
	intent, err := j.act(ctx, evidence.Verified, []*evidence.Record{record}, func(ctx context.Context, backend sdk.Backend) error {
		return backend.Append(ctx, []sdk.Event{event})
	}, func(*evidence.Record) {})
	switch {
	case sdk.KindOf(err) == sdk.PermissionDenied:
		j.abandon(intent, err)
		j.options.Log.Warn("The archive can't be written, so the verification is not in its history: " + err.Error())
		record.DBEvent = "skipped"
		return j.appendVerified(record)
	case err != nil:
		j.abandon(intent, err)
		record.Status, record.DBEvent = evidence.Failed, "skipped"
		if lost := j.appendVerified(record); lost != nil {
			return lost
		}
		return output.Errorf(output.FailureOf(err).Kind, "verified, but that is not in the archive's history: %w", err)
	}
	record.Duration = output.Millis(time.Since(j.options.Started))
	if err := j.finish(intent, record); err != nil {
		return verifiedNotRecorded(err)
	}
	return nil
}

func (j *Journal) appendVerified(record *evidence.Record) error {
	if err := j.file.Append(record); err != nil {
		return verifiedNotRecorded(err)
	}
	return nil
}

func verifiedNotRecorded(err error) error {
	return output.Errorf(output.Evidence, "verified, not recorded: %w", err).WithHint(writable)
}
