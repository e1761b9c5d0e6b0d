package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/sdk"
)

// Archive is the archive of a command. It is opened when it is first asked for.
type Archive struct {
	command    *Command
	connection *pluginhost.Connection
	opened     sync.Once
	waiting    sync.Once
}

// Dial starts the backend's program, in the background. Nothing of the archive
// is touched before [Archive.Backend] is called. A program that plugins.lock
// refuses is an error here, before there is evidence of an attempt, and so is an
// archive that a file names which the user does not trust.
func (c *Command) Dial(ctx context.Context, mode sdk.Mode) (*Archive, error) {
	if err := c.admit(mode); err != nil {
		return nil, err
	}
	archive := &Archive{command: c}
	var err error
	if archive.connection, err = c.connect(ctx, archive.sayWaiting, mode); err != nil {
		return nil, err
	}
	c.archive = archive
	return archive, nil
}

// openOptions says which archive is opened, and how.
func (c *Command) openOptions(mode sdk.Mode) (sdk.Options, error) {
	password, err := c.Config.Password()
	if err != nil {
		return sdk.Options{}, output.Errorf(output.Config, "%w", err)
	}
	return sdk.Options{URL: c.Config.Backend.URL, Password: password, Dir: c.Config.Root, Mode: mode, Parallel: c.Config.Batch.MaxConcurrent}, nil
}

// connect starts the backend's program, or attaches to the one that --attach
// names: only the flag can.
func (c *Command) connect(ctx context.Context, waiting func(string), mode sdk.Mode) (*pluginhost.Connection, error) {
	if c.Flags.IsSet("attach") && (!c.isSecond || c.sameBackend) {
		return c.attach(ctx, c.Flags.String("attach"), waiting, mode)
	}
	search, err := c.Search(ctx)
	if err != nil {
		return nil, err
	}
	program, err := search.Find(ctx, c.Config.Backend.Type)
	if err != nil && c.Flags.IsSet("attach") {
		return nil, fmt.Errorf("%w; --attach is for the backend of the first archive, and this is the second", err)
	}
	if err != nil {
		return nil, err
	}
	if program.Warn != "" {
		c.Log.Warn("Backend program: " + program.Warn)
	}
	o, err := c.openOptions(mode)
	if err != nil {
		return nil, err
	}
	return pluginhost.Connect(ctx, pluginhost.Start{
		Program: program, Root: c.Config.Root,
		Env:    pluginhost.Environ(c.Env.Vars, c.Config.Plugins.PassEnv),
		Logger: c.Log.Named(program.Name), Timeout: c.Config.Plugins.StartTimeout,
		Waiting: waiting,
	}, o)
}

func (c *Command) attach(ctx context.Context, address string, waiting func(string), mode sdk.Mode) (*pluginhost.Connection, error) {
	running, err := pluginhost.ParseRunning(address, c.Env.Dir)
	if err != nil {
		return nil, err
	}
	o, err := c.openOptions(mode)
	if err != nil {
		return nil, err
	}
	connection, err := pluginhost.Attach(ctx, running, c.Config.Root, c.Config.Backend.Type, waiting, o)
	if err == nil && running.Network == "tcp" && !c.isSecond {
		c.Log.Warn("Attached over TCP: other users of this machine can reach the backend at " + running.Address + ", or serve there themselves; a unix socket is for you alone")
	}
	return connection, err
}

// sayWaiting says once that the command waits for the backend.
func (a *Archive) sayWaiting(op string) {
	a.waiting.Do(func() {
		a.command.Log.Warn("Still waiting for the backend after 5 s ("+op+"); --timeout SECONDS ends the command earlier", "backend", a.command.Config.Backend.Type)
	})
}

// Search says where this command looks for backend programs.
func (c *Command) Search(ctx context.Context) (pluginhost.Search, error) {
	search := c.Env.Search(c.Flags.StringSlice("plugin-dir"))
	if c.Config != nil {
		search.Wait = c.Config.Plugins.StartTimeout
	}
	return search, search.Check(ctx)
}

// Search says where backend programs are looked for; dirs are those of
// --plugin-dir.
func (e *Env) Search(dirs []string) pluginhost.Search {
	search := pluginhost.Search{
		Flags:    dirs,
		Path:     e.Get("CODEX_ARCHIVE_PLUGIN_PATH"),
		DataHome: e.Get("XDG_DATA_HOME"),
	}
	if executable, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(executable); err == nil {
			search.Executable = real
		}
	}
	if home := e.Get("HOME"); search.DataHome == "" && home != "" {
		search.DataHome = filepath.Join(home, ".local", "share")
	}
	return search
}

// Backend opens the archive, once.
func (a *Archive) Backend(ctx context.Context) (sdk.Backend, error) {
	backend, err := a.connection.Backend(ctx)
	if err != nil {
		return nil, err
	}
	a.opened.Do(func() {
		a.command.Log.Debug("Backend validation: OK (" + a.command.Config.Backend.Type + ")")
		a.command.Log.Debug("Archive URL: " + a.command.RedactedURL() + " (credentials redacted)")
		a.command.announce(ctx)
	})
	return backend, nil
}

// Reach is Backend for commands that leave no evidence: opening the archive is
// repeated as retry.* allows.
func (a *Archive) Reach(ctx context.Context) (backend sdk.Backend, err error) {
	err = a.Read(ctx, func(_ context.Context, opened sdk.Backend) error {
		backend = opened
		return nil
	})
	return backend, err
}

// Reach opens the archive to read from it: see [Archive.Reach].
func (c *Command) Reach(ctx context.Context) (sdk.Backend, error) {
	archive, err := c.Dial(ctx, sdk.ReadOnly)
	if err != nil {
		return nil, err
	}
	return archive.Reach(ctx)
}

// Read calls do with the opened archive, and again as retry.* allows. It leaves no
// evidence: do only reads.
func (a *Archive) Read(ctx context.Context, do func(context.Context, sdk.Backend) error) error {
	return a.command.Repeat(ctx, func(ctx context.Context) error {
		backend, err := a.Backend(ctx)
		if err != nil {
			return err
		}
		return do(ctx, backend)
	})
}

// Repeat calls read, and again as retry.* allows.
func (c *Command) Repeat(ctx context.Context, read func(context.Context) error) error {
	_, err := retry.Do(ctx, c.RetryPolicy(), read, func(f retry.Failure) error {
		c.Log.Warn(fmt.Sprintf("Attempt %d failed, next in %s: %v", f.Attempt, output.Millis(f.Wait), f.Err))
		return nil
	})
	return err
}

// KillHung kills the backend's program, after a call of it took too long, unless
// it answers a question within 2 seconds. The next [Archive.Backend] starts it
// again.
func (a *Archive) KillHung(ctx context.Context) {
	a.connection.KillHung(ctx, func(ctx context.Context, backend sdk.Backend) bool {
		for _, err := range backend.Get(ctx, []sdk.Tombstone{sdk.NewID()}) { // there is no such record
			_ = err // any answer will do
			break
		}
		return !retry.Over(ctx, 0) // its process may see the deadline pass before this one does, and say so
	})
}

// Unreachable reports whether the archive cannot be reached, after a call failed
// with err: it asks once more. One lost connection is not the end of the archive,
// and other calls may succeed.
func (a *Archive) Unreachable(ctx context.Context, err error) bool {
	if ctx.Err() != nil || !slices.Contains([]sdk.Kind{
		sdk.Unavailable, sdk.NotStarted, sdk.Unauthenticated, sdk.NoArchive, sdk.Schema, sdk.Unsupported,
	}, sdk.KindOf(err)) {
		return false
	}
	backend, err := a.Backend(ctx)
	if err == nil {
		_, err = backend.Missing(ctx, []sdk.Digest{{}})
	}
	return err != nil && ctx.Err() == nil
}

// Description is what the backend says of itself, once it is opened.
func (a *Archive) Description() pluginhost.Description { return a.connection.Description() }

func (a *Archive) close(ctx context.Context) error { return a.connection.Close(ctx) }
