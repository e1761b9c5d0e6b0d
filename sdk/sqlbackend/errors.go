package sqlbackend

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/codex-archive/codex/sdk"
)

// wrap makes an [sdk.Error] of err: of the engine's own errors by adding op, of a
// driver's error by the dialect's class. Its effect is none; commitFailed is
// for the rest.
func (b *Backend) wrap(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	var e *sdk.Error
	if errors.As(err, &e) {
		named := *e
		if named.Op == "" {
			named.Op = op
		}
		return named.About(named.Tombstones...)
	}
	if ended := ctx.Err(); ended != nil {
		return b.ended(op, ended)
	}
	return b.classified(op, err, b.classify(err))
}

// ended is the error of a call whose context is done.
func (b *Backend) ended(op string, cause error) *sdk.Error {
	e := &sdk.Error{Kind: sdk.KindOf(cause), Op: op, Msg: cause.Error(), Err: cause}
	if b.closing.Err() != nil {
		e.Kind, e.Msg = sdk.Canceled, "the archive was closed"
	}
	e.Retry = e.Kind.Temporary()
	return e
}

func (b *Backend) classified(op string, err error, c Class) *sdk.Error {
	msg := c.Msg
	if msg == "" {
		msg = err.Error()
	}
	msg = oneLine(sdk.Scrub(msg, b.secrets...))
	return &sdk.Error{Kind: c.Kind, Op: op, Msg: msg, Native: c.Native, Retry: c.Kind.Temporary() && !c.Permanent}
}

// oneLine keeps a driver's text on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// commitFailed is the error of a COMMIT. Unless the database replied, it is
// unknown what became of it. After a permanent one, such as a failing disk, this
// process must not go on with the archive: its view of the file may be wrong.
func (b *Backend) commitFailed(op string, err error) error {
	c := b.classify(err)
	e := b.classified(op, err, c)
	if c.ServerReplied {
		return e
	}
	e.Effect = sdk.EffectMaybe
	if c.Permanent {
		b.broken.CompareAndSwap(nil, e)
	}
	return e
}

// classify asks the dialect first, then recognises what every driver's
// connection can end in.
func (b *Backend) classify(err error) Class {
	if c := b.d.Classify(err); c.Kind != 0 {
		return c
	}
	var (
		op      *net.OpError
		dns     *net.DNSError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return Class{Kind: sdk.Unavailable, Msg: "the connection was lost"}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout(),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.As(err, &op), errors.As(err, &dns):
		return ClassifyNetError(err)
	}
	return Class{Kind: sdk.Internal}
}
