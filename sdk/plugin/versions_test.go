package plugin

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"github.com/codex-archive/codex/sdk/memory"
)

// TestNegotiation starts programs that speak several versions of the protocol, as
// hosts that do. The highest that both speak is used; where there is none, one line
// says what each speaks and what to replace.
func TestNegotiation(t *testing.T) {
	for _, test := range []struct {
		role string
		host []int
		want int
		says string
	}{
		{"speaks 1 and 2", nil, 1, ""},
		{"speaks 1 and 2", []int{1, 2}, 2, ""},
		{"speaks 1 and 2", []int{3, 2}, 2, ""},
		{"memory", []int{1, 2}, 1, ""},
		{"speaks 2 and 3", []int{1, 2, 3}, 3, ""},
		{"speaks 2 and 3", nil, 0, "this plugin speaks protocol 2, this host 1; use a newer codex, or an older build of the plugin"},
		{"memory", []int{2, 3, 4}, 0, "this plugin speaks protocol 1, this host 2, 3 and 4; use a newer build of the plugin"},
	} {
		t.Run(fmt.Sprintf("%s, host %v", test.role, test.host), func(t *testing.T) {
			t.Parallel()
			c := as(t, test.role)
			c.Protocols = test.host
			if test.want == 0 {
				_, err := Launch(t.Context(), c)
				if sdk.KindOf(err) != sdk.NotStarted {
					t.Errorf("kind %v", sdk.KindOf(err))
				}
				oneLine(t, err, c.Path, test.says)
				return
			}
			p, b := start(t, c)
			agreesOn(t, p, b, test.want)
		})
	}
}

// agreesOn checks the version in both answers that carry it, and that the archive
// works.
func agreesOn(t *testing.T, p *Process, b sdk.Backend, version int) {
	t.Helper()
	described, err := p.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []Description{p.Description(), described} {
		if d.Protocol != version || !slices.Contains(d.Protocols, version) {
			t.Errorf("it speaks protocol %d of %v, want %d", d.Protocol, d.Protocols, version)
		}
	}
	if _, err := b.Health(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNegotiationWithoutHandshake: a program that is attached to is asked.
func TestNegotiationWithoutHandshake(t *testing.T) {
	for _, test := range []struct {
		plugin, host protocols
		want         int
		says         string
	}{
		{protocols{1, 2}, protocols{1}, 1, ""},
		{protocols{1, 2}, protocols{1, 2, 3}, 2, ""},
		{protocols{1}, protocols{1, 2}, 1, ""},
		{protocols{2, 3}, protocols{1}, 0, "this plugin speaks protocol 2 and 3, this host 1; use a newer codex"},
		{protocols{1}, protocols{2, 3}, 0, "this plugin speaks protocol 1, this host 2 and 3; use a newer build of the plugin"},
	} {
		p := attach(t, serveProtocols(t, test.plugin))
		p.protocols = test.host
		b, err := p.Open(t.Context(), sdk.Options{URL: "memory://x", Mode: sdk.Create})
		switch {
		case test.want == 0:
			oneLine(t, err, test.says)
		case err != nil:
			t.Errorf("plugin %v, host %v: %v", test.plugin, test.host, err)
		case p.Description().Protocol != test.want:
			t.Errorf("plugin %v, host %v: they speak %d", test.plugin, test.host, p.Description().Protocol)
		default:
			if _, err := b.Health(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

// serveProtocols serves an archive in memory by these versions.
func serveProtocols(t *testing.T, versions protocols) net.Addr {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(shortDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(memory.Driver(), versions, &secrets{}, nil)
	g := s.grpcServer()
	archivepb.RegisterArchiveServer(g, s)
	go g.Serve(l)
	t.Cleanup(func() {
		g.Stop()
		s.conns.endAll()
	})
	return l.Addr()
}

// TestCapabilities: those that the host does not know do no harm and are shown; an
// ability without its capability is not used.
func TestCapabilities(t *testing.T) {
	p, b := start(t, as(t, "has capabilities"))
	want := []sdk.Capability{"teleport", sdk.IdentityAtOpen, "0-day"}
	if d := p.Description(); !slices.Equal(d.Capabilities, want) {
		t.Errorf("capabilities %q, want %q", d.Capabilities, want)
	}
	h, err := b.Health(t.Context())
	if err != nil || sdk.IdentityOf(b) != h.Archive {
		t.Errorf("identity %v, Health says %v, %v", sdk.IdentityOf(b), h.Archive, err)
	}

	d := memory.Driver()
	d.Name, d.Version, d.Capabilities = "mute", "1.2", nil
	p = dial(t, d)
	b = open(t, p)
	if id := sdk.IdentityOf(b); !id.IsZero() {
		t.Errorf("an identity is used that was not declared: %v", id)
	}
	err = p.Description().Require(sdk.IdentityAtOpen)
	if sdk.KindOf(err) != sdk.Unsupported {
		t.Errorf("kind %v", sdk.KindOf(err))
	}
	oneLine(t, err, `the backend mute 1.2 does not have the capability "identity"`)

	// It is declared, and is not there: the backend has a bug, which is said.
	d = driver(&faulty{})
	d.Capabilities = []sdk.Capability{sdk.IdentityAtOpen}
	_, err = dial(t, d).Open(t.Context(), sdk.Options{URL: "memory://x", Mode: sdk.Create})
	oneLine(t, err, "a bug in the backend", "archive has length 0 instead of 16")
}

// TestOlderBackend: one that was written before versions and capabilities were in
// its description.
func TestOlderBackend(t *testing.T) {
	b := serveForeign(t, &foreign{protocol: sdk.ProtocolVersion})
	d := b.(*client).process.Description()
	if !slices.Equal(d.Protocols, []int{sdk.ProtocolVersion}) || len(d.Capabilities) > 0 {
		t.Errorf("%+v", d)
	}
}

// TestEffectOfTheFuture: what a host does not know may have changed anything.
func TestEffectOfTheFuture(t *testing.T) {
	b := open(t, dial(t, driver(&faulty{health: func() (sdk.Health, error) {
		return sdk.Health{}, &sdk.Error{Kind: sdk.Full, Msg: "full", Effect: 7}
	}})))
	_, err := b.Health(context.Background())
	if e, ok := err.(*sdk.Error); !ok || e.Effect != sdk.EffectMaybe || !strings.Contains(e.Error(), "full") {
		t.Errorf("%+v", err)
	}
}
