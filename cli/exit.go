package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/codex-archive/codex/cli/internal/backends"
	"github.com/codex-archive/codex/sdk"
)

// The exit codes, the same for every command.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitBatch       = 3
	exitNotFound    = 4
	exitIntegrity   = 5
	exitBackend     = 6
	exitRefused     = 7
	exitEvidence    = 8
	exitInterrupted = 130
)

// exitHelp is the table of exit codes as the help prints it.
const exitHelp = `EXIT CODES:
     0  done
     1  failed for a reason without a code of its own
     2  usage or configuration; nothing was touched
     3  a batch with an item that failed or was not done
     4  no such tombstone
     5  integrity: content does not match its hash, or the evidence chain is broken
     6  backend: the plugin would not start or crashed, the database cannot be
        reached or will not serve, a time-out, or a SQLite file that does not exist
     7  refused: legal hold, retention, four eyes, output exists
     8  evidence could not be written
   130  interrupted`

// kindCodes gives the exit code for each kind of error.
var kindCodes = map[sdk.Kind]int{
	sdk.Internal:      exitFailed,
	sdk.Invalid:       exitUsage,
	sdk.NotFound:      exitNotFound,
	sdk.Conflict:      exitFailed,
	sdk.Purged:        exitFailed,
	sdk.ContentAbsent: exitIntegrity,
	sdk.Corrupt:       exitIntegrity,
	sdk.Unreachable:   exitBackend,
	sdk.Busy:          exitBackend,
	sdk.Timeout:       exitBackend,
	sdk.Canceled:      exitInterrupted,
	sdk.Login:         exitBackend,
	sdk.Denied:        exitBackend,
	sdk.NoArchive:     exitBackend,
	sdk.Schema:        exitBackend,
	sdk.Full:          exitBackend,
	sdk.Limit:         exitUsage,
	sdk.Refused:       exitRefused,
	sdk.Unsupported:   exitUsage,
	sdk.Crashed:       exitBackend,
	sdk.NotStarted:    exitBackend,
}

// codeOrder says which code wins where several apply, the first first.
var codeOrder = []int{exitInterrupted, exitEvidence, exitIntegrity, exitBackend, exitRefused, exitNotFound, exitBatch, exitUsage, exitFailed}

// failure is an error that says how the program ends.
type failure struct {
	code int
	kind string // a word for programs, as --json prints it
	hint string // what to do next, "" where there is nothing to say
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usageError(format string, args ...any) *failure {
	return &failure{code: exitUsage, kind: "usage", err: fmt.Errorf(format, args...)}
}

func evidenceError(err error, hint string) *failure {
	return &failure{code: exitEvidence, kind: "evidence", hint: hint, err: err}
}

// asFailure returns how err ends the program. It is nil for nil.
func asFailure(err error) *failure {
	if err == nil {
		return nil
	}
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var missing *backends.NotFoundError
	if errors.As(err, &missing) {
		return &failure{code: exitUsage, kind: "no_backend", hint: missing.Hint(), err: err}
	}
	kind := sdk.KindOf(err)
	if errors.Is(err, context.Canceled) {
		kind = sdk.Canceled
	}
	var e *sdk.Error
	if !errors.As(err, &e) && kind == sdk.Internal {
		return &failure{code: exitFailed, kind: "failed", err: err}
	}
	return &failure{code: kindCodes[kind], kind: kind.String(), hint: hints[kind], err: err}
}

// hints says what to do about an error of a kind.
var hints = map[sdk.Kind]string{
	sdk.NotFound:      "codex archive list shows what is there",
	sdk.Purged:        "its content was removed on purpose; codex archive show tells by whom",
	sdk.ContentAbsent: "the archive lost this content: restore the database from a backup",
	sdk.Corrupt:       "the archive holds damaged content: nothing was written; restore the database from a backup",
	sdk.Unreachable:   "check the server and backend.url with: codex archive health-check",
	sdk.Busy:          "try again, or set retry.enabled = true",
	sdk.Timeout:       "try again with a longer --timeout, or look at: codex archive health-check",
	sdk.Login:         "check the user and the password in backend.url, backend.password_file or the environment",
	sdk.NoArchive:     "codex archive init makes one, and so does the first codex archive store",
	sdk.Schema:        "codex archive init --upgrade brings an older schema up to date; for a newer one use a newer codex",
	sdk.Full:          "make room where the database keeps its files, then run the command again",
	sdk.Crashed:       "run it again with --log-level debug to see what the plugin said",
	sdk.NotStarted:    "codex plugin list shows which backends were found, and where",
}
