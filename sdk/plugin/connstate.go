package plugin

import (
	"context"
	"sync"

	"github.com/codex-archive/codex/sdk"
	"google.golang.org/grpc/stats"
)

// connState is what one connection has opened. Its end, by Drain or because the
// connection is gone, cancels the calls that are under way, waits for them and
// closes the archive.
type connState struct {
	ctx    context.Context // cancelled by the end
	cancel context.CancelFunc
	// secrets of this connection's archive; shared with the log by the server.
	secrets *secrets
	caught  caughtFunc

	mu      sync.Mutex
	state   openState
	backend sdk.Backend
	calls   sync.WaitGroup // added to under mu, and only while open

	closeOnce sync.Once
	closeErr  error
}

// caughtFunc returns err, or the error for what was recovered from a panic.
type caughtFunc func(recovered any, method string, err error) error

type openState int

const (
	stateUnopened openState = iota
	stateOpening
	stateOpen
	stateEnded
)

func newConnState(s *secrets, caught caughtFunc) *connState {
	ctx, cancel := context.WithCancel(context.Background())
	return &connState{ctx: ctx, cancel: cancel, secrets: s, caught: caught}
}

// begin starts an Open; only one may run, and only one may succeed.
func (s *connState) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateUnopened {
		return sdk.Errorf(sdk.Invalid, "this connection has opened its archive already")
	}
	s.state = stateOpening
	return nil
}

// opened ends an Open. It reports false when the session ended meanwhile; the
// archive then is the caller's to close.
func (s *connState) opened(b sdk.Backend) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpening {
		return b == nil
	}
	s.state, s.backend = stateOpen, b
	if b == nil {
		s.state = stateUnopened
	}
	return true
}

// enter begins a call. leave must be called at its end. ctx ends with the call
// or with the session.
func (s *connState) enter(ctx context.Context) (b sdk.Backend, in context.Context, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case stateOpen:
	case stateEnded:
		return nil, nil, nil, sdk.Errorf(sdk.Invalid, "the archive is closed")
	default:
		return nil, nil, nil, sdk.Errorf(sdk.Invalid, "this connection has not opened an archive")
	}
	s.calls.Add(1)
	in, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	return s.backend, in, func() {
		stop()
		cancel()
		s.calls.Done()
	}, nil
}

// end closes the archive, once, and returns what that gave.
func (s *connState) end() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.state = stateEnded
		b := s.backend
		s.mu.Unlock()
		s.cancel()
		s.calls.Wait()
		if b != nil {
			s.closeErr = s.closed(b)
		}
	})
	return s.closeErr
}

// closed closes the archive, and survives a panic of the backend.
func (s *connState) closed(b sdk.Backend) (err error) {
	defer func() { err = s.caught(recover(), "Close", err) }()
	return b.Close()
}

type stateKey struct{}

// stateOf returns the session of the connection that a call came on.
func stateOf(ctx context.Context) *connState {
	return ctx.Value(stateKey{}).(*connState) // put there by sessions, for every connection
}

// connStates makes a connState for each connection and ends it with it. It is a
// stats handler because that is gRPC's way to learn of connections; it looks at
// no message.
type connStates struct {
	secrets *secrets
	caught  caughtFunc
	mu      sync.Mutex
	open    map[*connState]bool
	ends    sync.WaitGroup // of sessions that are being ended
}

var _ stats.Handler = (*connStates)(nil)

// TagConn makes a session.
func (s *connStates) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	session := newConnState(s.secrets, s.caught)
	s.mu.Lock()
	s.open[session] = true
	s.mu.Unlock()
	return context.WithValue(ctx, stateKey{}, session)
}

// HandleConn ends the session of a connection that has ended.
func (s *connStates) HandleConn(ctx context.Context, event stats.ConnStats) {
	if _, over := event.(*stats.ConnEnd); over {
		s.end(stateOf(ctx))
	}
}

func (s *connStates) end(session *connState) {
	s.mu.Lock()
	known := s.open[session]
	delete(s.open, session)
	if known {
		s.ends.Add(1)
	}
	s.mu.Unlock()
	if known {
		go func() {
			defer s.ends.Done()
			_ = session.end() // the host is gone, so its error has no reader
		}()
	}
}

// endAll ends every session and waits for them. No connection may be made any
// more.
func (s *connStates) endAll() {
	s.mu.Lock()
	var rest []*connState
	for session := range s.open {
		rest = append(rest, session)
	}
	s.mu.Unlock()
	for _, session := range rest {
		s.end(session)
	}
	s.ends.Wait()
}

// TagRPC adds nothing.
func (s *connStates) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing.
func (s *connStates) HandleRPC(context.Context, stats.RPCStats) {}
