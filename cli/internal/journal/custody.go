package journal

import (
	"context"
	"slices"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Act is an event that is appended to the history of a record: a hold, its
// release, a retention or a request to purge.
type Act struct {
	Name   string      // of the record as it was asked for
	Record *sdk.Record // zero where it is not known
	Event  sdk.Event   // its time and its host are filled in
	Err    error       // why it was not done
	// FromClock says that the end of a retention is counted from the clock of this
	// machine.
	FromClock bool
}

// AppendGroup appends the events of a group, all of one action, in one
// transaction and records that with one sync. An act that the archive refuses has
// Err and does not keep the others from being done. The error is about the call:
// no more groups can follow.
func (j *Journal) AppendGroup(ctx context.Context, group []*Act) error {
	begun := time.Now()
	todo := slices.Clone(group)
	for len(todo) > 0 {
		err := j.appendActs(ctx, todo, begun)
		if err == nil {
			return j.NotDone(group, nil)
		}
		rest := blame(todo, err)
		if len(rest) == len(todo) || !permanent(ctx, err) {
			setErr(rest, err)
			if output.CodeOf(err) == output.ExitEvidence {
				return err
			}
			return j.NotDone(group, err)
		}
		todo = rest
	}
	return j.NotDone(group, nil)
}

func setErr(acts []*Act, err error) {
	for _, a := range acts {
		a.Err = err
	}
}

// appendActs appends acts, all of them or none.
func (j *Journal) appendActs(ctx context.Context, acts []*Act, begun time.Time) error {
	action := evidence.Action(acts[0].Event.Action)
	records := make([]*evidence.Record, len(acts))
	events := make([]sdk.Event, len(acts))
	describe := make([]func(*evidence.Record), len(acts))
	for i, a := range acts {
		a.Event.At, a.Event.Host = sdk.Time(time.Now()), j.options.Host
		records[i] = j.record(action, evidence.Success)
		records[i].ID = a.Event.ID
		records[i].EventAt = a.Event.At
		a.describe(records[i])
		events[i], describe[i] = a.Event, a.describe
	}
	intent, err := j.act(ctx, action, records, func(ctx context.Context, backend sdk.Backend) error {
		if acts[0].FromClock {
			if err := j.checkClock(ctx, backend); err != nil {
				return err
			}
		}
		return backend.Append(ctx, events)
	}, describe...)
	if err != nil {
		j.abandon(intent, err)
		return err
	}
	if action == evidence.Hold || action == evidence.Release {
		j.readEvents(ctx, records)
	}
	for _, e := range records {
		e.Time, e.Duration = time.Now(), output.Millis(time.Since(begun))
	}
	if err := j.finish(intent, records...); err != nil {
		return output.Errorf(output.Evidence, "changed (%s), not recorded: %s, among them %s: %w", action, output.Count(len(acts), "record"), acts[0].Record.Tombstone, err).
			WithHint("the archive has it; the next command that can write evidence records it")
	}
	return nil
}

// describe fills in what a record of evidence says of an act.
func (a *Act) describe(e *evidence.Record) {
	describeRecord(e, a.Name, a.Record)
	e.Case, e.Until, e.Note = a.Event.Case, a.Event.RetainUntil, a.Event.Detail["note"]
}

// describeRecord fills in what record an act is about.
func describeRecord(e *evidence.Record, name string, r *sdk.Record) {
	if e.Tombstone = name; r.Tombstone.IsZero() {
		return
	}
	e.Tombstone, e.Repo, e.Path = r.Tombstone.String(), r.Repo, r.Path
	e.SHA256, e.Size = r.Content.SHA256.String(), r.Content.Size
}

// blame sets err for those acts that it names, and returns the others.
func blame(acts []*Act, err error) (rest []*Act) {
	e := sdk.AsError(err)
	for _, a := range acts {
		if !slices.Contains(e.Tombstones, a.Event.Tombstone) {
			rest = append(rest, a)
			continue
		}
		own := *e
		own.Tombstones = []sdk.Tombstone{a.Event.Tombstone}
		a.Err = &own
	}
	return rest
}

// NotDone records, with one sync, those acts of a group that were not done, and
// returns err.
func (j *Journal) NotDone(group []*Act, err error) error {
	var records []*evidence.Record
	for _, a := range group {
		if a.Err != nil {
			records = append(records, j.failure(evidence.Action(a.Event.Action), a.Err, a.describe))
		}
	}
	append := j.file.Append(records...)
	switch {
	case append == nil:
		return err
	case err == nil:
		return evidenceError(append).WithHint(writable)
	}
	return notRecorded(err, append)
}
