package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/codex-archive/codex/sdk"
)

const (
	maxSeconds = 1e9     // about 31 years: still fits a time.Duration
	maxDays    = 36500   // a century: still fits every database's time type
	maxWord    = 64      // bytes of one reason; records allow more, people do not type more
	maxWords   = 100     // of one list
	maxPath    = 4 << 10 // bytes: PATH_MAX on Linux
	none       = "none"  // how one writes that an optional value is absent
)

// valueType is one type of value: how it is written and what it may be.
type valueType[T any] struct {
	allowed  string
	quoted   bool
	fromTOML func(any) (string, bool)
	parse    func(text string) (value T, canonical string, ok bool)
}

func backendName() valueType[string] {
	return valueType[string]{
		"sqlite postgres mariadb, or the NAME of a program codex-archive-NAME", true, tomlString,
		func(s string) (string, string, bool) {
			s = strings.TrimSpace(s)
			return s, s, sdk.ValidBackendName(s)
		},
	}
}

// address is a URL. Only what would break every reader is checked here;
// checkURL knows more.
func address() valueType[string] {
	return valueType[string]{
		"a URL such as sqlite:///./x.db, postgres://user@host/db or mysql://user@host/db", true, tomlString,
		func(s string) (string, string, bool) {
			s = strings.TrimSpace(s)
			return s, s, s != "" && !strings.ContainsFunc(s, unicode.IsControl)
		},
	}
}

func path() valueType[string] {
	return valueType[string]{"path (~ is not expanded)", true, tomlString, func(s string) (string, string, bool) {
		return s, s, s != "" && len(s) <= maxPath && !strings.Contains(s, "\x00") && !homeless(s)
	}}
}

func optionalPath() valueType[string] {
	return valueType[string]{"path (~ is not expanded)", true, tomlString, func(s string) (string, string, bool) {
		if s == "" || s == none {
			return "", none, true
		}
		return path().parse(s)
	}}
}

func oneOf(words ...string) valueType[string] {
	return valueType[string]{strings.Join(words, " "), true, tomlString, func(s string) (string, string, bool) {
		s = strings.ToLower(strings.TrimSpace(s))
		return s, s, slices.Contains(words, s)
	}}
}

func boolean() valueType[bool] {
	return valueType[bool]{"true false", false, tomlBool, func(s string) (bool, string, bool) {
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true", "1", "yes", "on":
			return true, "true", true
		case "false", "0", "no", "off":
			return false, "false", true
		}
		return false, "", false
	}}
}

func integer(low, high int) valueType[int] {
	return valueType[int]{fmt.Sprintf("%d-%d", low, high), false, tomlInteger, func(s string) (int, string, bool) {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		return n, strconv.Itoa(n), err == nil && low <= n && n <= high
	}}
}

func days() valueType[int] {
	k := integer(0, maxDays)
	k.allowed = fmt.Sprintf("days, 0-%d", maxDays)
	return k
}

// daysOrNone takes days as an integer or a string: none must be a string.
func daysOrNone() valueType[int] {
	positive := integer(1, maxDays)
	k := valueType[int]{allowed: fmt.Sprintf("none, or days, 1-%d", maxDays), quoted: true}
	k.fromTOML = func(v any) (string, bool) {
		if s, ok := tomlInteger(v); ok {
			return s, true
		}
		return tomlString(v)
	}
	k.parse = func(s string) (int, string, bool) {
		if s = strings.ToLower(strings.TrimSpace(s)); s == none {
			return 0, none, true
		}
		return positive.parse(s)
	}
	return k
}

// delay is a wait of 0 to high seconds, shown with a decimal.
func delay(allowed string, high float64) valueType[time.Duration] {
	return valueType[time.Duration]{allowed, false, tomlNumber, func(s string) (time.Duration, string, bool) {
		f, ok := number(s, 0, high)
		return time.Duration(f * float64(time.Second)), decimal(f), ok
	}}
}

// span is a time limit: more than nothing, shown without needless decimals.
func span(allowed string) valueType[time.Duration] {
	return valueType[time.Duration]{allowed, false, tomlNumber, func(s string) (time.Duration, string, bool) {
		f, ok := number(s, 0, maxSeconds)
		d := time.Duration(f * float64(time.Second))
		return d, strconv.FormatFloat(f, 'f', -1, 64), ok && d > 0
	}}
}

func factor(low, high float64) valueType[float64] {
	return valueType[float64]{decimal(low) + "-" + decimal(high), false, tomlNumber, func(s string) (float64, string, bool) {
		f, ok := number(s, low, high)
		return f, decimal(f), ok
	}}
}

func number(s string, low, high float64) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return f, err == nil && !math.IsNaN(f) && low <= f && f <= high
}

// decimal writes f with at least one decimal, as the documentation does.
func decimal(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func reasons() valueType[[]string] {
	return valueType[[]string]{"words, such as dead pruned", true, tomlWords, func(s string) ([]string, string, bool) {
		list, ok := words(s, func(w string) bool {
			return len(w) <= maxWord && utf8.ValidString(w) && !strings.ContainsFunc(w, func(r rune) bool { return !unicode.IsPrint(r) })
		})
		return list, strings.Join(list, " "), ok && len(list) > 0
	}}
}

var variablePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
})

func variables() valueType[[]string] {
	return valueType[[]string]{"names of environment variables", true, tomlWords, func(s string) ([]string, string, bool) {
		if t := strings.TrimSpace(s); t == "" || t == none {
			return nil, none, true
		}
		list, ok := words(s, variablePattern().MatchString)
		return list, strings.Join(list, " "), ok
	}}
}

// words splits s at blanks and commas and drops repeated words.
func words(s string, valid func(string) bool) ([]string, bool) {
	var list []string
	for _, w := range splitWords(s) {
		if !valid(w) {
			return nil, false
		}
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
		if len(list) > maxWords {
			return nil, false
		}
	}
	return list, true
}

func splitWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// The TOML side: one function for each type a key may have in a file.

func tomlString(v any) (string, bool) { s, ok := v.(string); return s, ok }

func tomlBool(v any) (string, bool) {
	b, ok := v.(bool)
	return strconv.FormatBool(b), ok
}

func tomlInteger(v any) (string, bool) {
	n, ok := v.(int64)
	return strconv.FormatInt(n, 10), ok
}

func tomlNumber(v any) (string, bool) {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64), true
	}
	return tomlInteger(v)
}

// tomlWords takes an array of words or a string of words.
func tomlWords(v any) (string, bool) {
	array, ok := v.([]any)
	if !ok {
		return tomlString(v)
	}
	list := make([]string, len(array))
	for i, element := range array {
		word, ok := element.(string)
		if !ok || len(splitWords(word)) != 1 {
			return "", false
		}
		list[i] = word
	}
	return strings.Join(list, " "), true
}
