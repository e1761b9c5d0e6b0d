package backends

import (
	"context"
	"sync"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// Connection is the way to one archive. It starts the program at once and in
// the background, opens the archive when it is first asked for it, and starts
// the program again when it died.
type Connection struct {
	command plugin.Command
	options sdk.Options

	mu      sync.Mutex // held while the program starts or the archive opens
	launch  chan launched
	process *plugin.Process
	backend sdk.Backend
}

type launched struct {
	process *plugin.Process
	err     error
}

// Connect starts the program of command and returns without waiting for it.
// Close must be called. ctx bounds the start, not the connection.
func Connect(ctx context.Context, command plugin.Command, options sdk.Options) *Connection {
	c := &Connection{command: command, options: options}
	c.start(ctx)
	return c
}

func (c *Connection) start(ctx context.Context) {
	c.launch = make(chan launched, 1)
	go func(out chan<- launched) {
		process, err := plugin.Launch(ctx, c.command)
		out <- launched{process, err}
	}(c.launch)
}

// Backend returns the opened archive. After the program died the next call
// starts it once more; errors of a call that was under way then say
// [sdk.Crashed].
func (c *Connection) Backend(ctx context.Context) (sdk.Backend, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process != nil && exited(c.process) {
		c.drop()
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
			return nil, l.err
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

// Description returns what the running program says of itself. It is the zero
// value before Backend has succeeded.
func (c *Connection) Description() plugin.Description {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return plugin.Description{}
	}
	return c.process.Description()
}

// drop ends the process, so that the next Backend starts another.
func (c *Connection) drop() {
	if c.process != nil {
		c.process.Close()
	}
	c.process, c.backend = nil, nil
}

// Close closes the archive and ends the program.
func (c *Connection) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.launch != nil {
		if l := <-c.launch; l.err == nil {
			c.process = l.process
		}
		c.launch = nil
	}
	var err error
	if c.backend != nil {
		err = c.backend.Close()
	}
	c.drop()
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
