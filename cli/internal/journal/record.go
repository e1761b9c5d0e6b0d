package journal

import (
	"context"
	"errors"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// recordTimeout bounds how long recording may take after files are restored, and
// recordGrace after the end of the command's time, or an interrupt.
const (
	recordTimeout = time.Minute
	recordGrace   = 2 * time.Second
)

// Record writes the events of published files, at most [sdk.MaxItems], into the
// archive and the evidence, together: a batch would spend most of its time on
// syncing one by one. The files stay, whatever happens here. Err of a file says
// why it is not recorded.
func (j *Journal) Record(ctx context.Context, files ...*Restore) {
	record, cancel := toRecord(ctx)
	defer cancel()
	j.recordAll(record, files)
}

// toRecord returns a context for recording files that are published: an interrupt
// does not undo them. Only an interrupt cancels it. The end of the command's time
// ends it by a deadline of its own, so that what follows is a time-out.
func toRecord(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(recordTimeout)
	if end, ok := ctx.Deadline(); ok && end.Add(recordGrace).Before(deadline) {
		deadline = end.Add(recordGrace)
	}
	record, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			time.AfterFunc(recordGrace, cancel)
		}
	})
	return record, func() { stop(); cancel() }
}

func (j *Journal) recordAll(ctx context.Context, files []*Restore) {
	if j.recordGroup(ctx, files) {
		return
	}
	for i := range files { // the archive refused one of them
		j.recordGroup(ctx, files[i:i+1])
	}
}

// recordGroup records files in one transaction. It reports false, and has done
// nothing, if the archive refused a group of several for good.
func (j *Journal) recordGroup(ctx context.Context, files []*Restore) (settled bool) {
	records := successes(files)
	intent, err := j.begin(records...)
	if err != nil {
		for _, r := range files {
			r.notRecorded("recorded", err)
		}
		return true
	}
	return j.recordBegun(ctx, intent, files, records)
}

// recordBegun is recordGroup after the intent.
func (j *Journal) recordBegun(ctx context.Context, intent *evidence.PendingIntent, files []*Restore, records []*evidence.Record) (settled bool) {
	err := j.appendEvents(ctx, files, records)
	skipped := sdk.KindOf(err) == sdk.PermissionDenied
	switch {
	case skipped:
		j.deniedOnce.Do(func() {
			j.options.Log.Warn("The archive can't be written, so the restore is not in its history: " + err.Error())
		})
	case err != nil && len(files) > 1 && permanent(ctx, err):
		j.abandon(intent, err)
		return false
	case err != nil:
		j.abandon(intent, err)
		for _, r := range files {
			r.fail(err)
			r.notRecorded("in the archive's history", r.Err)
		}
		return true
	}
	for i, r := range files {
		r.Took = r.took()
		records[i].Duration = output.Millis(r.Took)
		if skipped {
			records[i].DBEvent = "skipped"
		}
	}
	if err := j.finish(intent, records...); err != nil {
		for _, r := range files {
			r.notRecorded("recorded", evidenceError(err))
		}
	}
	return true
}

// permanent reports whether err surely changed nothing, and would come again.
func permanent(ctx context.Context, err error) bool {
	e := sdk.AsError(err)
	return e.Effect == sdk.EffectNone && !e.Retry && ctx.Err() == nil
}

func (j *Journal) appendEvents(ctx context.Context, files []*Restore, records []*evidence.Record) error {
	events := make([]sdk.Event, len(files))
	describe := make([]func(*evidence.Record), len(files))
	for i, r := range files {
		events[i], describe[i] = r.event(records[i]), r.describe
	}
	_, err := j.try(ctx, evidence.Restore, func(ctx context.Context, backend sdk.Backend) error {
		return backend.Append(ctx, events)
	}, describe...)
	return err
}

func successes(files []*Restore) []*evidence.Record {
	records := make([]*evidence.Record, len(files))
	for i, r := range files {
		records[i] = r.success()
	}
	return records
}

// success returns the record of a restore that succeeded.
func (r *Restore) success() *evidence.Record {
	e := r.journal.record(evidence.Restore, evidence.Success)
	r.describe(e)
	e.Attempts = r.Attempts
	e.Decompression, e.Write = r.Steps()
	e.EventAt = sdk.Time(e.Time)
	return e
}

// durations are what the archive's history keeps of the times that a restore took
// until its file was there.
func (r *Restore) durations() map[string]output.Millis {
	all := map[string]output.Millis{"duration_ms": output.Millis(r.took())}
	decompression, write := r.Steps()
	if decompression != nil {
		all["decompression_ms"] = *decompression
	}
	if write != nil {
		all["write_ms"] = *write
	}
	return all
}

// event is the restore as the archive's history keeps it.
func (r *Restore) event(e *evidence.Record) sdk.Event {
	detail := map[string]string{"output": evidence.EventOutput(r.Done.Path)}
	for name, took := range r.durations() {
		detail[name] = string(took.Append(nil))
	}
	return sdk.Event{ID: e.ID, Tombstone: r.Record.Tombstone, Action: sdk.ActionRestore, Actor: e.Actor, At: sdk.Time(e.Time), Detail: detail, Host: r.journal.options.Host}
}

// notRecorded keeps the kind of err, and says that the file is restored.
func (r *Restore) notRecorded(what string, err error) {
	r.Err = output.Errorf(output.FailureOf(err).Kind, "%s is restored, but not %s: %w", r.Done.Path, what, err).
		WithHint("the file is whole and verified; its restore is missing in the history")
}
