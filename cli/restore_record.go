package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/sdk"
)

// recordTimeout bounds how long recording may take after files stand.
const recordTimeout = time.Minute

// recordRestored writes the events of restored files, at most [sdk.MaxItems],
// into the archive and the evidence, together: a batch would spend most of its
// time on syncing one by one. The files stand already and stay, whatever happens
// here. The errors are those of the files, in their order.
func (j *journal) recordRestored(ctx context.Context, files []*restoration) []error {
	// Whoever interrupts now has the files all the same, so they are recorded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	errs := j.recordTogether(ctx, files)
	if len(files) == 1 || !separable(errs[0]) {
		return errs
	}
	for i := range files { // one of them is at fault
		errs[i] = j.recordTogether(ctx, files[i:i+1])[0]
	}
	return errs
}

// notAppended is the error of a call about several events that surely changed
// nothing, and is recorded nowhere yet.
type notAppended struct{ error }

func separable(err error) bool {
	_, ok := err.(notAppended)
	return ok
}

func (j *journal) recordTogether(ctx context.Context, files []*restoration) []error {
	records := make([]*evidence.Record, len(files))
	describe := make([]func(*evidence.Record), len(files))
	events := make([]sdk.Event, len(files))
	for i, r := range files {
		records[i] = r.evidence(evidence.Success)
		describe[i], events[i] = r.describe, r.event(records[i].ID)
	}
	pending, err := j.note(records...)
	if err != nil {
		return each(files, func(r *restoration) error { return restoredButNot("recorded", r.done.Path, err) })
	}
	_, err = j.tryTogether(ctx, evidence.Restore, describe, func(ctx context.Context, backend sdk.Backend) error {
		return backend.Append(ctx, events)
	})
	skipped := sdk.KindOf(err) == sdk.PermissionDenied
	switch {
	case skipped:
		j.deniedOnce.Do(func() {
			j.log.Warn("The archive can't be written, so the restore is not in its history: " + err.Error())
		})
	case err != nil:
		j.abandon(pending, err)
		if e := sdk.AsError(err); len(files) > 1 && e.Effect == sdk.EffectNone && !e.Retry && ctx.Err() == nil {
			return each(files, func(*restoration) error { return notAppended{err} })
		}
		return each(files, func(r *restoration) error {
			return restoredButNot("in the archive's history", r.done.Path, r.failed(err))
		})
	}
	for i, e := range records {
		e.Duration = files[i].elapsed()
		if skipped {
			e.DBEvent = "skipped"
		}
	}
	if err := j.done(pending, records...); err != nil {
		return each(files, func(r *restoration) error {
			return restoredButNot("recorded", r.done.Path, evidenceError(err, ""))
		})
	}
	return make([]error, len(files))
}

func each(files []*restoration, what func(*restoration) error) []error {
	errs := make([]error, len(files))
	for i, r := range files {
		errs[i] = what(r)
	}
	return errs
}

// restoredButNot keeps exit code and kind of err and says that the file stands.
func restoredButNot(what, path string, err error) error {
	f := *asFailure(err)
	f.err = fmt.Errorf("%s is restored, but not %s: %w", path, what, err)
	f.hint = "the file is whole and verified; nobody will find its restore in the history"
	return &f
}

// event is the restore as the archive's history keeps it.
func (r *restoration) event(id sdk.ID) sdk.Event {
	detail := map[string]string{"output": printable(r.done.Path)}
	if len(detail["output"]) > sdk.MaxPath {
		detail["output"] = filepath.Base(detail["output"])
	}
	return sdk.Event{ID: id, Tombstone: r.record.Tombstone, Action: sdk.ActionRestore, Actor: r.actor, At: sdk.Time(time.Now()), Detail: detail}
}

// evidence returns the record of this restore.
func (r *restoration) evidence(status evidence.Status) *evidence.Record {
	e := r.journal.record(evidence.Restore, status)
	r.describe(e)
	e.Attempts = r.attempts
	if m := r.config.Performance; m.EnableMetrics {
		e.Write = &r.done.Write
		if m.TrackDecompression {
			e.Decompression = &r.done.Decompression
		}
	}
	return e
}

// describe fills in what is known of the restore.
func (r *restoration) describe(e *evidence.Record) {
	e.Duration = r.elapsed()
	e.Tombstone, e.Output = r.typed, r.to.Path
	if !r.record.Tombstone.IsZero() {
		e.Tombstone, e.Repo, e.Path = r.record.Tombstone.String(), r.record.Repo, r.record.Path
	}
	if r.done.Path != "" {
		e.Output = r.done.Path
	}
}

func (r *restoration) failed(err error) error {
	return r.fail(evidence.RestoreFail, err, func(e *evidence.Record) {
		r.describe(e)
		e.Attempts = max(r.attempts, 1)
	})
}
