package sqlbackend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// errDeadlock is an error that a dialect knows.
var errDeadlock = errors.New("deadlock")

func testBackend(t *testing.T) *Backend {
	b := &Backend{
		d: &Dialect{Classify: func(err error) Class {
			if errors.Is(err, errDeadlock) {
				return Class{Kind: sdk.Busy, Native: "40P01", ServerReplied: true}
			}
			return Class{}
		}},
		secrets: []string{"db://user:s3cret-word@host/x", ""},
	}
	b.closing, b.close = context.WithCancel(t.Context())
	return b
}

// What the dialect does not know is recognised by the engine.
func TestClassify(t *testing.T) {
	b := testBackend(t)
	for _, c := range []struct {
		err  error
		want sdk.Kind
	}{
		{fmt.Errorf("insert: %w", errDeadlock), sdk.Busy},
		{driver.ErrBadConn, sdk.Unavailable},
		{sql.ErrConnDone, sdk.Unavailable},
		{fmt.Errorf("read: %w", io.EOF), sdk.Unavailable},
		{io.ErrUnexpectedEOF, sdk.Unavailable},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, sdk.Unavailable},
		{fmt.Errorf("x: %w", syscall.ECONNRESET), sdk.Unavailable},
		{&net.DNSError{Name: "db.invalid", IsNotFound: true}, sdk.Unavailable},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, sdk.Timeout},
		{context.DeadlineExceeded, sdk.Timeout},
		{context.Canceled, sdk.Canceled},
		{errors.New("anything"), sdk.Internal},
		{sql.ErrNoRows, sdk.Internal},
	} {
		if got := b.classify(c.err).Kind; got != c.want {
			t.Errorf("%v is %v, want %v", c.err, got, c.want)
		}
	}
}

// An error of the network is one short sentence, whatever wraps it.
func TestClassifyNetError(t *testing.T) {
	dial := func(err error) error {
		return fmt.Errorf("dial error: %w", &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{Port: 5432}, Err: err})
	}
	for _, c := range []struct {
		err  error
		want Class
	}{
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), Class{Kind: sdk.Unavailable, Msg: "connection refused"}},
		{dial(&net.DNSError{Err: "no such host", Name: "db.invalid", Server: "10.0.0.1:53", IsNotFound: true}), Class{Kind: sdk.Unavailable, Msg: "unknown host db.invalid"}},
		{dial(&net.DNSError{Err: "server misbehaving", Name: "db.invalid", Server: "10.0.0.1:53"}), Class{Kind: sdk.Unavailable, Msg: "the name of host db.invalid was not resolved: server misbehaving"}},
		{dial(&net.DNSError{Err: "i/o timeout", Name: "db.invalid", IsTimeout: true}), Class{Kind: sdk.Timeout, Msg: "no answer in the time allowed"}},
		{dial(os.ErrDeadlineExceeded), Class{Kind: sdk.Timeout, Msg: "no answer in the time allowed"}},
		{fmt.Errorf("timeout: %w", context.DeadlineExceeded), Class{Kind: sdk.Timeout, Msg: "no answer in the time allowed"}},
		{context.Canceled, Class{Kind: sdk.Canceled, Msg: "canceled"}},
		{fmt.Errorf("startup: %w", io.EOF), Class{Kind: sdk.Unavailable, Msg: "the server closed the connection"}},
		{dial(syscall.ECONNRESET), Class{Kind: sdk.Unavailable, Msg: "the server closed the connection"}},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, Class{Kind: sdk.Unavailable, Permanent: true, Msg: "x509: certificate signed by unknown authority"}},
		{dial(tls.AlertError(48)), Class{Kind: sdk.Unavailable, Permanent: true, Msg: "tls: unknown certificate authority"}},
		{errors.New("what\n\tonly the server knows"), Class{Kind: sdk.Unavailable, Msg: "what only the server knows"}},
	} {
		if got := ClassifyNetError(c.err); got != c.want {
			t.Errorf("%v is %+v, want %+v", c.err, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	b := testBackend(t)
	err := b.wrap(t.Context(), "put", fmt.Errorf("s3cret-word:\n\t%w", errDeadlock))
	e := sdk.AsError(err)
	if e.Kind != sdk.Busy || !e.Retry || e.Op != "put" || e.Native != "40P01" || e.Effect != sdk.EffectNone {
		t.Errorf("%+v", e)
	}
	if text := e.Error(); strings.Contains(text, "s3cret") || strings.ContainsAny(text, "\n\t") {
		t.Errorf("%q", text)
	}
	if b.wrap(t.Context(), "put", nil) != nil {
		t.Error("nil became an error")
	}
}

// A verdict of ours stays what it is, whether or not the context has ended; a
// driver's error after that is the context's.
func TestWrapWithEndedContext(t *testing.T) {
	b := testBackend(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := sdk.KindOf(b.wrap(ctx, "get", sdk.Errorf(sdk.Corrupt, "x"))); got != sdk.Corrupt {
		t.Errorf("our verdict became %v", got)
	}
	err := b.wrap(ctx, "get", errDeadlock)
	if sdk.KindOf(err) != sdk.Canceled || !errors.Is(err, context.Canceled) || sdk.AsError(err).Retry {
		t.Errorf("%+v", err)
	}
}

// At COMMIT only the database's own answer is believed.
func TestCommitFailed(t *testing.T) {
	b := testBackend(t)
	for _, c := range []struct {
		err  error
		want sdk.Effect
	}{
		{errDeadlock, sdk.EffectNone},
		{io.EOF, sdk.EffectMaybe},
		{driver.ErrBadConn, sdk.EffectMaybe},
		{context.DeadlineExceeded, sdk.EffectMaybe},
		{errors.New("anything"), sdk.EffectMaybe},
	} {
		if got := sdk.AsError(b.commitFailed("put", c.err)).Effect; got != c.want {
			t.Errorf("%v: effect %v, want %v", c.err, got, c.want)
		}
	}
	if b.broken.Load() != nil {
		t.Error("an error that is not final broke the backend")
	}
}
