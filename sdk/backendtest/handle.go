package backendtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// handle is an archive that was opened in a process, or over a connection, of
// its own. Closing it ends that too.
type handle struct {
	sdk.Backend
	process *plugin.Process
}

// Close implements [sdk.Backend].
func (h handle) Close() error { return errors.Join(h.Backend.Close(), h.process.Close()) }

// Identity implements [sdk.Identified].
func (h handle) Identity() sdk.ID { return sdk.IdentityOf(h.Backend) }

// Inspect implements [sdk.Inspector].
func (h handle) Inspect(ctx context.Context) ([]sdk.Finding, error) {
	return sdk.Inspect(ctx, h.Backend)
}

// setup is how the way to a handle differs from the usual one.
type setup struct {
	stdout, stderr io.Writer         // copies of what a program prints
	dial           []grpc.DialOption // for rules about messages
	programs       *programs         // where it is noted; nil: nowhere
	env            []string          // more of the environment
}

// open opens an archive, filling in what the target asks for.
func (t *Target) open(ctx context.Context, o sdk.Options, s setup) (sdk.Backend, error) {
	if t.Open != nil {
		b, err := t.Open(ctx, t.options(o))
		if b == nil && err == nil {
			err = errors.New("the function Open returned neither a backend nor an error")
		}
		return b, err
	}
	h, err := t.openOver(ctx, o, s)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// openOver opens an archive by the wire.
func (t *Target) openOver(ctx context.Context, o sdk.Options, s setup) (handle, error) {
	process, err := t.connect(ctx, s)
	if err != nil {
		return handle{}, err
	}
	b, err := process.Open(ctx, t.options(o))
	if err != nil {
		return handle{}, errors.Join(err, process.Close())
	}
	return handle{b, process}, nil
}

// connect starts the program, or connects to the address.
func (t *Target) connect(ctx context.Context, s setup) (*plugin.Process, error) {
	if t.Program != nil {
		c := *t.Program
		c.Stdout, c.Stderr, c.DialOptions = s.stdout, s.stderr, s.dial
		c.Env = slices.Concat(c.Env, s.env)
		if s.programs == nil {
			return plugin.Launch(ctx, c)
		}
		var noted *program
		noted, c.Logger = s.programs.begin(c.Logger)
		process, err := plugin.Launch(ctx, c)
		noted.is(process)
		return process, err
	}
	network, address, _ := strings.Cut(t.Address, ":")
	return plugin.Attach(ctx, network, address, s.dial...)
}

func (t *Target) options(o sdk.Options) sdk.Options {
	given := t.Options
	given.URL, given.Mode = o.URL, o.Mode
	if o.Dir != "" {
		given.Dir = o.Dir
	}
	if o.Parallel != 0 {
		given.Parallel = o.Parallel
	}
	if given.Parallel == 0 {
		given.Parallel = parallel
	}
	if o.Password != "" {
		given.Password = o.Password
	}
	return given
}

// describe fills in what the backend says of itself.
func (t *Target) describe(ctx context.Context, s setup) error {
	ways := 0
	for _, there := range []bool{t.Open != nil, t.Program != nil, t.Address != ""} {
		if there {
			ways++
		}
	}
	if ways != 1 {
		return fmt.Errorf("a target has one of Open, Program and Address, this one %d", ways)
	}
	if t.Open != nil {
		return nil
	}
	process, err := t.connect(ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = process.Close() }() // it is only asked what it is
	d, err := process.Describe(ctx)
	if err != nil {
		return err
	}
	if t.Name == "" {
		t.Name = d.Name
	}
	if t.Version == "" {
		t.Version = d.Version
	}
	if t.Protocol == 0 {
		t.Protocol = d.Protocol
	}
	if len(t.Schemes) == 0 {
		t.Schemes = d.Schemes
	}
	if len(t.Capabilities) == 0 {
		t.Capabilities = d.Capabilities
	}
	return nil
}

// openOver opens the archive that rules share, by the wire, or ends the rule.
// The handle is closed at its end.
func (t *T) openOver(s setup) handle {
	h, err := t.tryOpenOver(sdk.Options{URL: t.url, Mode: sdk.ReadWrite}, s)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return h
}

func (t *T) tryOpenOver(o sdk.Options, s setup) (handle, error) {
	t.need(canOpen)
	t.shares()
	s.programs = &t.programs
	c := t.calls.begin(canOpen, "open, %v", o.Mode)
	h, err := t.target.openOver(t.ctx, o, s)
	c.end(err, "done")
	if err == nil {
		h.Backend = t.watch(h.Backend)
		t.opened++
		t.Cleanup(func() { t.leftOver(h) })
	}
	return h, err
}

// leftOver is left for a handle whose process ends with it.
func (t *T) leftOver(h handle) {
	t.left(h.Backend)
	if t.broken[canClose] != "" {
		h.process.Kill()
	}
	if err := h.process.Close(); err != nil && t.broken[canClose] == "" {
		t.Errorf("close: %v", err)
	}
}

// connect starts the program, or connects to the address, until the rule ends.
func (t *T) connect(s setup) *plugin.Process {
	s.programs = &t.programs
	process, err := t.target.connect(t.ctx, s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = process.Close() }) // how it ends is what some rules look at
	return process
}
