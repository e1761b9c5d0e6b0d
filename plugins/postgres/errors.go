package main

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// classes say what PostgreSQL's codes mean (its manual, appendix A). A code
// that is not listed is looked up by its first two characters, its class.
var classes = map[string]sqlbackend.Class{
	"08":    {Kind: sdk.Unavailable},                                // connection exception
	"22":    {Kind: sdk.Invalid, ServerReplied: true},               // data exception
	"23":    {Kind: sdk.Invalid, ServerReplied: true},               // integrity constraint
	"23505": {Kind: sdk.Conflict, ServerReplied: true},              // unique
	"25006": {Kind: sdk.PermissionDenied, ServerReplied: true},      // read-only transaction: a standby, or a role's default
	"25P03": {Kind: sdk.Unavailable, ServerReplied: true},           // ended while idle in a transaction
	"28":    {Kind: sdk.Unauthenticated, ServerReplied: true},       // authorization
	"3D000": {Kind: sdk.NoArchive, ServerReplied: true},             // no such database
	"3F000": {Kind: sdk.NoArchive, ServerReplied: true},             // no such schema
	"40":    {Kind: sdk.Busy, ServerReplied: true, Deadlock: true},  // rolled back: serialization 40001, deadlock 40P01
	"40003": {Kind: sdk.Unavailable},                                // completion unknown
	"42501": {Kind: sdk.PermissionDenied, ServerReplied: true},      // privilege
	"42703": {Kind: sdk.Schema, ServerReplied: true},                // no such column
	"42883": {Kind: sdk.Unsupported, ServerReplied: true},           // no such function: not a PostgreSQL of 11 or later
	"42704": {Kind: sdk.Invalid, ServerReplied: true},               // no such setting: an unknown option of the URL
	"42P01": {Kind: sdk.Schema, ServerReplied: true},                // no such table
	"53":    {Kind: sdk.Busy, ServerReplied: true},                  // resources: too many connections 53300
	"53100": {Kind: sdk.Full, ServerReplied: true},                  // disk full
	"53200": {Kind: sdk.Busy, ServerReplied: true, Permanent: true}, // out of memory
	"53400": {Kind: sdk.Full, ServerReplied: true},                  // a configured limit, such as of temporary files
	"54":    {Kind: sdk.Full, ServerReplied: true},                  // program limit
	"55P03": {Kind: sdk.Busy, ServerReplied: true},                  // lock not available
	"55006": {Kind: sdk.Busy, ServerReplied: true},                  // object in use
	"57014": {Kind: sdk.Timeout, ServerReplied: true},               // statement canceled: by a time-out of the server, if not by us
	"57P":   {Kind: sdk.Unavailable},                                // shutdown 57P01, crash 57P02: the commit before it may have happened
	"57P03": {Kind: sdk.Unavailable, ServerReplied: true},           // starting up or shutting down: nothing was begun
	"57P04": {Kind: sdk.NoArchive, ServerReplied: true},             // database dropped
	"57P05": {Kind: sdk.Unavailable, ServerReplied: true},           // ended while idle
	"58":    {Kind: sdk.Internal, Permanent: true},                  // I/O error 58030 and the like: the server's disk
	"XX001": {Kind: sdk.Corrupt, ServerReplied: true},               // data corrupted
	"XX002": {Kind: sdk.Corrupt, ServerReplied: true},               // index corrupted
	"0":     {Kind: sdk.Internal, ServerReplied: true},              // all others: our statements are wrong
}

// plain are sentences that go before what the server says, where its words help
// only its administrator.
var plain = map[string]string{
	"25006": "the server is a standby, or this user may only read",
	"42883": "the server is no PostgreSQL of 11 or later",
	"57014": "the server ended the statement: statement_timeout of the server, the database or the role, or its administrator",
	"53300": "no connection is free",
}

// remedies go after what the server says.
var remedies = map[string]string{
	"3D000": "the server's administrator makes it, with CREATE DATABASE",
	"53400": "the server's administrator raises it",
	"54001": "the server's administrator raises max_stack_depth",
}

// classify says what an error of pgx means.
func classify(err error) sqlbackend.Class {
	if connect, ok := errors.AsType[*connectError](err); ok {
		return connect.class()
	}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyAnswer(answer)
	}
	if errors.Is(err, pgconn.ErrConnClosed) {
		return sqlbackend.Class{Kind: sdk.Unavailable, Msg: "the connection was closed"}
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
	if sentence, ok := plain[e.Code]; ok {
		class.Msg = sentence + ": " + class.Msg
	}
	if remedy, ok := remedies[e.Code]; ok {
		class.Msg += "; " + remedy
	}
	return class
}

// connectError is a connection that no host took.
type connectError struct {
	route *route
	tries []try
}

// try is a connection that one host did not take.
type try struct {
	way          way
	err          error
	refusedTLS   bool
	notPreferred bool
}

func (e *connectError) Error() string {
	texts := make([]string, len(e.tries))
	for i, t := range e.tries {
		texts[i] = t.way.name + ": " + t.err.Error()
	}
	return e.route.place() + ": " + strings.Join(texts, "; ")
}

// Unwrap returns the errors of all tries.
func (e *connectError) Unwrap() []error {
	all := make([]error, len(e.tries))
	for i, t := range e.tries {
		all[i] = t.err
	}
	return all
}

// isPointless reports whether w leads to a host that did not answer before, or
// did not take the connection for a reason that TLS has no part in.
func (e *connectError) isPointless(w way) bool {
	return slices.ContainsFunc(e.tries, func(t try) bool {
		if t.way.name != w.name {
			return false
		}
		_, dialled := errors.AsType[*net.OpError](t.err)
		return dialled || errors.Is(t.err, context.DeadlineExceeded) || errors.Is(t.err, os.ErrDeadlineExceeded)
	})
}

// isFinal reports whether no other host is to be tried.
func (t *try) isFinal() bool {
	answer, ok := errors.AsType[*pgconn.PgError](t.err)
	return ok && slices.Contains([]string{"28P01", "3D000", "42501"}, answer.Code)
}

// class says what the last answer of a server means, which says most, and what
// each host said.
func (e *connectError) class() sqlbackend.Class {
	several := len(e.route.hosts()) > 1
	var verdict sqlbackend.Class
	var reasons []string
	for _, t := range e.relevant() {
		for _, leaf := range leaves(t.err) {
			class := t.class(leaf)
			if class.Native != "" || verdict.Native == "" {
				// Another try is in vain only where it is at every host.
				class.Permanent = class.Permanent && (verdict.Permanent || len(reasons) == 0)
				verdict = class
			}
			reason := class.Msg
			if _, unresolved := errors.AsType[*net.DNSError](leaf); several && !unresolved {
				reason = t.way.name + ": " + reason
			}
			if !slices.Contains(reasons, reason) {
				reasons = append(reasons, reason)
			}
		}
	}
	where := e.route.place()
	if several {
		where = "database " + e.route.database // the reasons say where
	}
	verdict.Msg = where + ": " + strings.Join(reasons, "; ")
	return verdict
}

// relevant leaves out that a server does without TLS where sslmode only prefers
// it: the host was asked again without.
func (e *connectError) relevant() []try {
	return slices.DeleteFunc(slices.Clone(e.tries), func(t try) bool {
		return t.refusedTLS && slices.ContainsFunc(e.tries, func(other try) bool {
			return !other.refusedTLS && other.way.name == t.way.name
		})
	})
}

// class is for one error of a try.
func (t *try) class(err error) sqlbackend.Class {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		class := classifyAnswer(answer)
		if class.Kind == sdk.Unauthenticated && t.way.config.Password == "" {
			class.Msg += "; no password was given"
		}
		return class
	}
	if attribute := unwanted(err); attribute != "" {
		return sqlbackend.Class{Kind: sdk.Unavailable, Msg: attribute + ", and target_session_attrs asks for another"}
	}
	if t.refusedTLS {
		return sqlbackend.Class{Kind: sdk.Unavailable, Permanent: true, Msg: "the server does not do TLS, and sslmode asks for it"}
	}
	class := sqlbackend.ClassifyNetError(err)
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		class.Msg += "; sslrootcert names the certificate of its authority"
	}
	return class
}

// leaves takes joined errors apart: of several addresses of one host.
func leaves(err error) []error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		joined, ok := e.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, leaves(e)...)
		}
		return all
	}
	return []error{err}
}

// unwanted says what a server is that target_session_attrs does not allow, and
// "" for all other errors.
func unwanted(err error) string {
	switch {
	case errors.Is(err, pgconn.ErrReadOnlyConnection):
		return "it is read-only"
	case errors.Is(err, pgconn.ErrReadWriteConnection):
		return "it can be written"
	case errors.Is(err, pgconn.ErrStandbyConnection):
		return "it is a standby"
	case errors.Is(err, pgconn.ErrPrimaryConnection), errors.Is(err, errNotPreferred):
		return "it is the primary"
	}
	return ""
}
