package pluginhost

import (
	"context"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// Running is a backend that the user has started, say under a debugger. It is
// attached to, and neither started nor killed.
type Running struct {
	Network string // "unix" or "tcp"
	Address string
}

// ParseRunning reads "unix:PATH" or "tcp:HOST:PORT". A path is relative to dir, and
// HOST must be a loopback address: what is sent there includes a password.
func ParseRunning(text, dir string) (Running, error) {
	network, address, _ := strings.Cut(text, ":")
	switch {
	case network == "unix" && address != "":
		if !filepath.IsAbs(address) {
			address = filepath.Join(dir, address)
		}
		return Running{network, address}, nil
	case network == "tcp":
		if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Unmap().IsLoopback() && at.Port() > 0 {
			return Running{network, at.String()}, nil
		}
	}
	return Running{}, output.Usagef("--attach: found %q, allowed unix:PATH, or tcp:127.0.0.1:PORT", text).
		WithHint("a backend that is started with --listen prints the address")
}

// String is the address as [ParseRunning] reads it.
func (r Running) String() string { return r.Network + ":" + r.Address }

// attach connects to the backend, which must be called name: the URL and its
// password are for that one alone.
func (r Running) attach(ctx context.Context, name string, waiting func(string)) (*plugin.Process, error) {
	process, err := plugin.Attach(ctx, r.Network, r.Address, plugin.Watch(waiting)...)
	if err != nil {
		return nil, err
	}
	d, err := process.Describe(ctx)
	if err == nil && d.Name != name {
		err = output.Errorf(output.Config, "the backend at %s calls itself %q, backend.type is %q; nothing was sent to it", r, d.Name, name).
			WithHint("--backend %s", d.Name)
	}
	if err != nil {
		_ = process.Close() // nothing was opened
		return nil, err
	}
	return process, nil
}

// Attach is [Connect] to a running backend. A project with a plugins.lock forbids
// it: what runs there has no hash that could be compared.
func Attach(ctx context.Context, r Running, root, name string, waiting func(op string), options sdk.Options) (*Connection, error) {
	lock, err := ReadLock(ctx, root)
	switch {
	case err != nil:
		return nil, err
	case lock != nil:
		return nil, output.Errorf(output.PluginChanged, "--attach: %s lets only programs run whose hash it names, and a running one has none", lock.Path).
			WithHint("work in a project without the file while you debug")
	}
	if r.Network == "unix" {
		if err := ownSocket(ctx, r.Address); err != nil {
			return nil, err
		}
	}
	return newConnection(func(ctx context.Context) (*plugin.Process, error) { return r.attach(ctx, name, waiting) }, options), nil
}

// ownSocket reports a path that is no socket of this user.
func ownSocket(ctx context.Context, path string) error {
	info, err := durable.Answered(ctx, 0, path, func() (fs.FileInfo, error) { return os.Stat(path) })
	if err != nil {
		return sdk.Errorf(sdk.Unavailable, "--attach: %s: %w", path, durable.Cause(err))
	}
	if err := owned(path, info); err != nil {
		return distrust(err)
	}
	return nil
}
