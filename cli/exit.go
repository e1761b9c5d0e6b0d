package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
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
	var missing *pluginhost.NotFoundError
	if errors.As(err, &missing) {
		return &failure{code: exitUsage, kind: "no_backend", hint: missing.Hint(), err: err}
	}
	var unlocked *pluginhost.UnlockedError
	var changed *plugin.SumError
	if errors.As(err, &unlocked) || errors.As(err, &changed) {
		const kind = "plugin_changed"
		hint := findKind(kind).hint
		if unlocked != nil {
			hint += " " + unlocked.Name // it need not be the backend that the configuration names
		}
		return &failure{code: exitUsage, kind: kind, hint: hint, err: err}
	}
	kind := sdk.KindOf(err)
	if errors.Is(err, context.Canceled) {
		kind = sdk.Canceled
	}
	var e *sdk.Error
	if !errors.As(err, &e) && kind == sdk.Internal {
		return &failure{code: exitFailed, kind: "failed", err: err}
	}
	known := findKind(kind.String())
	return &failure{code: known.code, kind: kind.String(), hint: known.hint, err: err}
}
