package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind says what happened. Programs decide on it, never on text. Numbers
// travel on the wire and are only ever added.
type Kind int

// The kinds. In brackets: whether trying again may help.
const (
	Internal         Kind = 1  // a bug in backend or host, a panic [no]
	Invalid          Kind = 2  // the request is wrong and always will be [no]
	NotFound         Kind = 3  // no such tombstone [no]
	Conflict         Kind = 4  // the name is taken by something else [no]
	Purged           Kind = 5  // the record's content was purged on purpose [no]
	ContentAbsent    Kind = 6  // an item without body needs content that is not there [no: send the body]
	Corrupt          Kind = 7  // bytes do not match their size or checksum [no]
	Unavailable      Kind = 8  // refused, unknown host, connection lost, server starting or stopping [yes]
	Busy             Kind = 9  // locked, too many connections, transaction lost to another [yes]
	Timeout          Kind = 10 // the time allowed is over [yes]
	Canceled         Kind = 11 // the caller asked to stop [no]
	Unauthenticated  Kind = 12 // wrong name or password [no]
	PermissionDenied Kind = 13 // a right is missing, or the archive is read-only [no]
	NoArchive        Kind = 14 // no such file or database, or no archive in it [no]
	Schema           Kind = 15 // the archive's schema is older or newer than known [no]
	Full             Kind = 16 // the database's disk, a quota or a limit of its server [no]
	Limit            Kind = 17 // larger than a limit of the contract [no]
	Refused          Kind = 18 // hold, retention or four eyes forbid it [no]
	Unsupported      Kind = 19 // the backend does not know this request or URL [no]
	Crashed          Kind = 20 // the backend's process died [yes, with a new process]
	NotStarted       Kind = 21 // the backend's process did not start or speaks another protocol [no]
)

var kindNames = map[Kind]string{
	Internal: "internal", Invalid: "invalid", NotFound: "not_found", Conflict: "conflict", Purged: "purged",
	ContentAbsent: "content_absent", Corrupt: "corrupt", Unavailable: "unavailable", Busy: "busy",
	Timeout: "timeout", Canceled: "canceled", Unauthenticated: "unauthenticated", PermissionDenied: "permission_denied", NoArchive: "no_archive",
	Schema: "schema", Full: "full", Limit: "limit", Refused: "refused", Unsupported: "unsupported",
	Crashed: "crashed", NotStarted: "not_started",
}

// Kinds returns every kind, in the order of their numbers.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(kindNames))
	for k := Internal; kindNames[k] != ""; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// String returns the kind's word, as results and logs print it.
func (k Kind) String() string {
	if name := kindNames[k]; name != "" {
		return name
	}
	return fmt.Sprintf("kind_%d", int(k))
}

// Temporary reports whether errors of this kind are usually temporary. It
// is the value of [Error.Retry] where a backend knows nothing better.
func (k Kind) Temporary() bool {
	return k == Unavailable || k == Busy || k == Timeout || k == Crashed
}

// Effect says what a failed call may have left behind.
type Effect int

// The effects.
const (
	EffectNone    Effect = 0 // surely nothing was changed
	EffectMaybe   Effect = 1 // the connection went at or after COMMIT: ask, or repeat what is idempotent
	EffectApplied Effect = 2 // the change was made, only the answer was lost
)

// String returns the effect in one word.
func (e Effect) String() string {
	names := []string{"none", "maybe", "applied"}
	if e < 0 || int(e) >= len(names) {
		return fmt.Sprintf("effect_%d", int(e))
	}
	return names[e]
}

// Error is the only error that crosses between host and backend.
type Error struct {
	Kind       Kind
	Op         string      // what was tried, such as "put" or "open"; added once, outermost wins
	Msg        string      // what happened, for people; lower case, no secret, no URL
	Retry      bool        // the same call may succeed later
	Effect     Effect      // what the call may have left behind
	Native     string      // the database's own code, such as "40001" or "1205"
	Tombstones []Tombstone // those at fault, at most MaxCulprits
	Err        error       // the cause; its text is part of Error, the value stays in its process
}

// Errorf returns an error of kind k whose Retry is k.Temporary(). A %w verb
// keeps the cause.
func Errorf(k Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: k, Msg: err.Error(), Retry: k.Temporary(), Err: errors.Unwrap(err)}
}

// About returns e naming the tombstones at fault, of which it keeps as many as an
// error may name.
func (e *Error) About(ids ...Tombstone) *Error {
	e.Tombstones = ids[:min(len(ids), MaxCulprits)]
	return e
}

// Culprits collects the tombstones of one verdict about several records.
type Culprits struct {
	Kind Kind
	Msg  string
	ids  []Tombstone
}

// Add adds a tombstone at fault.
func (c *Culprits) Add(id Tombstone) { c.ids = append(c.ids, id) }

// Err returns nil while no tombstone was added.
func (c *Culprits) Err() error {
	if len(c.ids) == 0 {
		return nil
	}
	return Errorf(c.Kind, "%s", c.Msg).About(c.ids...)
}

// Error returns "op: message (tombstones …) (native code)".
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	switch {
	case e.Msg != "":
		b.WriteString(e.Msg)
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	default:
		b.WriteString(strings.ReplaceAll(e.Kind.String(), "_", " "))
	}
	b.WriteString(e.unnamed(b.String()))
	if e.Native != "" {
		b.WriteString(" (" + e.Native + ")")
	}
	return b.String()
}

// unnamed names the tombstones at fault that said does not name.
func (e *Error) unnamed(said string) string {
	var names []string
	for _, t := range e.Tombstones {
		if s := t.String(); !strings.Contains(said, s) {
			names = append(names, s)
		}
	}
	word := " (tombstone "
	switch {
	case len(names) == 0:
		return ""
	case len(names) > 1:
		word = " (tombstones "
	}
	if more := len(names) - 3; more > 0 {
		return fmt.Sprintf("%s%s and %d more)", word, strings.Join(names[:3], ", "), more)
	}
	return word + strings.Join(names, ", ") + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, context.Canceled) and context.DeadlineExceeded work
// on this side of the wire too.
func (e *Error) Is(target error) bool {
	return target == context.Canceled && e.Kind == Canceled ||
		target == context.DeadlineExceeded && e.Kind == Timeout
}

// KindOf returns the kind of the outermost [*Error] in err, [Canceled] or
// [Timeout] for a bare context error, [Internal] for any other error, and 0
// for nil.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Internal
}

// AsError returns err as an [*Error], wrapping it with the kind of [KindOf]
// where it is another. nil stays nil.
func AsError(err error) *Error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	}
	k := KindOf(err)
	return &Error{Kind: k, Msg: err.Error(), Retry: k.Temporary(), Err: err}
}
