package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ValueError is what is wrong with one setting. Its text is one line:
// "where: key: found X, allowed Y".
type ValueError struct {
	Hint string // what to do, "" where the text says it

	where   string // FILE:LINE, a variable or a flag
	key     string // "" where the whole file is wrong
	found   string
	allowed string
}

func (p *ValueError) Error() string {
	var b strings.Builder
	if p.where != "" {
		b.WriteString(p.where + ": ")
	}
	if p.key != "" {
		b.WriteString(p.key + ": ")
	}
	fmt.Fprintf(&b, "found %s, allowed %s", p.found, p.allowed)
	return b.String()
}

// maxShown bounds what a message quotes of a value.
const maxShown = 80 // bytes

// show returns a value for a message: plain where that is unmistakable, quoted
// otherwise. What looks like a URL or a connection string is not shown at all:
// people do put them into the wrong key.
func show(value string) string {
	switch {
	case value == "":
		return "nothing"
	case strings.Contains(value, "://"):
		return "a URL"
	case strings.Contains(value, "@"), strings.Contains(strings.ToLower(value), "password"):
		return "a value not shown here"
	case len(value) > maxShown:
		return fmt.Sprintf("%d bytes", len(value))
	case !plain(value):
		return strconv.Quote(value)
	}
	return value
}

// showName returns the name of a key, file or variable for a message, on one
// line whatever it holds.
func showName(name string) string {
	if len(name) > maxPath {
		name = name[:maxPath]
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToGraphic(name)
	}
	return name
}

func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == '"' || r == ','
	})
}
