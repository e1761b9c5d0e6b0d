package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// classes say what PostgreSQL's codes mean (its manual, appendix A). A code
// that is not listed is looked up by its first two characters, its class.
var classes = map[string]sqlbackend.Class{
	"08":    {Kind: sdk.Unreachable},                       // connection exception
	"22":    {Kind: sdk.Invalid, Answered: true},           // data exception
	"23":    {Kind: sdk.Invalid, Answered: true},           // integrity constraint
	"23503": {Kind: sdk.ContentAbsent, Answered: true},     // foreign key
	"23505": {Kind: sdk.Conflict, Answered: true},          // unique
	"25006": {Kind: sdk.Denied, Answered: true},            // read-only transaction: a standby, or a role's default
	"25P03": {Kind: sdk.Unreachable, Answered: true},       // ended while idle in a transaction
	"28":    {Kind: sdk.Login, Answered: true},             // authorization
	"3D000": {Kind: sdk.NoArchive, Answered: true},         // no such database
	"3F000": {Kind: sdk.NoArchive, Answered: true},         // no such schema
	"40":    {Kind: sdk.Busy, Answered: true},              // rolled back: serialization 40001, deadlock 40P01
	"40003": {Kind: sdk.Unreachable},                       // completion unknown
	"42501": {Kind: sdk.Denied, Answered: true},            // privilege
	"42703": {Kind: sdk.Schema, Answered: true},            // no such column
	"42704": {Kind: sdk.Invalid, Answered: true},           // no such setting: an unknown option of the URL
	"42P01": {Kind: sdk.Schema, Answered: true},            // no such table
	"53":    {Kind: sdk.Busy, Answered: true},              // resources: too many connections 53300
	"53100": {Kind: sdk.Full, Answered: true},              // disk full
	"53200": {Kind: sdk.Busy, Answered: true, Final: true}, // out of memory
	"53400": {Kind: sdk.Full, Answered: true},              // a configured limit, such as of temporary files
	"54":    {Kind: sdk.Limit, Answered: true},             // program limit
	"55P03": {Kind: sdk.Busy, Answered: true},              // lock not available
	"55006": {Kind: sdk.Busy, Answered: true},              // object in use
	"57014": {Kind: sdk.Timeout, Answered: true},           // statement canceled: by a time-out of the server, if not by us
	"57P":   {Kind: sdk.Unreachable},                       // shutdown 57P01, crash 57P02: the commit before it may stand
	"57P03": {Kind: sdk.Unreachable, Answered: true},       // starting up or shutting down: nothing was begun
	"57P04": {Kind: sdk.NoArchive, Answered: true},         // database dropped
	"57P05": {Kind: sdk.Unreachable, Answered: true},       // ended while idle
	"58":    {Kind: sdk.Internal, Final: true},             // I/O error 58030 and the like: the server's disk
	"XX001": {Kind: sdk.Corrupt, Answered: true},           // data corrupted
	"XX002": {Kind: sdk.Corrupt, Answered: true},           // index corrupted
	"0":     {Kind: sdk.Internal, Answered: true},          // all others: our statements are wrong
}

// classify says what an error of pgx means.
func classify(err error) sqlbackend.Class {
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return classifyConnect(connect)
	}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyAnswer(answer)
	}
	if errors.Is(err, pgconn.ErrConnClosed) {
		return sqlbackend.Class{Kind: sdk.Unreachable, Msg: "the connection was closed"}
	}
	return sqlbackend.Class{}
}

// classifyAnswer is for what the server said.
func classifyAnswer(e *pgconn.PgError) sqlbackend.Class {
	class := classes["0"]
	for n := len(e.Code); n >= 2; n-- {
		if found, ok := classes[e.Code[:n]]; ok {
			class = found
			break
		}
	}
	class.Native, class.Msg = e.Code, e.Message
	return class
}

// classifyConnect is for a connection that did not come about. Each host was
// tried, perhaps twice, and the last answer of a server says most: pgx tries
// no other host after a wrong password or a database that does not exist.
func classifyConnect(e *pgconn.ConnectError) sqlbackend.Class {
	class := sqlbackend.Class{Kind: sdk.Unreachable}
	var reasons []string
	for _, leaf := range leaves(e.Unwrap()) {
		reason := ""
		if answer, ok := errors.AsType[*pgconn.PgError](leaf); ok {
			class = classifyAnswer(answer)
			reason = answer.Message
		} else if dns, ok := errors.AsType[*net.DNSError](leaf); ok {
			reason = dns.Error()
		} else if op, ok := errors.AsType[*net.OpError](leaf); ok {
			reason = op.Error()
		} else {
			reason = leaf.Error()
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	if class.Native == "" {
		class.Kind, class.Final = connectKind(e)
	}
	class.Msg = "connect: " + strings.Join(strings.Fields(strings.Join(reasons, "; ")), " ")
	return class
}

// connectKind is for a connection that no server answered.
func connectKind(e *pgconn.ConnectError) (kind sdk.Kind, final bool) {
	switch {
	case errors.Is(e, context.Canceled):
		return sdk.Canceled, false
	case errors.Is(e, context.DeadlineExceeded):
		return sdk.Timeout, false
	case isTLS(e):
		return sdk.Unreachable, true
	}
	return sdk.Unreachable, false
}

// leaves takes joined errors apart.
func leaves(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, leaves(e)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// isTLS reports whether the two sides could not agree on an encrypted
// connection, which a second try will not change.
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
