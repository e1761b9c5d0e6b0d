// Package output holds the rules of what the program prints, and how it ends.
//
//   - stdout carries the result and nothing else.
//   - stderr carries log lines only, errors included, in the chosen format.
//   - --json turns the result into one JSON document and changes no fact. A
//     failure is a document then as well: {"error": {...}}.
//   - Text from outside is escaped: see package escape. JSON is too.
//   - JSON keeps the order in which fields are declared, has no HTML escapes,
//     and ends with a newline.
//   - Durations are milliseconds with one decimal.
package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/term"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/escape"
)

// Stdout is standard output. It keeps the first error, so that a command which
// does not check each line it prints still fails when its result was not
// written. Its errors are of type [*Failure].
type Stdout struct {
	file *os.File
	err  error
}

// NewStdout returns standard output written to file.
func NewStdout(file *os.File) *Stdout { return &Stdout{file: file} }

// Write writes b to standard output.
func (o *Stdout) Write(b []byte) (int, error) {
	n, err := o.file.Write(b)
	if err == nil {
		return n, nil
	}
	kind := NotPrinted
	if errors.Is(err, syscall.EPIPE) {
		kind = OutputClosed
	}
	failure := Errorf(kind, "stdout: %w", durable.Cause(err))
	if o.err == nil {
		o.err = failure
	}
	return n, failure
}

// Err returns the first error of Write.
func (o *Stdout) Err() error { return o.err }

// Fd is how the program finds out whether this is a terminal.
func (o *Stdout) Fd() uintptr { return o.file.Fd() }

// WriteJSON writes v as one indented document.
func WriteJSON(w io.Writer, v any) error { return encodeJSON(w, v, "  ") }

// WriteJSONLine writes v as one line.
func WriteJSONLine(w io.Writer, v any) error { return encodeJSON(w, v, "") }

// EndJSON has write print the result of a run as JSON, and returns how the run
// ended: the result says it, so it is not printed again.
func EndJSON(w io.Writer, write func(io.Writer) error, outcome error) error {
	err := write(w)
	switch {
	case err != nil:
		return errors.Join(outcome, err)
	case outcome != nil:
		return Shown{Err: outcome}
	}
	return nil
}

func encodeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escape.JSON(b.String()))
	return err
}

// FailureView is a failure as results show it.
type FailureView struct {
	Code    Code   `json:"code"`
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// ViewFailure returns the view of f.
func ViewFailure(f *Failure) FailureView { return FailureView{f.Code(), f.Kind, f.Error(), f.Hint} }

// WriteFailure writes what --json shows for a failed command.
func WriteFailure(w io.Writer, f *Failure) error {
	return WriteJSONLine(w, struct {
		Error FailureView `json:"error"`
	}{ViewFailure(f)})
}

// Width returns how many columns a terminal has, 0 for what is none.
func Width(w io.Writer) int {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
