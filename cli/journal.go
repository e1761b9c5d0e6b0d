package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/sdk"
)

// journal is the evidence of one command: no record, no action.
type journal struct {
	*session
	file  *evidence.Log
	actor string

	budget *retry.Budget   // of the repeats of all calls together; nil: no limit
	stop   <-chan struct{} // once closed, nothing waits for a repeat; nil: never

	repairOnce sync.Once
	deniedOnce sync.Once
}

// openEvidence proves that evidence can be written, before the archive is
// touched. Every command that changes or hands out anything begins with it.
func (s *session) openEvidence(actor string) (*journal, error) {
	log, err := evidence.Open(s.config.Evidence.Dir)
	if err != nil {
		return nil, evidenceError(err, "nothing was done: make the evidence directory writable, or set evidence.dir")
	}
	return &journal{session: s, file: log, actor: actor}, nil
}

// newID draws a random UUID.
func newID() sdk.ID { return sdk.ID(uuid.New()) }

// record returns a record of this command, with what every record has.
func (j *journal) record(action evidence.Action, status evidence.Status) *evidence.Record {
	return &evidence.Record{
		ID: newID(), Time: time.Now(), Action: action, Actor: j.actor,
		Backend: j.config.Backend.Type, Duration: j.elapsed(), Status: status,
	}
}

// archived fills in what a record says of a stored file.
func archived(e *evidence.Record, r sdk.Record) {
	e.Tombstone, e.Repo, e.Path, e.Commit, e.Reason = r.Tombstone.String(), r.Repo, r.Path, r.Commit, r.Reason
	e.SHA256, e.Size = r.Content.SHA256.String(), r.Content.Size
	e.CompressedSize, e.Codec = max(r.Content.StoredSize, 0), string(r.Content.Codec)
}

// fail records that the command failed and returns err, or an error of exit
// code 8 where it couldn't be recorded.
func (j *journal) fail(action evidence.Action, err error, describe func(*evidence.Record)) error {
	status := evidence.Failed
	if sdk.KindOf(err) == sdk.Refused {
		status = evidence.Refused
	}
	e := j.record(action, status)
	describe(e)
	e.Error, e.URL = err.Error(), j.redactedURL()
	if append := j.file.Append(e); append != nil {
		return evidenceError(fmt.Errorf("%w; and that is not recorded: %w", err, append), "make the directory that evidence.dir names writable")
	}
	return err
}

// try calls do with the opened archive, again and again as retry.* allows, and
// leaves a line of evidence for each repeat.
func (j *journal) try(ctx context.Context, action evidence.Action, describe func(*evidence.Record), do func(context.Context, sdk.Backend) error) (attempts int, err error) {
	return j.tryTogether(ctx, action, []func(*evidence.Record){describe}, do)
}

// tryTogether is try for a call about several things, of which each has its
// line of evidence.
func (j *journal) tryTogether(ctx context.Context, action evidence.Action, describe []func(*evidence.Record), do func(context.Context, sdk.Backend) error) (attempts int, err error) {
	attempt := func(ctx context.Context) error {
		backend, err := j.backend(ctx)
		if err != nil {
			return err
		}
		j.repairOnce.Do(func() { j.repair(ctx, backend) })
		return do(ctx, backend)
	}
	return retry.Do(ctx, j.patience(), attempt, passing, func(f retry.Failure) error {
		j.warnRepeat(f)
		records := make([]*evidence.Record, len(describe))
		for i, describe := range describe {
			e := j.record(action, evidence.Retrying)
			describe(e)
			e.Attempt, e.Reason = f.Attempt, f.Err.Error()
			records[i] = e
		}
		if err := j.file.Append(records...); err != nil {
			return evidenceError(err, "the repeats were given up, because they can't be recorded")
		}
		return nil
	})
}

// patience is the policy of the calls of this command.
func (j *journal) patience() retry.Policy {
	p := j.policy()
	p.Budget, p.Stop = j.budget, j.stop
	return p
}

// policy is retry.* of the configuration.
func (s *session) policy() retry.Policy {
	r := s.config.Retry
	p := retry.Policy{Initial: r.InitialDelay, Max: r.MaxDelay, Factor: r.BackoffFactor, Jitter: r.Jitter}
	if r.Enabled {
		p.Attempts = r.MaxAttempts
	}
	return p
}

// passing reports whether err is worth another attempt: the backend decides.
func passing(err error) bool {
	var e *sdk.Error
	return errors.As(err, &e) && e.Retry
}

// note writes beside the log which events are about to be written to the
// archive, so that the next command can record them if this one dies in between.
func (j *journal) note(e ...*evidence.Record) (*evidence.PendingIntent, error) {
	p, err := j.file.Begin(evidence.Intent{Backend: j.config.Backend.Type, Place: j.archiveKey(), Records: e})
	if err != nil {
		return nil, evidenceError(err, "nothing was done")
	}
	return p, nil
}

// done records what the archive now holds and lets the note go. An error means
// that the archive has it and the evidence does not; the note stays, so that the
// next command can mend that.
func (j *journal) done(p *evidence.PendingIntent, e ...*evidence.Record) error {
	if err := j.file.Append(e...); err != nil {
		return err
	}
	if err := p.Done(); err != nil {
		j.log.Warn(err.Error())
	}
	return nil
}

// abandon lets a note go after a call that failed. Where the call may have been
// committed all the same the note stays, and the next command finds out.
func (j *journal) abandon(p *evidence.PendingIntent, err error) {
	var e *sdk.Error
	if errors.As(err, &e) && e.Effect != sdk.EffectNone {
		return
	}
	if err := p.Done(); err != nil {
		j.log.Warn(err.Error())
	}
}

// repair records what commands that died, or never heard what became of their
// call, had committed and not recorded. What
// can't be settled now is left for a later command, with a warning.
func (j *journal) repair(ctx context.Context, backend sdk.Backend) {
	stale, err := j.file.StaleIntents()
	if err != nil {
		j.log.Warn(err.Error())
	}
	for _, o := range stale {
		// The identity of the archive is not asked for here: the ids of events are
		// unique, so an archive that has them is the one.
		match := o.Intent.About(sdk.ID{}, j.archiveKey())
		if match == evidence.Other || o.Intent.Backend != j.config.Backend.Type {
			j.log.Warn("An earlier command may have changed another archive ("+o.Intent.Backend+") without recording it; the next command that uses that archive will find out", "intent", o.Intent.Op.String())
			o.Release()
			continue
		}
		if err := j.repairOne(ctx, backend, o, match); err != nil {
			j.log.Warn("An earlier command may have changed the archive without recording it, and that could not be found out now: "+err.Error()+"; the next command tries again", "intent", o.Intent.Op.String())
		}
	}
}

func (j *journal) repairOne(ctx context.Context, backend sdk.Backend, o *evidence.StaleIntent, match evidence.Match) error {
	committed := map[sdk.ID]bool{}
	for ids := range slices.Chunk(o.Events(), sdk.MaxItems) {
		for entry, err := range backend.List(ctx, sdk.Query{Events: ids, WithEvents: true}) {
			if err != nil {
				return errors.Join(err, o.Release())
			}
			for _, event := range entry.Events {
				committed[event.ID] = true
			}
		}
	}
	err := o.Resolve(func(id sdk.ID) bool { return committed[id] }, match)
	switch {
	case err != nil:
		return err
	case len(committed) > 0:
		j.log.Info("Recorded what an earlier command had done and could not record", "intent", o.Intent.Op.String())
	case match == evidence.Unknown:
		j.log.Warn("An earlier command may have changed another archive ("+o.Intent.Backend+") without recording it; the next command that uses that archive will find out", "intent", o.Intent.Op.String())
	}
	return nil
}
