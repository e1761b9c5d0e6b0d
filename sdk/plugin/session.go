package plugin

import (
	"context"
	"sync"

	"github.com/codex-archive/codex/sdk"
	"google.golang.org/grpc/stats"
)

// session is what one connection has opened. Its end, by Drain or because the
// connection is gone, cancels the calls that are under way, waits for them and
// closes the archive.
type session struct {
	ctx    context.Context // cancelled by the end
	cancel context.CancelFunc
	// secrets of this connection's archive; shared with the log by the server.
	secrets *secrets

	mu      sync.Mutex
	state   sessionState
	backend sdk.Backend
	calls   sync.WaitGroup // added to under mu, and only while open

	closeOnce sync.Once
	closeErr  error
}

type sessionState int

const (
	stateUnopened sessionState = iota
	stateOpening
	stateOpen
	stateEnded
)

func newSession(s *secrets) *session {
	ctx, cancel := context.WithCancel(context.Background())
	return &session{ctx: ctx, cancel: cancel, secrets: s}
}

// begin starts an Open; only one may run, and only one may succeed.
func (s *session) begin() error {
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
func (s *session) opened(b sdk.Backend) bool {
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
func (s *session) enter(ctx context.Context) (b sdk.Backend, in context.Context, leave func(), err error) {
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
func (s *session) end() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.state = stateEnded
		b := s.backend
		s.mu.Unlock()
		s.cancel()
		s.calls.Wait()
		if b != nil {
			s.closeErr = b.Close()
		}
	})
	return s.closeErr
}

type sessionKey struct{}

// sessionOf returns the session of the connection that a call came on.
func sessionOf(ctx context.Context) *session {
	return ctx.Value(sessionKey{}).(*session) // put there by sessions, for every connection
}

// sessions makes a session for each connection and ends it with it. It is a
// stats handler because that is gRPC's way to learn of connections; it looks at
// no message.
type sessions struct {
	secrets *secrets
	mu      sync.Mutex
	open    map[*session]bool
	ends    sync.WaitGroup // of sessions that are being ended
}

var _ stats.Handler = (*sessions)(nil)

// TagConn makes a session.
func (s *sessions) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	session := newSession(s.secrets)
	s.mu.Lock()
	s.open[session] = true
	s.mu.Unlock()
	return context.WithValue(ctx, sessionKey{}, session)
}

// HandleConn ends the session of a connection that has ended.
func (s *sessions) HandleConn(ctx context.Context, event stats.ConnStats) {
	if _, over := event.(*stats.ConnEnd); over {
		s.end(sessionOf(ctx))
	}
}

func (s *sessions) end(session *session) {
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
			session.end()
		}()
	}
}

// endAll ends every session and waits for them. No connection may be made any
// more.
func (s *sessions) endAll() {
	s.mu.Lock()
	var rest []*session
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
func (s *sessions) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing.
func (s *sessions) HandleRPC(context.Context, stats.RPCStats) {}
