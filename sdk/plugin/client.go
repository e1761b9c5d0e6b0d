package plugin

import (
	"context"
	"sync"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
)

// remote is the host's half of the wire: an [sdk.Backend] whose archive is
// open in another process. Put, Get and List have files of their own.
type remote struct {
	process *Process
	client  archivepb.ArchiveClient
	ctx     context.Context // cancelled by Close: ends all calls that are under way
	cancel  context.CancelFunc

	closeOnce sync.Once
	closeErr  error
}

var _ sdk.Backend = (*remote)(nil)

func newRemote(p *Process) *remote {
	ctx, cancel := context.WithCancel(context.Background())
	return &remote{process: p, client: p.client, ctx: ctx, cancel: cancel}
}

// call returns the context for one call, which ends with the caller's or with
// Close. done must be called at its end.
func (r *remote) call(ctx context.Context, op string) (in context.Context, done func(), err error) {
	if r.ctx.Err() != nil {
		return nil, nil, &sdk.Error{Kind: sdk.Invalid, Op: op, Msg: "the archive is closed"}
	}
	in, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(r.ctx, cancel)
	return in, func() { stop(); cancel() }, nil
}

// Missing implements [sdk.Backend].
func (r *remote) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	const op = "missing"
	in, done, err := r.call(ctx, op)
	if err != nil {
		return nil, err
	}
	defer done()
	reply, err := r.client.Missing(in, &archivepb.MissingRequest{Contents: fromDigests(contents)})
	if err != nil {
		return nil, r.process.failed(ctx, op, err, sdk.EffectNone)
	}
	missing, err := toDigests(reply.GetContents())
	if err != nil {
		return nil, badReply(op, err, sdk.EffectNone)
	}
	return missing, nil
}

// Append implements [sdk.Backend].
func (r *remote) Append(ctx context.Context, events []sdk.Event) error {
	const op = "append"
	in, done, err := r.call(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	request := &archivepb.AppendRequest{Events: make([]*archivepb.Event, len(events))}
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return withOp(err, op)
		}
		request.Events[i] = fromEvent(&events[i])
	}
	if _, err = r.client.Append(in, request); err != nil {
		return r.process.failed(ctx, op, err, sdk.EffectMaybe)
	}
	return nil
}

// Purge implements [sdk.Backend].
func (r *remote) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	const op = "purge"
	in, done, err := r.call(ctx, op)
	if err != nil {
		return nil, err
	}
	defer done()
	if !utf8.ValidString(p.Actor) {
		return nil, &sdk.Error{Kind: sdk.Invalid, Op: op, Msg: "actor is not UTF-8"}
	}
	effect := sdk.EffectMaybe
	if p.DryRun {
		effect = sdk.EffectNone
	}
	reply, err := r.client.Purge(in, fromPurge(&p))
	if err != nil {
		return nil, r.process.failed(ctx, op, err, effect)
	}
	verdicts := make([]sdk.Verdict, len(reply.GetVerdicts()))
	for i, m := range reply.GetVerdicts() {
		if verdicts[i], err = toVerdict(m); err != nil {
			return nil, badReply(op, err, effect)
		}
	}
	return verdicts, nil
}

// Health implements [sdk.Backend].
func (r *remote) Health(ctx context.Context) (sdk.Health, error) {
	const op = "health"
	in, done, err := r.call(ctx, op)
	if err != nil {
		return sdk.Health{}, err
	}
	defer done()
	reply, err := r.client.Health(in, &archivepb.HealthRequest{})
	if err != nil {
		return sdk.Health{}, r.process.failed(ctx, op, err, sdk.EffectNone)
	}
	health, err := toHealth(reply)
	if err != nil {
		return sdk.Health{}, badReply(op, err, sdk.EffectNone)
	}
	return health, nil
}

// Close ends the calls that are under way and has the archive closed. It does
// not end the process: see [Process.Close]. That the process is gone already is
// no error of closing.
func (r *remote) Close() error {
	r.closeOnce.Do(func() {
		r.cancel()
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if _, err := r.client.Drain(ctx, &archivepb.DrainRequest{}); err != nil && !r.process.link.isLost() {
			r.closeErr = r.process.failed(ctx, "close", err, sdk.EffectNone)
		}
	})
	return r.closeErr
}

// withOp adds the operation to an error made on this side.
func withOp(err error, op string) error {
	e := *sdk.AsError(err)
	if e.Op == "" {
		e.Op = op
	}
	return &e
}

// badReply is the error about a reply that breaks the protocol. After a write
// its effect is not known.
func badReply(op string, err error, effect sdk.Effect) error {
	return &sdk.Error{Kind: sdk.Internal, Op: op, Msg: "a bug in the backend: " + err.Error(), Effect: effect}
}
