package plugin

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"google.golang.org/grpc"
)

// Deadlines of the end of a process.
const (
	drainTime = 30 * time.Second // for a backend to finish or roll back and close its database
	cutTime   = 2 * time.Second  // the same, after the context of a call has ended before its answer
	leaveTime = 2 * time.Second  // to exit after its lifeline was cut, then it is killed
	exitTime  = 5 * time.Second  // to exit after it closed the connection, while a call waits to say why
)

// maxCapabilities bounds how many capabilities of a backend count, and how many
// schemes and versions.
const maxCapabilities = 100

// Description is what a backend says of itself without a database.
type Description struct {
	Name      string   // the NAME of codex-archive-NAME
	Version   string   // of the program, for people
	Protocol  int      // version of the protocol that is spoken with it
	Protocols []int    // all versions that it speaks, in ascending order
	Schemes   []string // of the URLs it takes, without "://"
	MaxItems  int      // items of one call
	ChunkSize int      // bytes of one chunk
	// Capabilities are its optional abilities, by name, those included that this
	// host does not know.
	Capabilities []sdk.Capability
}

// Require returns nil where the backend has c, else an error of kind
// [sdk.Unsupported] that says which backend lacks what.
func (d Description) Require(c sdk.Capability) error {
	if slices.Contains(d.Capabilities, c) {
		return nil
	}
	return sdk.Errorf(sdk.Unsupported, "the backend %s %s does not have the capability %q; a newer version of it may", d.Name, d.Version, c)
}

// Process is a running backend: one that [Launch] started, or one that
// [Attach] found. Its methods may be called from several goroutines.
type Process struct {
	name      string    // for messages
	protocols protocols // that the host speaks
	protocol  int       // that both speak; 0 before a process that was attached has been asked
	child     *child    // nil when attached
	sockets   *socketDir
	conn      *conn
	channel   *grpc.ClientConn // over conn
	stub      archivepb.ArchiveClient
	secrets   *secrets
	// observed says that options of the caller may hold messages after Send.
	observed bool

	description atomic.Pointer[Description]
	cut         atomic.Bool // the context of a call has ended before its answer

	mu      sync.Mutex
	opening bool
	opened  *client

	closeOnce sync.Once
	closeErr  error
}

// Description returns what the backend said of itself: nothing (the zero
// value) before [Process.Open] or [Process.Describe].
func (p *Process) Description() Description {
	if d := p.description.Load(); d != nil {
		return *d
	}
	return Description{}
}

// Describe asks the backend what it is. It needs no database and no Open.
func (p *Process) Describe(ctx context.Context) (Description, error) {
	reply, err := p.stub.Describe(ctx, &archivepb.DescribeRequest{Protocol: uint32(p.protocol)})
	if err != nil {
		return Description{}, p.failed(ctx, "describe", err, sdk.EffectNone)
	}
	return p.learn(reply.GetDescription()), nil
}

func (p *Process) learn(m *archivepb.Description) Description {
	d := Description{
		Name: quote(clean(m.GetName())), Version: quote(clean(m.GetVersion())), Protocol: int(m.GetProtocol()),
		MaxItems: int(m.GetMaxItems()), ChunkSize: int(m.GetChunkSize()),
	}
	for _, scheme := range m.GetSchemes()[:min(len(m.GetSchemes()), maxCapabilities)] {
		d.Schemes = append(d.Schemes, quote(clean(scheme)))
	}
	for _, v := range m.GetProtocols()[:min(len(m.GetProtocols()), maxCapabilities)] {
		d.Protocols = append(d.Protocols, int(v))
	}
	if len(d.Protocols) == 0 {
		d.Protocols = []int{d.Protocol}
	}
	d.Protocols = newProtocols(d.Protocols)
	for _, name := range m.GetCapabilities()[:min(len(m.GetCapabilities()), maxCapabilities)] {
		if c := sdk.Capability(name); c.Valid() {
			d.Capabilities = append(d.Capabilities, c)
		}
	}
	p.description.Store(&d)
	return d
}

// Open opens an archive: once, because a process serves one archive, but again
// after an error. The URL and password of o travel over the connection only.
// Closing the Backend, or the Process, closes the archive.
func (p *Process) Open(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
	p.mu.Lock()
	taken := p.opening || p.opened != nil
	if !taken {
		p.opening = true
	}
	p.mu.Unlock()
	if taken {
		return nil, &sdk.Error{Kind: sdk.Invalid, Op: "open", Msg: "this backend process has opened its archive already"}
	}
	archive, err := p.open(ctx, o)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opening = false
	if err != nil {
		return nil, err
	}
	p.opened = newClient(p, archive)
	return p.opened, nil
}

// open makes the call, and returns the identity of the archive, if the backend
// says it. The lock is not held meanwhile, so that Close can cut it off.
func (p *Process) open(ctx context.Context, o sdk.Options) (archive sdk.ID, err error) {
	p.secrets.learn(o)
	protocol, err := p.agree(ctx)
	if err != nil {
		return archive, err
	}
	reply, err := p.stub.Open(ctx, &archivepb.OpenRequest{
		Url: []byte(o.URL), Password: []byte(o.Password), Dir: []byte(o.Dir),
		Mode: archivepb.Mode(o.Mode), Parallel: uint32(max(o.Parallel, 0)), Protocol: uint32(protocol),
	})
	if err != nil {
		return archive, p.failed(ctx, "open", err, sdk.EffectNone)
	}
	description := p.learn(reply.GetDescription())
	if description.Protocol != protocol {
		return archive, p.noCommonProtocol(description)
	}
	if description.Require(sdk.IdentityAtOpen) != nil {
		return archive, nil // the host asks Health
	}
	var d decoder
	if archive = d.id("archive", reply.GetArchive()); d.err != nil {
		return archive, badReply("open", d.err, sdk.EffectNone)
	}
	return archive, nil
}

// agree returns the version of the protocol that both sides speak. A process that
// was started has said it in the handshake; one that was attached is asked where
// there is a choice.
func (p *Process) agree(ctx context.Context) (int, error) {
	if p.protocol != 0 {
		return p.protocol, nil
	}
	if len(p.protocols) == 1 {
		return p.protocols[0], nil
	}
	d, err := p.Describe(ctx)
	if err != nil {
		return 0, err
	}
	version, ok := p.protocols.common(d.Protocols)
	if !ok {
		return 0, p.noCommonProtocol(d)
	}
	return version, nil
}

func (p *Process) noCommonProtocol(d Description) error {
	return &sdk.Error{Kind: sdk.NotStarted, Op: "open " + p.name, Msg: noCommonProtocol(d.Protocols, p.protocols).Error()}
}

// Exited is closed when the process is gone and its log has been read, or, for
// an attached one, when the connection is.
func (p *Process) Exited() <-chan struct{} {
	if p.child == nil {
		return p.conn.lost
	}
	return p.child.exited
}

// Ending says how a process that was started has ended: "exit status 3", or the
// signal, and whether this host killed it. It is empty while the process is running,
// and for an attached one.
func (p *Process) Ending() string {
	if p.child == nil || !p.hasExited() {
		return ""
	}
	p.child.mu.Lock()
	defer p.child.mu.Unlock()
	if p.child.killed {
		return p.child.ending() + " by the host"
	}
	return p.child.ending()
}

// Pid returns the process id: of the program that was started (which may be a
// wrapper around the backend), or of the attached one where the system tells.
func (p *Process) Pid() int {
	if p.child == nil {
		return p.conn.pid()
	}
	return p.child.pid()
}

// Close closes the archive, if one is open, and ends the process: it has 2
// seconds to exit and is killed then. A backend that does not close the archive
// within 2 seconds after a call was cut off by its context is killed at once.
// Close does not wait for that when the archive was closed properly, because
// nothing can be lost any more. It returns the error of closing the archive.
// Closing twice is harmless.
func (p *Process) Close() error {
	p.closeOnce.Do(func() {
		p.mu.Lock()
		opened := p.opened
		p.mu.Unlock()
		if opened != nil {
			p.closeErr = opened.Close()
		}
		if opened != nil && p.closeErr != nil && p.cut.Load() && p.child != nil {
			p.child.kill() // it hangs, and has had its time
		}
		p.end(opened != nil && p.closeErr == nil && !p.conn.isLost())
	})
	return p.closeErr
}

// Kill ends a process that was started, and all of its group, as a crash
// would, and waits until it is gone. Of an attached process it ends the connection, and
// leaves the process running. Close is still due.
func (p *Process) Kill() {
	if p.child == nil {
		_ = p.channel.Close() // what is under way on it fails, as it should
		return
	}
	p.child.kill()
	<-p.child.exited
}

// CutLifeline closes the standard input of a process that was started, as the
// end of its host does, and nothing else: the process has to notice, and to go.
// Unlike Close it neither asks nor kills. Close is still due.
func (p *Process) CutLifeline() {
	if p.child != nil {
		p.child.cutLifeline()
	}
}

// end closes the connection and ends the process. A process that has answered its
// Drain is known to be alive and will read its lifeline; another is waited for,
// because this host may end before the killing is due.
func (p *Process) end(drained bool) {
	_ = p.channel.Close() // the program ends
	if p.child == nil {
		return
	}
	p.child.stop(leaveTime)
	if !drained {
		p.child.await(2 * leaveTime)
	}
	p.sockets.remove()
}

// failed turns the error of a call into an [sdk.Error]: that of the backend, or
// what became of the connection, the process or ctx. effect is what the call
// may have left behind if the backend did not say.
func (p *Process) failed(ctx context.Context, op string, err error, effect sdk.Effect) error {
	e, detailed := fromStatus(err)
	if !detailed {
		e.Effect = effectOf(err, effect)
	}
	if op == "open" && !detailed && e.Kind == sdk.NotFound {
		e.Kind = sdk.NoArchive
	}
	if ctxErr := ctx.Err(); ctxErr != nil && endsWithContext(e.Kind) {
		p.cut.Store(true)
		return p.unanswered(contextError(op, ctxErr, e.Effect))
	}
	// Canceled, though not by the caller: the process is gone, or ends.
	if (!detailed && e.Kind == sdk.Unavailable || e.Kind == sdk.Canceled) && p.isGone() {
		return p.crash(op, e.Effect)
	}
	e.Msg = p.secrets.scrub(e.Msg)
	if e.Kind == sdk.Canceled {
		p.uncanceled(e)
	}
	if e.Msg == timeOver { // seen by gRPC before ctx
		e = p.unanswered(e)
	}
	if e.Op == "" {
		e.Op = op
	}
	return e
}

// unanswered names the program in an error that says that the time is over.
func (p *Process) unanswered(e *sdk.Error) *sdk.Error {
	if e.Kind == sdk.Timeout {
		e.Msg += ", and " + p.name + " has not answered"
	}
	return e
}

// uncanceled corrects the kind of an error that says Canceled when the caller did
// not cancel: Close did, or the backend for a reason of its own.
func (p *Process) uncanceled(e *sdk.Error) {
	p.mu.Lock()
	opened := p.opened
	p.mu.Unlock()
	if opened != nil && opened.closing.Err() != nil {
		e.Kind, e.Retry, e.Msg = sdk.Invalid, false, closedText
		return
	}
	e.Kind, e.Retry, e.Msg = sdk.Unavailable, true, "the backend ended the call: "+e.Msg
}

// isGone reports whether the other side is gone. The end of a process
// may be known before that of its connection, which go-plugin then closes.
func (p *Process) isGone() bool {
	return p.conn.isLost() || p.child != nil && p.hasExited()
}

// endsWithContext reports whether an error of kind k may just be how the end of
// a context looks from the other side.
func endsWithContext(k sdk.Kind) bool {
	return k == sdk.Canceled || k == sdk.Timeout || k == sdk.Unavailable
}

// timeOver is what the error of a deadline says.
const timeOver = "the time allowed is over"

// contextError is the error of a call whose context has ended with err.
func contextError(op string, err error, effect sdk.Effect) *sdk.Error {
	e := &sdk.Error{Kind: sdk.KindOf(err), Op: op, Msg: "canceled", Effect: effect, Err: err}
	if e.Kind == sdk.Timeout {
		e.Msg = timeOver
	}
	e.Retry = e.Kind.Temporary()
	return e
}

// crash says why the connection is gone. It waits for the process, because the
// end of the connection is seen before its last words.
func (p *Process) crash(op string, effect sdk.Effect) error {
	e := &sdk.Error{Kind: sdk.Crashed, Op: op, Retry: true, Effect: effect}
	if p.child == nil {
		e.Kind, e.Msg = sdk.Unavailable, "the connection to "+p.name+" is gone"
		return e
	}
	timer := time.NewTimer(exitTime)
	defer timer.Stop()
	select {
	case <-p.child.exited:
		e.Msg = p.name + " is gone (" + p.child.ending() + ")"
		if words := p.child.lines.lastWords(); words != "" && p.child.exitErr != nil {
			e.Msg += ": " + words
		}
	case <-timer.C:
		p.child.kill()
		e.Msg = p.name + " closed the connection"
	}
	return e
}
