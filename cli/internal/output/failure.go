package output

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// Failure is an error with the kind that decides how the program ends.
type Failure struct {
	Kind Kind
	Hint string // what to do next; "" if there is nothing to add
	Err  error
}

// Errorf returns a failure without a hint. %w works as in [fmt.Errorf].
func Errorf(kind Kind, format string, args ...any) *Failure {
	return &Failure{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// Usagef returns the failure of a wrong command line.
func Usagef(format string, args ...any) *Failure { return Errorf(Usage, format, args...) }

// WithHint returns f with a hint.
func (f *Failure) WithHint(format string, args ...any) *Failure {
	return &Failure{Kind: f.Kind, Hint: fmt.Sprintf(format, args...), Err: f.Err}
}

// Error returns the message.
func (f *Failure) Error() string { return Words(f.Err) }

// Words is the text of an error, with the words of Go's own errors put plainly:
// they come from the standard library, without a value that tells what happened.
func Words(err error) string {
	return strings.NewReplacer(
		"context deadline exceeded", "the time allowed is over",
		"context canceled", "interrupted",
		"path escapes from parent", "the path leads out of the directory",
		"file already closed", "the file is closed",
		"use of closed network connection", "the connection is closed",
		"unexpected EOF", "it ends in the middle",
		"broken pipe", "the reader went away",
		"statat ", "look at ",
	).Replace(onOneLine(err))
}

// onOneLine is the text of an error, with those of [errors.Join] on one line.
func onOneLine(err error) string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err.Error()
	}
	var texts, lines []string
	for _, e := range joined.Unwrap() {
		texts, lines = append(texts, e.Error()), append(lines, onOneLine(e))
	}
	if strings.Join(texts, "\n") != err.Error() {
		return err.Error()
	}
	return strings.Join(lines, "; ")
}

// WordsAbout is [Words] for a line that begins with the name of the item: the text
// does not say it again.
func WordsAbout(name string, err error) string {
	words := Words(err)
	if name == "" {
		return words
	}
	words = strings.ReplaceAll(words, " (tombstone "+name+")", "")
	for _, mark := range []string{": ", " "} {
		if rest, ok := strings.CutPrefix(words, name+mark); ok {
			return rest
		}
	}
	return words
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Code returns the exit code.
func (f *Failure) Code() Code { return f.Kind.Code() }

// FailureOf returns how err ends the program, nil for nil. This is the only way
// from an error to kind, exit code, message and hint: a [Failure] in err counts,
// else the kind of an [sdk.Error] or of a context's error, else that of a file which
// the user named, else [Failed].
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	f := failureOf(err)
	if f.Hint == "" {
		return &Failure{Kind: f.Kind, Hint: advice(err), Err: f.Err}
	}
	return f
}

// advice is the hint of an error about a file of this machine, "" if there is
// nothing to add.
func advice(err error) string {
	var file *durable.NamedFileError
	var temporary *durable.TempDirError
	var stalled *durable.StalledError
	var path *fs.PathError
	switch {
	case errors.As(err, &file):
		return file.Advice()
	case errors.As(err, &temporary):
		return temporary.Advice()
	case errors.As(err, &stalled):
		return stalled.Advice()
	case durable.Full(err) && errors.As(err, &path):
		return "make room where " + path.Path + " is, then run the command again"
	}
	return ""
}

func failureOf(err error) *Failure {
	if f, ok := err.(*Failure); ok {
		return f
	}
	var f *Failure
	if errors.As(err, &f) {
		return &Failure{Kind: f.Kind, Hint: f.Hint, Err: err}
	}
	var e *sdk.Error
	kind := sdk.KindOf(err)
	switch {
	case errors.Is(err, context.Canceled):
		kind = sdk.Canceled
	case kind == sdk.Internal && !errors.As(err, &e):
		return &Failure{Kind: localKind(err), Err: err}
	}
	k := KindOf(kind)
	return &Failure{Kind: k, Hint: k.row().Hint, Err: err}
}

// localKind is the kind of an error that no backend has reported.
func localKind(err error) Kind {
	var file *durable.NamedFileError
	var stalled *durable.StalledError
	switch {
	case errors.As(err, &stalled):
		return KindOf(sdk.Timeout)
	case !errors.As(err, &file):
		return Failed
	case errors.Is(err, fs.ErrExist):
		return OutputExists
	case errors.Is(err, fs.ErrNotExist):
		return NoFile
	}
	return Usage
}

// CodeOf returns the exit code that err leads to.
func CodeOf(err error) Code {
	if err == nil {
		return ExitDone
	}
	return FailureOf(err).Code()
}

// Shown is an error of a command whose result is on stdout all the same: with
// --json no other document may follow.
type Shown struct{ Err error }

// Error returns the message.
func (e Shown) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e Shown) Unwrap() error { return e.Err }
