package sqlbackend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/codex-archive/codex/sdk"
)

// ClassifyNetError says what an error of net, io or crypto/tls means that a driver met
// on its way to a server, in words for people and without addresses: where it
// led, the dialect knows. The two sides that could not agree on encryption will
// not the next time either.
func ClassifyNetError(err error) Class {
	var (
		dns     *net.DNSError
		number  syscall.Errno
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, context.Canceled):
		return Class{Kind: sdk.Canceled, Msg: "canceled"}
	case isTLS(err):
		return Class{Kind: sdk.Unavailable, Permanent: true, Msg: reason(err)}
	case errors.As(err, &dns) && dns.IsNotFound:
		return Class{Kind: sdk.Unavailable, Msg: "unknown host " + dns.Name}
	case errors.As(err, &dns) && !dns.IsTimeout:
		return Class{Kind: sdk.Unavailable, Msg: "the name of host " + dns.Name + " was not resolved: " + dns.Err}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Class{Kind: sdk.Timeout, Msg: "no answer in the time allowed"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Class{Kind: sdk.Unavailable, Msg: "the server closed the connection"}
	case errors.As(err, &number):
		return Class{Kind: sdk.Unavailable, Msg: number.Error()}
	}
	return Class{Kind: sdk.Unavailable, Msg: reason(err)}
}

// reason is the text of err without what the system was asked to do.
func reason(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if verify, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = verify.Err
	}
	return oneLine(err.Error())
}

// isTLS reports whether the two sides could not agree on an encrypted
// connection.
func isTLS(err error) bool {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		verify   *tls.CertificateVerificationError
	)
	return errors.As(err, &unknown) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify)
}
