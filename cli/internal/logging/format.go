package logging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/escape"
)

// format writes a line, newline included. colour asks for a coloured level
// where the format has one.
type format func(l line, colour bool) []byte

// timestamp is UTC with milliseconds.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// textLine writes "[TIME] LEVEL message key=value". The stack of a panic follows
// on lines of its own, which begin as no log line does.
func textLine(l line, colour bool) []byte {
	var b strings.Builder
	b.WriteString("[" + timestamp(l.at) + "] ")
	level := strings.ToUpper(l.level.String())
	if colour {
		level = colourOf(l.level) + level + "\x1b[0m"
	}
	b.WriteString(level + " " + escape.Text(l.msg))
	stack := ""
	for _, p := range l.pairs {
		switch {
		case p.key == stackKey:
			stack = textStack(p.value)
		case !p.quiet:
			b.WriteString(" " + textKey(p.key) + "=" + textValue(p.value))
		}
	}
	b.WriteString("\n" + stack)
	return []byte(b.String())
}

// stackKey is the key under which a backend's panic comes with its stack.
const stackKey = "stack"

// textStack returns a stack with a margin before each of its lines.
func textStack(value any) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(fmt.Sprint(value)), "\n") {
		b.WriteString("  | " + escape.Text(line) + "\n")
	}
	return b.String()
}

func colourOf(level hclog.Level) string {
	switch level {
	case hclog.Error:
		return "\x1b[31m"
	case hclog.Warn:
		return "\x1b[33m"
	case hclog.Info:
		return "\x1b[32m"
	}
	return "\x1b[90m"
}

// textKey returns key so that it ends before the "=".
func textKey(key string) string {
	if bare(key) {
		return key
	}
	return strconv.Quote(key)
}

func textValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case []string:
		return textKey(strings.Join(v, ","))
	case string:
		return textKey(v)
	}
	return fmt.Sprint(value)
}

// bare reports whether s needs no quotes.
func bare(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == ' ' || r == '"' || r == '=' || !unicode.IsPrint(r)
	})
}

// jsonLine writes {"ts":…,"level":…,"msg":…} and the pairs after them.
func jsonLine(l line, _ bool) []byte {
	var b bytes.Buffer
	b.WriteString(`{"ts":` + jsonString(timestamp(l.at)) + `,"level":` + jsonString(l.level.String()) + `,"msg":` + jsonString(l.msg))
	for _, p := range l.pairs {
		b.WriteString("," + jsonString(jsonKey(p.key)) + ":" + jsonValue(p.value))
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// jsonKey keeps a pair from repeating one of the three first keys.
func jsonKey(key string) string {
	if key == "ts" || key == "level" || key == "msg" {
		return "_" + key
	}
	return key
}

func jsonValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case number:
		return string(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = jsonString(s)
		}
		return "[" + strings.Join(quoted, ",") + "]"
	}
	return jsonString(fmt.Sprint(value))
}

// jsonString quotes s. Besides what JSON demands it escapes what a terminal
// might act on.
func jsonString(s string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string and a buffer: neither can fail
	return escape.JSON(strings.TrimSuffix(b.String(), "\n"))
}
