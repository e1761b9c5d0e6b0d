package backendtest

import (
	"context"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

// Target is a backend under test. URL and one of Open, Program and Address are
// required; rules that need something else are skipped, with the reason, where
// it is not there.
type Target struct {
	// Name, Version and Protocol of the backend, for the report, the Schemes of
	// the URLs it takes, without "://", for the rules about secrets, and its
	// Capabilities, for the rules about those. Where they are not set a program, or
	// what serves an address, is asked.
	Name         string
	Version      string
	Protocol     int
	Schemes      []string
	Capabilities []sdk.Capability

	// Open returns a new handle, as [sdk.Driver].Open does. The kit closes it.
	Open func(ctx context.Context, o sdk.Options) (sdk.Backend, error)
	// Program says how to start a backend program. Each handle is a process of
	// its own, and some rules kill it.
	Program *plugin.Command
	// Address of a running backend: "unix:/path/of/a/socket" or "tcp:host:port".
	// Each handle is a connection of its own.
	Address string

	// URL returns the URL of an archive that does not exist yet: another one
	// at each call, unless Single is set. The kit cleans nothing up.
	URL func() string
	// Single says that URL returns the same URL each time, of an archive that
	// may exist but must be empty. Rules that need an archive of their own are
	// then skipped.
	Single bool
	// Options are passed to each opening, with URL and Mode replaced, and
	// Parallel where it is 0.
	Options sdk.Options

	// Damage alters the stored body of content in the archive that url names,
	// behind the backend's back. The content has at least 1 KiB.
	Damage func(ctx context.Context, url string, content sdk.Digest) error
	// Tamper alters rows of the archive that url names, behind the backend's
	// back, as a restore of some tables or an attacker might.
	Tamper func(ctx context.Context, url string, what Tampering) error

	sampleURL string // the last one that URL returned
}

// Need is something that a rule needs and not every target has.
type Need struct {
	Reason string // what is missing, said when the rule is skipped
	met    func(*Target) bool
}

// Options says which rules run, and how.
type Options struct {
	// Run reports whether the rule with this id runs. nil: all do.
	Run func(id string) bool
	// Seed of all ids and bodies; the same seed gives the same calls.
	Seed uint64
	// Deadline of each rule; 0: two minutes. A rule that does not end is
	// failed and left behind.
	Deadline time.Duration
	// FailFast ends the run with the first rule that MUST pass and does not.
	FailFast bool
	// Begin, if set, is told of each rule before it runs or is skipped.
	Begin func(Rule)
	// Done, if set, is told of each result as it comes.
	Done func(Result)
}

const (
	defaultDeadline = 2 * time.Minute
	// grace is what a rule gets to notice that its context ended, before it is
	// called hung.
	grace = 5 * time.Second
	// parallel is the Options.Parallel of most handles.
	parallel = 8
)

var (
	needsOwn = Need{"an archive of its own: the target has a single URL", func(t *Target) bool { return !t.Single }}

	needsDamage = Need{"a way to damage a stored body (Target.Damage, --damage)", func(t *Target) bool { return t.Damage != nil }}

	needsTamper = Need{"a way to tamper with rows (Target.Tamper, --tamper)", func(t *Target) bool { return t.Tamper != nil }}

	needsValue = Need{"a Go value: what a program starts cannot be seen", func(t *Target) bool { return t.Open != nil }}

	needsProgram = Need{"a program to start and to kill", func(t *Target) bool { return t.Program != nil }}

	needsWire = Need{"the wire: a program or an address", func(t *Target) bool { return t.Open == nil }}

	needsSchemes = Need{"the schemes of the URLs (Target.Schemes)", func(t *Target) bool { return len(t.Schemes) > 0 }}
)
