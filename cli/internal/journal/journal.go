// Package journal acts on the archive and leaves evidence of each act: no
// record, no action.
package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/logging"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/sdk"
)

// Options is what a journal needs.
type Options struct {
	Dir     string    // of the evidence log
	Actor   string    // who acts
	Backend string    // name of the backend
	URL     string    // of the archive, redacted
	Place   sdk.ID    // replaces the URL in intents, while the identity of the archive is not known
	Host    string    // name of this machine, which events carry
	Started time.Time // of the command
	Retry   retry.Policy
	Log     hclog.Logger
	Metrics bool // durations of steps are logged and recorded
	// Decompression says whether that of decompressing is one of them.
	Decompression bool
	// Open returns the opened archive.
	Open func(context.Context) (sdk.Backend, error)
}

// Journal is the evidence of one command. Its methods may be called from several
// goroutines.
type Journal struct {
	options Options
	file    *evidence.Log

	openedOnce sync.Once
	deniedOnce sync.Once

	clockMu      sync.Mutex
	clockChecked bool // see checkClock

	mu     sync.Mutex
	stored []int64 // numbers of the lines about what was stored: see Receipts
}

// Open proves that evidence can be written, before the archive is touched. Every
// command that changes or hands out anything begins with it.
func Open(o Options) (*Journal, error) {
	log, err := evidence.Open(o.Dir)
	if err != nil {
		return nil, evidenceError(err).WithHint("nothing was done: evidence.dir names a directory that has to be writable, with room, and with a log of this program or none")
	}
	return &Journal{options: o, file: log}, nil
}

func evidenceError(err error) *output.Failure { return output.Errorf(output.Evidence, "%w", err) }

// writable is the hint about a log that cannot be written.
const writable = "make room in the directory that evidence.dir names, or make it writable"

// write appends records to the log. hint says what follows where it cannot.
func (j *Journal) write(hint string, records ...*evidence.Record) error {
	if err := j.file.Append(records...); err != nil {
		return evidenceError(err).WithHint("%s", hint)
	}
	return nil
}

// record returns a record with what every record of this command has.
func (j *Journal) record(action evidence.Action, status evidence.Status) *evidence.Record {
	return &evidence.Record{
		ID: sdk.NewEventID(), Time: time.Now(), Action: action, Actor: j.options.Actor,
		Backend: j.options.Backend, Duration: output.Millis(time.Since(j.options.Started)), Status: status, Host: j.options.Host,
	}
}

// fail records that an act failed and returns err, or an evidence error if it
// could not be recorded.
func (j *Journal) fail(action evidence.Action, err error, describe func(*evidence.Record)) error {
	if append := j.file.Append(j.failure(action, err, describe)); append != nil {
		return notRecorded(err, append)
	}
	return err
}

// failure returns the record of an act that failed.
func (j *Journal) failure(action evidence.Action, err error, describe func(*evidence.Record)) *evidence.Record {
	e := j.record(action, statusOf(err))
	describe(e)
	e.Error, e.URL = output.Words(err), j.options.URL
	return e
}

// ended returns the record of the end of a run over many records, which err ended
// if it is not nil.
func (j *Journal) ended(action evidence.Action, err error) *evidence.Record {
	if err != nil {
		return j.failure(action, err, func(*evidence.Record) {})
	}
	return j.record(action, evidence.Success)
}

func notRecorded(err, append error) error {
	return output.Errorf(output.Evidence, "%w; and that is not recorded: %w", err, append).
		WithHint(writable)
}

// try calls do with the opened archive, and again as retry.* allows. For each
// repeat it appends a line of evidence about each thing that the call is about.
func (j *Journal) try(ctx context.Context, action evidence.Action, do func(context.Context, sdk.Backend) error, describe ...func(*evidence.Record)) (attempts int, err error) {
	attempt := func(ctx context.Context) error {
		backend, err := j.backend(ctx)
		if err != nil {
			return err
		}
		return do(ctx, backend)
	}
	return retry.Do(ctx, j.options.Retry, attempt, func(f retry.Failure) error {
		records := make([]*evidence.Record, len(describe))
		for i, describe := range describe {
			e := j.record(action, evidence.Retrying)
			describe(e)
			e.Attempt, e.Reason = f.Attempt, f.Err.Error()
			records[i] = e
		}
		j.warnRetry(f, records)
		return j.write("the call was not repeated, because the repeat cannot be recorded", records...)
	})
}

// backend returns the opened archive. The first time it names the archive in the
// intents, and settles those of earlier commands.
func (j *Journal) backend(ctx context.Context) (sdk.Backend, error) {
	backend, err := j.options.Open(ctx)
	if err != nil {
		return nil, err
	}
	j.openedOnce.Do(func() {
		identity := sdk.IdentityOf(backend)
		if err := j.file.Identify(identity); err != nil {
			j.options.Log.Warn(err.Error())
		}
		j.repair(ctx, backend, identity)
	})
	return backend, nil
}

// warnRetry says that a call is repeated, and what it is about.
func (j *Journal) warnRetry(f retry.Failure, records []*evidence.Record) {
	var pairs []any
	if len(records) == 1 {
		pairs = []any{"tombstone", records[0].Tombstone}
	}
	j.options.Log.Warn(fmt.Sprintf("Attempt %d failed, next in %s: %v", f.Attempt, output.Millis(f.Wait), f.Err), pairs...)
}

// begin writes an intent beside the log: which events are about to be written to
// the archive. If this command is killed before it records them, the next one
// does.
func (j *Journal) begin(records ...*evidence.Record) (*evidence.PendingIntent, error) {
	p, err := j.file.Begin(evidence.Intent{Backend: j.options.Backend, Place: j.options.Place, Records: records})
	if err != nil {
		return nil, evidenceError(err).WithHint("nothing was done")
	}
	return p, nil
}

// act is try for a call that changes the archive. It writes an intent before the
// first call, when the archive is open: a command that does not get that far
// leaves nothing behind. The intent is nil where there was no call.
func (j *Journal) act(ctx context.Context, action evidence.Action, records []*evidence.Record, do func(context.Context, sdk.Backend) error, describe ...func(*evidence.Record)) (intent *evidence.PendingIntent, err error) {
	_, err = j.try(ctx, action, func(ctx context.Context, backend sdk.Backend) error {
		if intent == nil {
			if intent, err = j.begin(records...); err != nil {
				return err
			}
		}
		return do(ctx, backend)
	}, describe...)
	return intent, err
}

// finish records what the archive now holds and removes the intent. An error
// means that the archive has it and the log does not. The intent stays then, and
// the next command records it.
func (j *Journal) finish(p *evidence.PendingIntent, records ...*evidence.Record) error {
	if err := j.file.Append(records...); err != nil {
		j.leave(p)
		return err
	}
	j.forget(p)
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range records {
		if r.Action == evidence.Archive {
			j.stored = append(j.stored, r.Seq)
		}
	}
	return nil
}

// abandon removes an intent after a call that failed. If the call may have been
// committed all the same, the intent stays, and the next command finds out.
func (j *Journal) abandon(p *evidence.PendingIntent, err error) {
	var e *sdk.Error
	if p == nil {
		return
	}
	if errors.As(err, &e) && e.Effect != sdk.EffectNone {
		j.leave(p)
		return
	}
	j.forget(p)
}

func (j *Journal) leave(p *evidence.PendingIntent) {
	if err := p.Release(); err != nil {
		j.options.Log.Warn(err.Error())
	}
}

func (j *Journal) forget(p *evidence.PendingIntent) {
	if err := p.Done(); err != nil {
		j.options.Log.Warn(err.Error())
	}
}

// completed logs that an act is done. Lines of JSON carry the facts as pairs.
func (j *Journal) completed(level hclog.Level, message string, e *evidence.Record) {
	j.options.Log.Log(level, message, logging.OnlyJSON("action", string(e.Action), "actor", e.Actor,
		"tombstone", e.Tombstone, "duration_ms", time.Duration(e.Duration), "backend", e.Backend)...)
}

// repair records what earlier commands committed and did not record. What cannot
// be settled now is left for a later command, with a warning.
func (j *Journal) repair(ctx context.Context, backend sdk.Backend, identity sdk.ID) {
	stale, err := j.file.StaleIntents()
	if err != nil {
		j.options.Log.Warn(err.Error())
	}
	for _, intent := range stale {
		j.settle(ctx, backend, identity, intent)
	}
}

// settle finds out what became of one intent. The identity says whether it is
// about this archive, wherever the archive is now. Where an intent has none the
// events tell: their ids are unique.
func (j *Journal) settle(ctx context.Context, backend sdk.Backend, identity sdk.ID, intent *evidence.StaleIntent) {
	log, op := j.options.Log, intent.Intent.Op.String()
	elsewhere := "An earlier command may have changed another archive (" + intent.Intent.Backend + ") without recording it. The next command that uses that archive will record it"
	match := intent.Intent.About(identity, j.options.Place)
	if match == evidence.Other || intent.Intent.Backend != j.options.Backend {
		log.Warn(elsewhere, "intent", op)
		if err := intent.Release(); err != nil {
			log.Warn(err.Error())
		}
		return
	}
	known, err := j.resolve(ctx, backend, intent, match)
	switch {
	case err != nil:
		log.Warn("An earlier command may have changed the archive without recording it, and that could not be settled now: "+err.Error()+". The next command tries again", "intent", op)
	case known > 0:
		log.Info("Recorded what an earlier command had done and not recorded", "intent", op)
	case match == evidence.Unknown:
		log.Warn(elsewhere, "intent", op)
	}
}

// resolve asks the archive which events of an intent it has, records those, and
// returns how many they are.
func (j *Journal) resolve(ctx context.Context, backend sdk.Backend, intent *evidence.StaleIntent, match evidence.Match) (int, error) {
	known := map[sdk.ID]bool{}
	for ids := range slices.Chunk(intent.Events(), sdk.MaxItems) {
		for entry, err := range find.Events(ctx, backend, sdk.Query{Events: ids, WithEvents: true}) {
			if err != nil {
				return 0, errors.Join(err, intent.Release())
			}
			for _, event := range entry.Events {
				known[event.ID] = true
			}
		}
	}
	return len(known), intent.Resolve(func(id sdk.ID) bool { return known[id] }, match)
}
