package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/codex-archive/codex/sdk"
)

// listen serves the address until SIGINT or SIGTERM, and says how to attach to
// it. A second signal ends the process at once. Log lines go to stderr, without
// secrets.
func listen(d sdk.Driver, address string, stderr io.Writer) error {
	l, err := listenAt(address)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // the next signal is not caught
	hidden := &secrets{}
	log := slog.New(slog.NewTextHandler(&scrubWriter{w: stderr, secrets: hidden}, &slog.HandlerOptions{Level: levelFromEnv()}))
	slog.SetDefault(log)
	where := l.Addr().Network() + ":" + l.Addr().String()
	// It serves without being read.
	_, _ = fmt.Fprintf(stderr, "serving %s on %s\nattach with: codex archive COMMAND --backend %s --attach %s\n", d.Name, where, d.Name, where)
	if l.Addr().Network() == "tcp" {
		_, _ = fmt.Fprintln(stderr, "warning: every user of this machine can connect to that port, and open archives as you; a unix socket is for you alone")
	}
	return serveListener(ctx, newServer(d, spoken, hidden, log), l)
}

// listenAt listens at "unix:PATH" or "tcp:HOST:PORT". A host must be a loopback
// address: there is no protection on TCP. A socket that a killed process has left is
// replaced, because a debugger kills.
func listenAt(where string) (net.Listener, error) {
	network, address, _ := strings.Cut(where, ":")
	switch {
	case address == "" || network != "unix" && network != "tcp":
		return nil, fmt.Errorf("listen on %q: want unix:/path/of/socket or tcp:127.0.0.1:port", where)
	case network == "tcp":
		if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().Unmap().IsLoopback() {
			return nil, fmt.Errorf("listen on %q: want a loopback address, such as tcp:127.0.0.1:0", where)
		}
	}
	l, err := net.Listen(network, address)
	if network == "unix" && errors.Is(err, syscall.EADDRINUSE) && isStale(address) {
		if err := os.Remove(address); err != nil {
			return nil, err
		}
		l, err = net.Listen(network, address)
	}
	if err == nil && network == "unix" {
		err = os.Chmod(address, 0o600) // for systems that do not tell who connects
	}
	return l, err
}

// isStale reports whether path is a socket on which no process listens.
func isStale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close() // nothing was said
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
