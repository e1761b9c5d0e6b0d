package plugin

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
)

// TestListenAt: only this machine is listened to, and what a killed
// process left in the place of a socket is replaced, nothing else.
func TestListenAt(t *testing.T) {
	for _, where := range []string{
		"", "unix", "unix:", "tcp:", "udp:127.0.0.1:0", "tcp::0", "tcp:0.0.0.0:0", "tcp:[::]:0", "tcp:192.0.2.1:0", "tcp:localhost:0", "tcp:127.0.0.1",
	} {
		if l, err := listenAt(where); err == nil {
			l.Close()
			t.Errorf("%q: listens at %v", where, l.Addr())
		}
	}
	l, err := listenAt("tcp:127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if runtime.GOOS == "windows" {
		return
	}

	dir := shortDir(t)
	stale, file := filepath.Join(dir, "s"), filepath.Join(dir, "f")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := listenAt("unix:" + stale); err == nil {
		l.Close()
		t.Error("a socket that is served was taken")
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	if l, err = listenAt("unix:" + stale); err != nil {
		t.Fatalf("in the place of a socket that was left: %v", err)
	}
	defer l.Close()
	if info, err := os.Stat(stale); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := listenAt("unix:" + file); err == nil {
		l.Close()
		t.Error("a file was replaced")
	}
}

// TestKillAttached: Kill ends the connection to an attached backend and not the
// backend, which then serves the next one.
func TestKillAttached(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- ServeListener(ctx, memory.Driver(), l) }()
	for range 2 {
		p, err := Attach(t.Context(), "tcp", l.Addr().String(), Watch(func(string) {})...)
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.Open(t.Context(), sdk.Options{URL: "memory://x", Mode: sdk.Create})
		if err != nil {
			t.Fatal(err)
		}
		p.Kill()
		<-p.Exited()
		if _, err := b.Health(t.Context()); sdk.KindOf(err) != sdk.Unavailable {
			t.Errorf("after Kill: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}
