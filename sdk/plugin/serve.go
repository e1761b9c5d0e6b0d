package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/codex-archive/codex/internal/profile"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
)

const (
	// memoryLimit is a soft limit for the heap of a backend program, in bytes:
	// garbage is collected harder near it. What a backend needs is bounded by
	// frames and chunks. Below it the heap may grow by growth percent of what is in
	// use before garbage is collected: twice Go's default, because most of what a call
	// allocates is garbage after it.
	memoryLimit = 96 << 20
	growth      = 200
	// endTime is how long a backend may roll back and close its database after
	// its host is gone. The contract allows 2 s in all.
	endTime = 1500 * time.Millisecond
)

// Serve is the whole main function of a backend program. It returns when the
// host is gone or done, after closing the archive. Run by hand it explains
// itself and exits with code 2. It sets the default logger of log/slog, through
// which log messages reach the host's log.
func Serve(d sdk.Driver) { ServeProtocols(d, sdk.ProtocolVersion) }

// ServeProtocols is [Serve] for a program that speaks these versions of the
// protocol, of which the host picks the highest that it speaks, too. All are
// served as version 1 is, which is the only one there is: for tests of how a host
// and a program agree.
func ServeProtocols(d sdk.Driver, versions ...int) {
	served := newProtocols(versions)
	if os.Getenv(cookie.MagicCookieKey) != cookie.MagicCookieValue {
		os.Exit(runStandalone(d, served, os.Args[1:], os.Stdout, os.Stderr))
	}
	debug.SetMemoryLimit(memoryLimit)
	debug.SetGCPercent(growth)
	defer profile.Start()()
	hidden := &secrets{}
	log := slog.New(logHandler(os.Stderr, hidden))
	slog.SetDefault(log)
	s := newServer(d, served, hidden, log)
	half := &serverPlugin{server: s, ready: make(chan struct{})}

	go half.stopAfter(lifelineEnd(os.Stdin))
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  cookie,
		VersionedPlugins: served.plugins(half),
		GRPCServer:       half.newServer,
		// What go-plugin has to say of its own is why it could not start.
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr, JSONFormat: true}),
	})
	s.conns.endAll()
}

// lifelineEnd returns a channel that is closed when stdin ends, or at SIGTERM.
func lifelineEnd(stdin io.Reader) <-chan struct{} {
	end := make(chan struct{})
	var once sync.Once
	go func() { // ends with stdin
		_, _ = io.Copy(io.Discard, stdin) // an error is an end as well
		once.Do(func() { close(end) })
	}()
	// A terminal sends these to the host as well, whose business they are.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGQUIT)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() { // ends with the process
		<-signals
		once.Do(func() { close(end) })
	}()
	return end
}

// serverPlugin is go-plugin's view of what this program serves.
type serverPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
	server *server
	grpc   *grpc.Server // valid after ready
	ready  chan struct{}
}

var _ goplugin.GRPCPlugin = (*serverPlugin)(nil)

// newServer makes the server that go-plugin will run. Without TLS, which
// go-plugin sets up when the host asks for it, only the host may connect.
func (h *serverPlugin) newServer(options []grpc.ServerOption) *grpc.Server {
	if os.Getenv("PLUGIN_CLIENT_CERT") == "" {
		host, err := strconv.Atoi(os.Getenv(envHostPid))
		if err != nil {
			host = 0
		}
		accept := func(p peer) error { return isHost(p, host) }
		options = append(options, grpc.Creds(&peerCredentials{accept: accept}))
	}
	h.grpc = h.server.grpcServer(options...)
	close(h.ready)
	return h.grpc
}

// GRPCServer registers the service.
func (h *serverPlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	archivepb.RegisterArchiveServer(s, h.server)
	return nil
}

// GRPCClient is never called on this side.
func (h *serverPlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a backend calls no one")
}

// stopAfter stops the server when end is closed, whereupon Serve goes on to
// close the archive. Whatever hangs, the process is gone after endTime.
func (h *serverPlugin) stopAfter(end <-chan struct{}) {
	<-end
	time.AfterFunc(endTime, func() { os.Exit(1) })
	<-h.ready
	h.grpc.Stop()
}

// runStandalone is main when the program is started without the host. It returns
// the exit code.
func runStandalone(d sdk.Driver, served protocols, args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && args[0] == "--version":
		commit := ""
		if d.Commit != "" {
			commit = ", commit " + d.Commit
		}
		_, _ = fmt.Fprintf(stdout, "%s %s (protocol %v%s)\n", filepath.Base(os.Args[0]), d.Version, served, commit) // there is no other place to say so
		return 0
	case len(args) == 2 && args[0] == "--listen":
		if err := listen(d, served, args[1], stderr); err != nil {
			_, _ = fmt.Fprintf(stderr, "%s: %v\n", filepath.Base(os.Args[0]), err) // there is no other place to say so
			return 1
		}
		return 0
	}
	// There is no other place to say so.
	_, _ = fmt.Fprintf(stderr, `This program is a backend of codex archive (%s %s, protocol %v).
codex starts it by itself when backend.type is %q.

  --version                      print the version
  --listen unix:/path/of/socket  serve there, for a debugger, and say how to attach (or tcp:127.0.0.1:port)
`, d.Name, d.Version, served, d.Name)
	return 2
}

// ServeListener serves d on l, without go-plugin's handshake, until ctx ends:
// for [Attach], debuggers and tests. Every connection may open an archive of its
// own; it is closed with the connection. On a Unix socket only processes of
// this user are served; on TCP there is no protection, so listen on the loopback
// address only. l is closed in the end. options are added to the server's: for
// tests that look at messages, or change them.
func ServeListener(ctx context.Context, d sdk.Driver, l net.Listener, options ...grpc.ServerOption) error {
	s := newServer(d, spoken, &secrets{}, slog.Default())
	s.observed = len(options) > 0
	return serveListener(ctx, s, l, options...)
}

func serveListener(ctx context.Context, s *server, l net.Listener, options ...grpc.ServerOption) error {
	g := s.grpcServer(append(options, grpc.Creds(&peerCredentials{accept: sameUser}))...)
	archivepb.RegisterArchiveServer(g, s)
	alive := health.NewServer()
	alive.SetServingStatus(goplugin.GRPCServiceName, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(g, alive)
	reflection.Register(g)

	stop := context.AfterFunc(ctx, g.Stop)
	err := g.Serve(l)
	stop()
	g.Stop()
	s.conns.endAll()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// logHandler writes records as the lines that a host reads, without secrets.
func logHandler(w io.Writer, hidden *secrets) slog.Handler {
	return slog.NewJSONHandler(&scrubWriter{w: w, secrets: hidden}, &slog.HandlerOptions{
		Level: levelFromEnv(),
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch v := a.Value.Any().(type) {
			case time.Time:
				if a.Key == slog.TimeKey {
					return slog.String("@timestamp", v.Format("2006-01-02T15:04:05.000000Z07:00"))
				}
			case slog.Level:
				if a.Key == slog.LevelKey {
					return slog.String("@level", levelName(v))
				}
			case string:
				if a.Key == slog.MessageKey {
					a.Key = "@message"
				}
			}
			return a
		},
	})
}

// levelTrace is hclog's level below debug, in slog's scale.
const levelTrace = slog.LevelDebug - 4

func levelFromEnv() slog.Level {
	switch hclog.LevelFromString(os.Getenv(envLogLevel)) {
	case hclog.Trace:
		return levelTrace
	case hclog.Debug:
		return slog.LevelDebug
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Error, hclog.Off:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func levelName(level slog.Level) string {
	switch {
	case level <= levelTrace:
		return "trace"
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warn"
	}
	return "error"
}

// scrubWriter takes secrets out of each line; slog writes a line at a time.
type scrubWriter struct {
	w       io.Writer
	secrets *secrets
}

func (w *scrubWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, w.secrets.scrub(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
