package plugin

import (
	"context"
	"errors"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
)

// Limits of the connection, the same on both sides. Larger read and write
// buffers than gRPC's 32 KiB were tried and moved bodies no faster.
const (
	maxMessage   = 4 << 20   // bytes of one message: gRPC's own default on a server, here for clients too
	streamWindow = 256 << 10 // bytes under way on a stream: larger ones only cost memory on a local socket
	connWindow   = 4 << 20   // bytes under way on the connection
)

// conn is the one connection to a backend. It dials once: an archive is opened
// for a connection, so a second one would know nothing of it.
type conn struct {
	dialOnce sync.Once
	dial     func(context.Context) (net.Conn, error)
	check    func(peer) error // refuses another program at the other end; nil accepts all

	lostOnce sync.Once
	lost     chan struct{} // closed when the connection is gone

	mu    sync.Mutex
	peer  peer
	cause error // why there is no connection
}

func newConn(dial func(context.Context) (net.Conn, error), check func(peer) error) *conn {
	return &conn{dial: dial, check: check, lost: make(chan struct{})}
}

var errConnGone = errors.New("the connection is gone")

// connect is gRPC's dialer.
func (l *conn) connect(ctx context.Context, _ string) (net.Conn, error) {
	var conn net.Conn
	err := errConnGone
	l.dialOnce.Do(func() {
		conn, err = l.dial(ctx)
		if err != nil {
			l.fail(err)
		}
	})
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: conn, link: l}, nil
}

// fail notes the first reason why there is no connection.
func (l *conn) fail(cause error) {
	l.mu.Lock()
	if l.cause == nil {
		l.cause = cause
	}
	l.mu.Unlock()
	l.lostOnce.Do(func() { close(l.lost) })
}

func (l *conn) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// isLost reports whether the connection is gone.
func (l *conn) isLost() bool {
	select {
	case <-l.lost:
		return true
	default:
		return false
	}
}

// watchedConn notices the end of the connection before gRPC tells the calls that
// are under way on it.
type watchedConn struct {
	net.Conn
	link *conn
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.link.fail(err)
	}
	return n, err
}

func (c *watchedConn) Close() error {
	c.link.fail(net.ErrClosed)
	return c.Conn.Close()
}

// options of the host's side. They come after go-plugin's own and win over
// them, above all over its message limit of 2 GiB.
func (l *conn) options(tls bool) []grpc.DialOption {
	options := []grpc.DialOption{
		grpc.WithContextDialer(l.connect),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage), grpc.ForceCodecV2(newCodec())),
		grpc.WithInitialWindowSize(streamWindow), grpc.WithInitialConnWindowSize(connWindow),
		grpc.WithDisableRetry(),         // only the host retries
		grpc.WithDisableServiceConfig(), // nothing else configures this connection
		grpc.WithIdleTimeout(0),         // idleness would close the archive
	}
	if !tls {
		options = append(options, grpc.WithTransportCredentials(&peerCredentials{accept: l.accept}))
	}
	return options
}

// accept judges who is at the other end.
func (l *conn) accept(p peer) error {
	l.mu.Lock()
	l.peer = p
	l.mu.Unlock()
	if l.check == nil {
		return nil
	}
	err := l.check(p)
	if err != nil {
		l.fail(err)
	}
	return err
}

// pid returns the process at the other end, 0 where the system does not say.
func (l *conn) pid() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer.pid
}

// ready waits until conn is usable. It asks nothing of the server: the
// exchange of HTTP/2 settings, which comes with the connection, is enough.
func (l *conn) ready(ctx context.Context, conn *grpc.ClientConn) error {
	conn.Connect()
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.TransientFailure, connectivity.Shutdown:
			if err := l.why(); err != nil {
				return err
			}
			return errConnGone
		}
		if !conn.WaitForStateChange(ctx, state) {
			return ctx.Err()
		}
	}
}

var _ credentials.TransportCredentials = (*peerCredentials)(nil)
