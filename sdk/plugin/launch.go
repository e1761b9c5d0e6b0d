package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
)

// Command says how to start a backend program.
type Command struct {
	Path string   // of the program
	Args []string // after the program's name; never a secret
	// Env is the whole environment of the program, as "NAME=value"; what the
	// handshake needs is added to it.
	Env []string
	// Logger receives the program's log; nil drops it. Its level is passed on
	// to the program. What go-plugin itself says arrives at Trace.
	Logger hclog.Logger
	// StartTimeout is how long the program may take to answer; 0 is 30 s.
	StartTimeout time.Duration
	// SocketDir is where the private directory for the socket is made; empty
	// chooses a short place. A socket's path has at most 103 bytes.
	SocketDir string
	// SHA256 is that of the only program that may run at Path; nil: any may.
	// Another is refused with a [SumError] before it runs.
	SHA256 *sdk.Digest
	// Stdout and Stderr, where not nil, receive a copy of what the program
	// prints, the line of the handshake aside. Nothing is taken out of it: it
	// may hold secrets. Both are written to from several goroutines. For tests.
	Stdout, Stderr io.Writer
	// Waiting, where not nil, is called when the host has waited for the program
	// for 5 seconds: "start", or the name of a call. It is called from other
	// goroutines, and may be called often.
	Waiting func(op string)
	// DialOptions are added to those of the connection: for tests that look at
	// messages, or change them.
	DialOptions []grpc.DialOption
	// Protocols are the versions of the protocol that the host speaks, instead of
	// [sdk.ProtocolVersion]. All are served as version 1 is: for tests.
	Protocols []int
}

// defaultStart is the StartTimeout where none is given.
const defaultStart = 30 * time.Second

// Launch starts a backend program and connects to it. It asks it nothing yet;
// see [Process.Open]. Errors are of kind [sdk.NotStarted], one line that names
// the program and says what to do, or of the kind of ctx's end. The program
// ends with this process, however that ends.
func Launch(ctx context.Context, c Command) (*Process, error) {
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.StartTimeout <= 0 {
		c.StartTimeout = defaultStart
	}
	if c.Waiting != nil {
		defer waits{c.Waiting}.begin("start")()
	}
	started, cancel := context.WithTimeout(ctx, c.StartTimeout)
	defer cancel()
	checked, err := c.load(started)
	if ctx.Err() != nil {
		return nil, contextError("start "+c.Path, ctx.Err(), sdk.EffectNone)
	}
	if err != nil {
		return nil, notStarted(c.Path, c.explainStart(err))
	}
	defer checked.close() // by then it runs, or never will
	sockets, err := newSocketDir(c.SocketDir)
	if err != nil {
		return nil, notStarted(c.Path, err)
	}
	p := &Process{name: filepath.Base(c.Path), protocols: newProtocols(c.Protocols), sockets: sockets, secrets: &secrets{}, observed: len(c.DialOptions) > 0}
	lines := &loglines{log: c.Logger, secrets: p.secrets}
	p.child = newChild(&c, lines, sockets.remove)
	if checked.copy != nil {
		p.child.cmd.Path = checked.path
	}
	p.conn = newConn(p.dialChild, func(other peer) error { return inGroup(other, p.child.pid()) })

	if err := p.start(started, &c); err != nil {
		return nil, p.abandon(ctx, &c, err)
	}
	return p, nil
}

// start has go-plugin start the program and waits for the connection, until ctx
// ends. go-plugin's start cannot be cancelled, but it ends with the program.
func (p *Process) start(ctx context.Context, c *Command) error {
	client := goplugin.NewClient(p.clientConfig(c))
	channels := make(chan *grpc.ClientConn, 1)
	failed := make(chan error, 1)
	go func() {
		channel, err := connectTo(client)
		if err != nil {
			failed <- err
			return
		}
		channels <- channel
	}()
	select {
	case p.channel = <-channels:
	case err := <-failed:
		return err
	case <-ctx.Done():
		go closeLate(channels, failed)
		return ctx.Err()
	}
	p.stub = archivepb.NewArchiveClient(p.channel)
	p.protocol = p.child.greeting.protocol
	go func() {
		<-p.child.exited
		client.Kill() // the program is gone; this frees what go-plugin holds
	}()
	return p.conn.ready(ctx, p.channel)
}

// closeLate closes a connection that comes after its start was given up.
func closeLate(channels <-chan *grpc.ClientConn, failed <-chan error) {
	select {
	case channel := <-channels:
		_ = channel.Close() // the program is given up
	case err := <-failed:
		_ = err // the start was given up
	}
}

// connectTo starts client's program and returns the connection to it.
func connectTo(client *goplugin.Client) (*grpc.ClientConn, error) {
	protocol, err := client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(serviceName)
	if err != nil {
		return nil, err
	}
	return raw.(*grpc.ClientConn), nil
}

func (p *Process) clientConfig(c *Command) *goplugin.ClientConfig {
	return &goplugin.ClientConfig{
		HandshakeConfig:  cookie,
		VersionedPlugins: p.protocols.plugins(&clientPlugin{}),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			p.child.cmd.Env = append(p.child.cmd.Env, cmd.Env...)
			return p.child, nil
		},
		SkipHostEnv:      true,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: p.sockets.path},
		StartTimeout:     c.StartTimeout + time.Minute, // ours comes first, with better words, also on a busy machine
		Logger:           traceLogger{c.Logger},
		SyncStdout:       p.child.stdoutLog(),
		SyncStderr:       copied(&lineWriter{lines: p.child.lines, stream: "stderr"}, c.Stderr),
		AutoMTLS:         tlsOnly,
		MinPort:          0, // 0 to 1 lets the system choose a port; 0 to 0 counts as unset
		MaxPort:          1,
		GRPCDialOptions:  slices.Concat(p.conn.options(tlsOnly), waits{c.Waiting}.options(), c.DialOptions),
	}
}

// dialChild connects to the address that the program has greeted with.
func (p *Process) dialChild(ctx context.Context) (net.Conn, error) {
	<-p.child.greeted
	var d net.Dialer
	return d.DialContext(ctx, p.child.greeting.network, p.child.greeting.address)
}

// abandon ends a program that did not start, and returns why it did not.
func (p *Process) abandon(ctx context.Context, c *Command, err error) error {
	if greeted, greetErr := p.child.greetedWith(); greeted && errors.Is(greetErr, io.EOF) {
		p.child.await(pipesGrace) // it closed standard output: it may be about to say why on standard error
	}
	exited := p.hasExited()
	p.child.kill()
	p.child.await(leaveTime)
	if p.channel != nil {
		_ = p.channel.Close() // the program has ended
	}
	p.sockets.remove()
	if ctx.Err() != nil {
		return contextError("start "+c.Path, ctx.Err(), sdk.EffectNone)
	}
	return notStarted(c.Path, p.startError(c, err, exited))
}

func (p *Process) hasExited() bool {
	select {
	case <-p.child.exited:
		return true
	default:
		return false
	}
}

// startError returns the best explanation of a failed start. err is what start
// returned; exited says that the program ended by itself.
func (p *Process) startError(c *Command, err error, exited bool) error {
	if p.child.pid() == 0 {
		return c.explainStart(err)
	}
	greeted, greetErr := p.child.greetedWith()
	silent := errors.Is(greetErr, io.EOF)
	if greeted && greetErr != nil && !silent {
		return greetErr
	}
	if exited {
		if words := p.child.lines.lastWords(); words != "" {
			return fmt.Errorf("it ended at once (%s): %s", p.child.ending(), words)
		}
		return fmt.Errorf("it ended at once (%s); run it by hand to see why", p.child.ending())
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v; is it a codex backend? a slow disk or a virus scanner may need a longer start timeout", c.StartTimeout)
	case silent:
		return errNoGreeting
	case p.conn.why() != nil:
		return fmt.Errorf("no connection to it: %w", p.conn.why())
	}
	return fmt.Errorf("no connection to it: %w", err)
}

func notStarted(path string, err error) error {
	return &sdk.Error{Kind: sdk.NotStarted, Op: "start " + path, Msg: err.Error(), Err: err}
}

// Attach connects to a running backend, which go-plugin started or
// with --listen: network is "unix" or "tcp". On a Unix socket the other side must
// belong to this user. Attach waits for a connection until ctx ends. Errors are
// of kind [sdk.Unavailable], or of the kind of ctx's end. options are added to
// those of the connection.
func Attach(ctx context.Context, network, address string, options ...grpc.DialOption) (*Process, error) {
	p := &Process{name: "the backend at " + address, protocols: spoken, secrets: &secrets{}, observed: len(options) > 0}
	p.conn = newConn(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}, sameUser)
	conn, err := grpc.NewClient("passthrough:///backend", append(p.conn.options(false), options...)...)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.Internal, Op: "attach", Msg: err.Error(), Err: err}
	}
	p.channel, p.stub = conn, archivepb.NewArchiveClient(conn)
	if err := p.conn.ready(ctx, conn); err != nil {
		_ = conn.Close() // the connection is given up
		if ctx.Err() != nil {
			return nil, contextError("attach "+address, ctx.Err(), sdk.EffectNone)
		}
		return nil, &sdk.Error{Kind: sdk.Unavailable, Op: "attach " + address, Msg: err.Error(), Retry: true, Err: err}
	}
	return p, nil
}

// clientPlugin is go-plugin's view of what a backend serves, on the host's side:
// it hands out the connection.
type clientPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
}

var _ goplugin.GRPCPlugin = (*clientPlugin)(nil)

// GRPCServer is never called on this side.
func (*clientPlugin) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves nothing")
}

// GRPCClient returns the connection.
func (*clientPlugin) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}
