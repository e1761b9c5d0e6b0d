package logging

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// pair is a key and its value, which is one of string, number, bool, nil or
// []string.
type pair struct {
	key   string
	value any
	quiet bool // in JSON lines only
}

// JSONOnly is a value that lines of text leave out, because their message says
// it already or only programs want it.
type JSONOnly struct{ Value any }

// number is a number as both formats write it.
type number string

// suffix ends the keys of durations, all of which are milliseconds.
const suffix = "_ms"

// makePair brings any value into one of the few forms that are written.
func makePair(key string, value any, scrub func(string) string) pair {
	if only, ok := value.(JSONOnly); ok {
		p := makePair(key, only.Value, scrub)
		p.quiet = true
		return p
	}
	if d, ok := value.(time.Duration); ok {
		if !strings.HasSuffix(key, suffix) {
			key += suffix
		}
		return pair{key: key, value: milliseconds(float64(d) / float64(time.Millisecond))}
	}
	v := plainValue(value, scrub)
	if n, ok := v.(number); ok && strings.HasSuffix(key, suffix) {
		if f, err := strconv.ParseFloat(string(n), 64); err == nil {
			v = milliseconds(f)
		}
	}
	return pair{key: key, value: v}
}

func milliseconds(ms float64) number { return number(strconv.FormatFloat(ms, 'f', 1, 64)) }

func plainValue(value any, scrub func(string) string) any {
	switch v := value.(type) {
	case nil:
		return nil
	case bool:
		return v
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return number(fmt.Sprint(v))
	case float32:
		return float(float64(v), 32)
	case float64:
		return float(v, 64)
	case string:
		return scrub(v)
	case []byte:
		return scrub(string(v))
	case time.Time:
		return timestamp(v)
	case []string:
		return each(v, scrub)
	case hclog.Format:
		return scrub(formatted(v))
	}
	return scrub(special(value)) // Sprint survives a String method that panics
}

// special writes hclog's own types as hclog does, and all others as fmt does.
func special(value any) string {
	switch v := value.(type) {
	case hclog.Hex:
		return "0x" + strconv.FormatUint(uint64(v), 16)
	case hclog.Octal:
		return "0" + strconv.FormatUint(uint64(v), 8)
	case hclog.Binary:
		return "0b" + strconv.FormatUint(uint64(v), 2)
	}
	return fmt.Sprint(value)
}

func formatted(f hclog.Format) string {
	if len(f) == 0 {
		return ""
	}
	layout, ok := f[0].(string)
	if !ok {
		return fmt.Sprint(f...)
	}
	return fmt.Sprintf(layout, f[1:]...)
}

// float is a number, or a string for what JSON has no number for.
func float(f float64, bits int) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, bits)
	}
	return number(strconv.FormatFloat(f, 'f', -1, bits))
}

func each(list []string, scrub func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = scrub(s)
	}
	return out
}

// keyText returns the text of a key, which ought to be a string.
func keyText(key any) string {
	if s, ok := key.(string); ok {
		return s
	}
	return fmt.Sprint(key)
}

// OnlyJSON returns pairs for lines of JSON only: the message of a line of text
// says the same.
func OnlyJSON(pairs ...any) []any {
	out := slices.Clone(pairs)
	for i := 1; i < len(out); i += 2 {
		out[i] = JSONOnly{Value: out[i]}
	}
	return out
}
