package plugin

import (
	"context"
	"sync"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc"
)

// client is the host's half of the wire: an [sdk.Backend] whose archive is
// open in another process. Put, Get and List have files of their own.
type client struct {
	process *Process
	stub    archivepb.ArchiveClient
	archive sdk.ID          // its identity; zero where the backend did not say it
	closing context.Context // cancelled by Close: ends the calls that may end
	close   context.CancelFunc

	mu      sync.Mutex
	closed  bool
	commits sync.WaitGroup // calls that may be committed; added to under mu, and not when closed

	closeOnce sync.Once
	closeErr  error
}

var (
	_ sdk.Backend    = (*client)(nil)
	_ sdk.Identified = (*client)(nil)
	_ sdk.Inspector  = (*client)(nil)
)

func newClient(p *Process, archive sdk.ID) *client {
	ctx, cancel := context.WithCancel(context.Background())
	return &client{process: p, stub: p.stub, archive: archive, closing: ctx, close: cancel}
}

// Identity implements [sdk.Identified].
func (r *client) Identity() sdk.ID { return r.archive }

// closedText is what a call says after Close.
const closedText = "the archive is closed"

// call is one call under way.
type call struct {
	client     *client
	ctx        context.Context // ends with the caller's, or by Close until beginCommit
	cancel     context.CancelFunc
	unhook     func() bool
	committing bool
}

// call begins a call; done must be called at its end.
func (r *client) call(ctx context.Context, op string) (*call, error) {
	if r.closing.Err() != nil {
		return nil, &sdk.Error{Kind: sdk.Invalid, Op: op, Msg: closedText}
	}
	if ctx.Err() != nil {
		return nil, contextError(op, ctx.Err(), sdk.EffectNone)
	}
	in, cancel := context.WithCancel(ctx)
	return &call{client: r, ctx: in, cancel: cancel, unhook: context.AfterFunc(r.closing, cancel)}, nil
}

// beginCommit says that the backend may apply the call from now on: Close then waits
// for its answer instead of cutting it off. It reports false when Close came
// first, and the call must not go on.
func (c *call) beginCommit() bool {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if c.client.closed || !c.unhook() {
		return false
	}
	c.committing = true
	c.client.commits.Add(1)
	return true
}

func (c *call) done() {
	c.unhook()
	c.cancel()
	if c.committing {
		c.client.commits.Done()
	}
}

// write begins a call that may be committed as soon as it is sent.
func (r *client) write(ctx context.Context, op string) (*call, error) {
	c, err := r.call(ctx, op)
	if err != nil {
		return nil, err
	}
	if !c.beginCommit() {
		c.done()
		return nil, &sdk.Error{Kind: sdk.Invalid, Op: op, Msg: closedText}
	}
	return c, nil
}

// ask makes a call that changes nothing: it sends a request and reads the reply.
func ask[Request, Reply, Answer any](ctx context.Context, r *client, op string, request Request,
	send func(context.Context, Request, ...grpc.CallOption) (Reply, error), read func(Reply) (Answer, error)) (none Answer, err error) {
	c, err := r.call(ctx, op)
	if err != nil {
		return none, err
	}
	defer c.done()
	reply, err := send(c.ctx, request)
	if err != nil {
		return none, r.process.failed(ctx, op, err, sdk.EffectNone)
	}
	answer, err := read(reply)
	if err != nil {
		return none, badReply(op, err, sdk.EffectNone)
	}
	return answer, nil
}

// Missing implements [sdk.Backend].
func (r *client) Missing(ctx context.Context, contents []sdk.Digest) ([]sdk.Digest, error) {
	request := &archivepb.MissingRequest{Contents: fromDigests(contents)}
	return ask(ctx, r, "missing", request, r.stub.Missing, func(reply *archivepb.MissingReply) ([]sdk.Digest, error) {
		return toDigests(reply.GetContents())
	})
}

// Append implements [sdk.Backend].
func (r *client) Append(ctx context.Context, events []sdk.Event) error {
	const op = "append"
	request := &archivepb.AppendRequest{Events: make([]*archivepb.Event, len(events))}
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return withOp(err, op)
		}
		request.Events[i] = fromEvent(&events[i])
	}
	c, err := r.write(ctx, op)
	if err != nil {
		return err
	}
	defer c.done()
	if _, err = r.stub.Append(c.ctx, request); err != nil {
		return r.process.failed(ctx, op, err, sdk.EffectMaybe)
	}
	return nil
}

// Purge implements [sdk.Backend].
func (r *client) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	const op = "purge"
	if !utf8.ValidString(p.Actor) || !utf8.ValidString(p.Host) {
		return nil, &sdk.Error{Kind: sdk.Invalid, Op: op, Msg: "actor or host is not UTF-8"}
	}
	effect := sdk.EffectMaybe
	if p.DryRun {
		effect = sdk.EffectNone
	}
	c, err := r.write(ctx, op)
	if err != nil {
		return nil, err
	}
	defer c.done()
	reply, err := r.stub.Purge(c.ctx, fromPurge(&p))
	if err != nil {
		return nil, r.process.failed(ctx, op, err, effect)
	}
	verdicts, err := toVerdicts(reply.GetVerdicts(), p.Items)
	if err != nil {
		return nil, badReply(op, err, effect)
	}
	return verdicts, nil
}

// Health implements [sdk.Backend].
func (r *client) Health(ctx context.Context) (sdk.Health, error) {
	return ask(ctx, r, "health", &archivepb.HealthRequest{}, r.stub.Health, toHealth)
}

// Inspect implements [sdk.Inspector]. A backend that does not declare it is not
// asked.
func (r *client) Inspect(ctx context.Context) ([]sdk.Finding, error) {
	const op = "inspect"
	if err := r.process.Description().Require(sdk.Inspection); err != nil {
		return nil, withOp(err, op)
	}
	return ask(ctx, r, op, &archivepb.InspectRequest{}, r.stub.Inspect, func(reply *archivepb.InspectReply) ([]sdk.Finding, error) {
		return toFindings(reply.GetFindings())
	})
}

// Close ends the calls that are under way, waits for those that may have been
// applied, and has the archive closed. It does not end the process: see
// [Process.Close]. That the process is gone already is no error of closing.
func (r *client) Close() error {
	r.closeOnce.Do(func() {
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		r.close()
		limit := drainTime
		if r.process.cut.Load() {
			limit = cutTime
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if _, err := r.stub.Drain(ctx, &archivepb.DrainRequest{}); err != nil && !r.process.isGone() {
			r.closeErr = r.process.failed(ctx, "close", err, sdk.EffectNone)
		}
		r.awaitCommits(ctx)
	})
	return r.closeErr
}

// awaitCommits waits for the answers to calls that may be committed; after Drain
// they are on their way.
func (r *client) awaitCommits(ctx context.Context) {
	all := make(chan struct{})
	go func() { // ends at the latest with the connection
		r.commits.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
	}
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
