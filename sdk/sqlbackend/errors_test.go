package sqlbackend

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// errDeadlock stands for an error that a dialect knows.
var errDeadlock = errors.New("deadlock")

func testBackend(t *testing.T) *Backend {
	b := &Backend{
		d: &Dialect{Classify: func(err error) Class {
			if errors.Is(err, errDeadlock) {
				return Class{Kind: sdk.Busy, Native: "40P01", Answered: true}
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
		{driver.ErrBadConn, sdk.Unreachable},
		{sql.ErrConnDone, sdk.Unreachable},
		{fmt.Errorf("read: %w", io.EOF), sdk.Unreachable},
		{io.ErrUnexpectedEOF, sdk.Unreachable},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, sdk.Unreachable},
		{fmt.Errorf("x: %w", syscall.ECONNRESET), sdk.Unreachable},
		{&net.DNSError{Name: "db.invalid", IsNotFound: true}, sdk.Unreachable},
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

func TestCulprits(t *testing.T) {
	c := culprits{kind: sdk.ContentAbsent, msg: "x"}
	if c.err() != nil {
		t.Error("nobody is at fault, yet there is an error")
	}
	for i := range 2 * sdk.MaxCulprits {
		c.add(sdk.Tombstone{byte(i)})
	}
	if e := sdk.AsError(c.err()); len(e.Tombstones) != sdk.MaxCulprits || e.Retry {
		t.Errorf("%+v", e)
	}
}
