package pluginhost

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// Connection is the way to one archive. It starts the program at once and in
// the background, opens the archive when it is first asked for it, and starts
// the program again when it died. A program that runs already it attaches to.
type Connection struct {
	begin   func(context.Context) (*plugin.Process, error) // starts the program, or attaches to it
	options sdk.Options

	turn    chan struct{} // holds one: a lock whose waiting ends with a context; held while the program starts or the archive opens
	launch  chan launched
	process *plugin.Process
	backend sdk.Backend
	dead    []*plugin.Process // died; not closed yet, so that calls on them still find out why they fail
}

// maxDead bounds the dead processes that are kept. The calls of one command, at
// most 32 at a time, have long seen the end of the oldest.
const maxDead = 32

type launched struct {
	process *plugin.Process
	err     error
}

// Start says how to start a program.
type Start struct {
	Program Program
	Root    string      // of the project, whose plugins.lock decides; "" if there is no project
	SHA256  *sdk.Digest // of the only program that may run, whatever the lock says; nil: the lock decides
	Env     []string    // the whole environment of the program
	Logger  hclog.Logger
	Timeout time.Duration   // 0: that of [plugin.Launch]
	Waiting func(op string) // see [plugin.Command]; nil: nothing is said
}

// Command returns what [plugin.Launch] is given. A program that plugins.lock does
// not name is an error.
func (s Start) Command(ctx context.Context) (plugin.Command, error) {
	command := plugin.Command{Path: s.Program.Path, Env: s.Env, Logger: s.Logger, StartTimeout: s.Timeout, Waiting: s.Waiting, SHA256: s.SHA256}
	if s.SHA256 != nil {
		return command, nil
	}
	lock, err := ReadLock(ctx, s.Root)
	if err != nil {
		return command, err
	}
	command.SHA256, err = lock.Sum(s.Program.Name)
	return command, err
}

// Connect starts a program, and returns without waiting for it unless the
// project's lock names its hash: a program with another hash is not run, and is
// an error here. Close must be called. ctx bounds the start, not the connection.
func Connect(ctx context.Context, s Start, options sdk.Options) (*Connection, error) {
	command, err := s.Command(ctx)
	if err != nil {
		return nil, err
	}
	c := newConnection(func(ctx context.Context) (*plugin.Process, error) { return plugin.Launch(ctx, command) }, options)
	c.start(ctx)
	if command.SHA256 != nil {
		if err := c.refused(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func newConnection(begin func(context.Context) (*plugin.Process, error), options sdk.Options) *Connection {
	return &Connection{begin: begin, options: options, turn: make(chan struct{}, 1)}
}

func (c *Connection) start(ctx context.Context) {
	c.launch = make(chan launched, 1)
	go func(out chan<- launched) {
		process, err := c.begin(ctx)
		out <- launched{process, err}
	}(c.launch)
}

// refused waits until the hash of the program was checked, and returns the error
// about one that was not run because it has another. It is called before
// anything else.
func (c *Connection) refused() error {
	l := <-c.launch
	c.launch <- l // it holds one, for Backend
	if err := refusal(l.err); err != l.err {
		return err
	}
	return nil
}

// refusal says of the error about a program with another hash what to do.
func refusal(err error) error {
	var changed *plugin.SumError
	if errors.As(err, &changed) {
		return output.Errorf(output.PluginChanged, "%w", err).WithHint(relock)
	}
	return err
}

// Backend returns the opened archive. After the program died the next call
// starts it once more; errors of a call that was under way then say
// [sdk.Crashed].
func (c *Connection) Backend(ctx context.Context) (sdk.Backend, error) {
	select {
	case c.turn <- struct{}{}:
		defer c.release()
	case <-ctx.Done():
		return nil, sdk.AsError(ctx.Err())
	}
	if c.process != nil && exited(c.process) {
		c.bury()
	}
	if c.backend != nil {
		return c.backend, nil
	}
	if c.process == nil {
		if c.launch == nil {
			c.start(ctx)
		}
		// Launch itself ends with the context it was given or at its time
		// limit, so this wait ends too.
		l := <-c.launch
		c.launch = nil
		if l.err != nil {
			return nil, refusal(l.err)
		}
		c.process = l.process
	}
	backend, err := c.process.Open(ctx, c.options)
	if err != nil {
		// One process serves one Open: another try needs another process.
		c.drop()
		return nil, err
	}
	c.backend = backend
	return backend, nil
}

// Description is what a program says of itself.
type Description = plugin.Description

// Description returns what the running program says of itself. It is the zero
// value before Backend has succeeded.
func (c *Connection) Description() Description {
	c.turn <- struct{}{}
	defer c.release()
	if c.process == nil {
		return Description{}
	}
	return c.process.Description()
}

func (c *Connection) release() { <-c.turn }

// bury puts the process that died aside. Another caller may have been given its
// backend just before: closed, that would answer with "closed" instead of with
// how the process ended.
func (c *Connection) bury() {
	c.dead = append(c.dead, c.process)
	c.process, c.backend = nil, nil
	if len(c.dead) > maxDead {
		_ = c.dead[0].Close() // it is dead
		c.dead = c.dead[1:]
	}
}

// drop ends the process, so that the next Backend starts another.
func (c *Connection) drop() {
	if c.process != nil {
		_ = c.process.Close() // its archive is closed, or was never opened
	}
	c.process, c.backend = nil, nil
}

// killAfter is how long a program may go on after the end of the context that
// Close is given, and how long it may take to answer [Connection.KillHung].
const killAfter = 2 * time.Second

// KillHung kills the program unless ask, whose context lasts 2 seconds, says that
// it answers. The next Backend starts it again; errors of calls that were under
// way say [sdk.Crashed]. Of an attached program only the connection ends, here and
// in Close.
func (c *Connection) KillHung(ctx context.Context, ask func(context.Context, sdk.Backend) bool) {
	c.turn <- struct{}{}
	process, backend := c.process, c.backend
	c.release()
	if backend == nil || exited(process) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, killAfter)
	defer cancel()
	if !ask(ctx, backend) {
		process.Kill()
	}
}

// Close closes the archive and ends the program. When ctx ends meanwhile, or has
// ended before, the program has 2 seconds left and is killed then.
func (c *Connection) Close(ctx context.Context) error {
	c.turn <- struct{}{}
	defer c.release()
	if c.launch != nil {
		if l := <-c.launch; l.err == nil {
			c.process = l.process
		}
		c.launch = nil
	}
	var err error
	if c.backend != nil {
		kill, left := c.process.Kill, killAfter
		if deadline, ok := ctx.Deadline(); ok {
			left = min(killAfter, time.Until(deadline.Add(killAfter)))
		}
		defer context.AfterFunc(ctx, func() { time.AfterFunc(left, kill) })()
		err = c.backend.Close()
	}
	c.drop()
	for _, p := range c.dead {
		_ = p.Close() // it is dead
	}
	c.dead = nil
	return err
}

func exited(p *plugin.Process) bool {
	select {
	case <-p.Exited():
		return true
	default:
		return false
	}
}
