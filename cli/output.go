package main

// The rules of output, kept in this file and nowhere else:
//
//   - stdout carries the result and nothing but the result;
//   - stderr carries log lines only, errors included, in the chosen format;
//   - --json turns the result into one JSON document and changes no fact; a
//     failure then is a document as well: {"error": {...}};
//   - JSON keeps the order in which fields are declared, has no HTML escapes,
//     and ends with a newline;
//   - durations are milliseconds with one decimal.

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// outlet is standard output. It remembers the first error, so that a command
// which does not look at each line it prints still fails where the result could
// not be written.
type outlet struct {
	*os.File
	err error
}

func (o *outlet) Write(b []byte) (int, error) {
	n, err := o.File.Write(b)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// WriteString is Write: that of the file would pass by.
func (o *outlet) WriteString(s string) (int, error) { return o.Write([]byte(s)) }

// writeJSON writes v as one indented document.
func writeJSON(w io.Writer, v any) error {
	return encodeJSON(w, v, "  ")
}

// writeJSONLine writes v as one line.
func writeJSONLine(w io.Writer, v any) error {
	return encodeJSON(w, v, "")
}

func encodeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// writeFailure writes what --json shows for a failed command.
func writeFailure(w io.Writer, f *failure) error {
	type body struct {
		Code    int    `json:"code"`
		Kind    string `json:"kind"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	}
	return writeJSONLine(w, struct {
		Error body `json:"error"`
	}{body{f.code, f.kind, f.Error(), f.hint}})
}

// millis is a duration as results show it: milliseconds with one decimal.
type millis time.Duration

func (m millis) value() float64 {
	return float64(time.Duration(m).Round(100*time.Microsecond)) / float64(time.Millisecond)
}

func (m millis) String() string { return fmt.Sprintf("%.1fms", m.value()) }

// MarshalJSON writes a number.
func (m millis) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%.1f", m.value()), nil }

// pathText returns path as text, and its bytes in base64 where they are not
// UTF-8.
func pathText(path string) (text, b64 string) {
	if utf8.ValidString(path) {
		return path, ""
	}
	return strings.ToValidUTF8(path, "\uFFFD"), base64.StdEncoding.EncodeToString([]byte(path))
}

// printable returns s with control characters as escapes, for terminals.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
