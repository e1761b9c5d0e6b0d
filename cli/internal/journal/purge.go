package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Drifted is the verdict on a record that is no longer as a plan says.
const Drifted = "drifted"

// Purging is a record whose purge is asked for.
type Purging struct {
	Name    string      // of the record as it was asked for
	Record  *sdk.Record // zero where it is not known
	Event   sdk.ID      // of the purge
	Verdict sdk.Verdict
	Err     error // why it was not purged
}

// PurgeOrder is what the evidence of a purge says besides the records.
type PurgeOrder struct {
	Plan        string // digest of the plan that is applied, "" for none
	Certificate string // file of the certificate, "" for none
}

// Judge returns the verdicts on records, and changes nothing.
func Judge(ctx context.Context, backend sdk.Backend, actor string, group []*Purging) error {
	return callPurge(ctx, backend, sdk.Purge{Actor: actor, DryRun: true}, group)
}

// callPurge calls Purge, and notes the verdict on each record.
func callPurge(ctx context.Context, backend sdk.Backend, p sdk.Purge, group []*Purging) error {
	p.At, p.Items = sdk.Time(time.Now()), make([]sdk.PurgeItem, len(group))
	for i, item := range group {
		p.Items[i] = sdk.PurgeItem{Tombstone: item.Record.Tombstone, Event: item.Event}
	}
	verdicts, err := backend.Purge(ctx, p)
	if err != nil {
		return err
	}
	if len(verdicts) != len(group) {
		return sdk.Errorf(sdk.Internal, "the backend judged %d of %d", len(verdicts), len(group))
	}
	for i, item := range group {
		if verdicts[i].Tombstone != item.Record.Tombstone {
			return sdk.Errorf(sdk.Internal, "the backend judged another record than was asked for")
		}
		item.Verdict = verdicts[i]
		item.Err = refusal(item)
	}
	return nil
}

// refusal is the error of a verdict that leaves content where it is.
func refusal(item *Purging) error {
	hint := ""
	switch item.Verdict.Outcome {
	case sdk.OutcomePurged, sdk.OutcomeRepeated, sdk.OutcomeAlready:
		return nil
	case sdk.OutcomeUnknown:
		return find.NotFound(item.Name)
	case sdk.OutcomeHeld:
		hint = "codex archive show " + item.Name + " shows who placed it; codex archive release ends it"
	case sdk.OutcomeRetained:
		hint = "a retention ends by itself and is never shortened; codex archive show " + item.Name + " shows it"
	case sdk.OutcomeNotRequested:
		hint = "another person asks first: codex archive prune-request " + item.Name + " --by WHO"
	case sdk.OutcomeSameActor:
		hint = "another person runs codex archive purge"
	}
	err := output.Errorf(output.KindOf(sdk.Refused), "%s: %s", item.Verdict.Outcome, item.Verdict.Why)
	if hint == "" {
		return err
	}
	return err.WithHint("%s", hint)
}

// PurgeGroup purges a group in one transaction and records that with one sync,
// refusals included. Then it looks up that the content is gone. A record that may
// not be purged has Err and does not keep others from it. The error is about the
// call: no more groups can follow.
func (j *Journal) PurgeGroup(ctx context.Context, o PurgeOrder, group []*Purging) error {
	begun := time.Now()
	records := make([]*evidence.Record, len(group))
	describe := make([]func(*evidence.Record), len(group))
	for i, item := range group {
		describe[i] = func(e *evidence.Record) { item.describe(e, o) }
		records[i] = j.record(evidence.Purge, evidence.Success)
		records[i].ID = item.Event
		describe[i](records[i])
	}
	intent, err := j.act(ctx, evidence.Purge, records, func(ctx context.Context, backend sdk.Backend) error {
		return callPurge(ctx, backend, sdk.Purge{Actor: j.options.Actor, Host: j.options.Host}, group)
	}, describe...)
	if err != nil {
		j.abandon(intent, err)
		return j.purgeFailed(o, group, err)
	}
	gone := j.confirmPurged(ctx, group)
	j.readEvents(ctx, records)
	var outcomes []*evidence.Record
	for i, item := range group {
		if e := j.outcome(records[i], item, o); e != nil {
			e.Time, e.Duration = time.Now(), output.Millis(time.Since(begun))
			outcomes = append(outcomes, e)
		}
	}
	if err := j.finish(intent, outcomes...); err != nil {
		err = output.Errorf(output.Evidence, "purged, not recorded: %s, among them %s: %w", output.Count(len(group), "record"), group[0].Name, err).
			WithHint("the next command that can write evidence records it")
		failRest(group, err)
		return err
	}
	if gone != nil {
		return j.purgeFailed(o, group, gone)
	}
	return nil
}

// failRest sets err for those records that have none, and returns them.
func failRest(group []*Purging, err error) (rest []*Purging) {
	for _, item := range group {
		if item.Err == nil {
			item.Err = err
			rest = append(rest, item)
		}
	}
	return rest
}

// outcome is the record of what became of a purge, nil where nothing was left to
// do. success is that of a purge that was done.
func (j *Journal) outcome(success *evidence.Record, item *Purging, o PurgeOrder) *evidence.Record {
	switch item.Verdict.Outcome {
	case sdk.OutcomePurged, sdk.OutcomeRepeated:
		item.describe(success, o)
		return success
	case sdk.OutcomeAlready:
		return nil
	}
	return j.failure(evidence.PurgeRefused, item.Err, func(e *evidence.Record) { item.describe(e, o) })
}

// describe fills in what a record of evidence says of a purge.
func (p *Purging) describe(e *evidence.Record, o PurgeOrder) {
	describeRecord(e, p.Name, p.Record)
	e.Verdict, e.Plan = string(p.Verdict.Outcome), o.Plan
	if p.Verdict.Outcome == sdk.OutcomeRetained {
		e.Until = p.Record.RetainUntil
	}
	if e.Action == evidence.Purge {
		e.Certificate = o.Certificate
	}
}

// purgeFailed records that the rest of a group could not be purged, and returns
// err.
func (j *Journal) purgeFailed(o PurgeOrder, group []*Purging, err error) error {
	rest := failRest(group, err)
	if output.CodeOf(err) == output.ExitEvidence {
		return err
	}
	if append := j.recordUnpurged(evidence.Purge, o, rest); append != nil {
		return notRecorded(err, append)
	}
	return err
}

// Refuse records that records were not purged because of their Err.
func (j *Journal) Refuse(o PurgeOrder, group []*Purging) error {
	if err := j.recordUnpurged(evidence.PurgeRefused, o, group); err != nil {
		return evidenceError(err).WithHint(writable)
	}
	return nil
}

func (j *Journal) recordUnpurged(action evidence.Action, o PurgeOrder, group []*Purging) error {
	records := make([]*evidence.Record, len(group))
	for i, item := range group {
		records[i] = j.failure(action, item.Err, func(e *evidence.Record) { item.describe(e, o) })
	}
	return j.file.Append(records...)
}

// confirmPurged asks the archive for the content of what was purged: it must not
// answer with it.
func (j *Journal) confirmPurged(ctx context.Context, group []*Purging) error {
	var ids []sdk.Tombstone
	for _, item := range group {
		if item.Err == nil {
			ids = append(ids, item.Record.Tombstone)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	backend, err := j.backend(ctx)
	if err != nil {
		return unconfirmedPurge(err)
	}
	n := 0
	for found, err := range backend.Get(ctx, ids) {
		switch {
		case err != nil:
			return unconfirmedPurge(err)
		case n == len(ids) || found.Record.Tombstone != ids[n]:
			return sdk.Errorf(sdk.Internal, "the backend answered with another record than was asked for")
		case sdk.KindOf(found.Err) != sdk.Purged:
			return fmt.Errorf("%s was purged, and the archive still answers for it (%v)", ids[n], found.Err)
		}
		n++
	}
	if n < len(ids) {
		return sdk.Errorf(sdk.Internal, "the backend answered for %d of %d", n, len(ids))
	}
	return nil
}

func unconfirmedPurge(err error) error {
	return output.Errorf(output.FailureOf(err).Kind, "the purge is committed, but that the content is gone could not be looked up: %w", err).
		WithHint("the same command again looks it up")
}
