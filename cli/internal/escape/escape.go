// Package escape makes text from outside safe to print. Paths, notes, actors,
// rows of a database, lines of evidence and messages of servers may hold bytes
// that a terminal obeys, or that turn the order of what is read around.
package escape

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// unsafe reports whether r is escaped: control characters (C0, C1, DEL),
// bidirectional controls, and every other character that has no shape of its
// own but the space.
func unsafe(r rune) bool { return !unicode.IsPrint(r) }

// Text returns s on one line. Characters that are not safe, and bytes that are
// not UTF-8, become escapes as Go and C write them.
func Text(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, unsafe) {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// AppendString appends s as a string of JSON, in quotes, with escapes where JSON or
// this package want them.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(dst, quoted(s)...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // a string has no error
	}
	return JSON(strings.TrimSuffix(b.String(), "\n"))
}

// JSON returns JSON text with the same meaning, in which the characters that are
// not safe are \u escapes. Line ends and tabs between the values stay.
func JSON(text string) string {
	if !strings.ContainsFunc(text, unsafeInJSON) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for _, r := range text {
		if !unsafeInJSON(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// unsafeInJSON leaves out what JSON forbids inside strings: outside them it is
// white space.
func unsafeInJSON(r rune) bool { return r > ' ' && unsafe(r) }
