package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/codex-archive/codex/sdk"
)

// schemes lists the URL schemes of the backends that come with the program.
// What a vendor's backend takes is checked when it opens the archive.
func schemes(backend string) []string {
	switch backend {
	case "sqlite":
		return []string{"sqlite"}
	case "postgres":
		return []string{"postgres", "postgresql"}
	case "mariadb":
		return []string{"mysql", "mariadb"}
	}
	return nil
}

// backendOf returns the backend a URL of this scheme is for: one of ours, or
// a vendor's of the same name.
func backendOf(scheme string) string {
	for _, backend := range []string{"sqlite", "postgres", "mariadb"} {
		if slices.Contains(schemes(backend), scheme) {
			return backend
		}
	}
	return scheme
}

var schemePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)
})

// schemeOf returns the scheme of a URL, "" where there is none.
func schemeOf(url string) string {
	if m := schemePattern().FindStringSubmatch(url); m != nil {
		return m[1]
	}
	return ""
}

// showURL returns as much of a URL as a message may show: all but its secrets
// if it parses, else the scheme.
func showURL(raw string) string {
	if _, err := url.Parse(withVariables(raw, "x")); err != nil {
		return schemeOf(raw) + "://…"
	}
	return sdk.RedactURL(raw)
}

// withVariables returns a URL with each ${NAME} in it replaced by text.
func withVariables(raw, text string) string {
	pieces, err := split(raw)
	if err != nil {
		return raw
	}
	var b strings.Builder
	for _, p := range pieces {
		if p.variable {
			p.text = text
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// checkURL checks what the host can know of a URL without its backend.
func checkURL(backend, raw string) (found, allowed string, ok bool) {
	scheme := schemeOf(raw)
	if scheme == "" {
		return "a value that is no URL", address().allowed, false
	}
	if known := schemes(backend); known != nil && !slices.Contains(known, scheme) {
		return showURL(raw), strings.Join(known, ":// ") + "://", false
	}
	if backend == "sqlite" {
		if _, ok := sqlitePath(raw); !ok {
			return showURL(raw), "sqlite:///./x.db (from the project root) or sqlite:////dir/x.db (absolute), without options; ~ is not expanded", false
		}
	}
	return "", "", true
}

// sqlitePath returns the path in a SQLite URL: relative after three slashes,
// absolute after four. It has no escapes, no options, and no ~.
func sqlitePath(raw string) (string, bool) {
	path, ok := strings.CutPrefix(raw, "sqlite:///")
	return path, ok && path != "" && !strings.Contains(path, "?") && !homeless(path)
}

// SQLitePath returns the absolute path of the database file, and false where
// the backend is not SQLite.
func (l *Loaded) SQLitePath() (string, bool) {
	if l.Backend.Type != "sqlite" {
		return "", false
	}
	path, ok := sqlitePath(l.Backend.URL)
	if !ok {
		return "", false
	}
	if path = filepath.FromSlash(path); !filepath.IsAbs(path) {
		path = filepath.Join(l.Root, path)
	}
	return filepath.Clean(path), true
}

// badExpansion is what is wrong with a URL with ${NAME} in it.
type badExpansion struct{ found, allowed string }

func (e *badExpansion) Error() string {
	return fmt.Sprintf("found %s, allowed %s", e.found, e.allowed)
}

// piece is part of a template: literal text, or the name of a variable.
type piece struct {
	text     string
	variable bool
}

// expand replaces each ${NAME} in template by what lookup returns for it.
// $${ is a plain ${. A value that lands in user or password is
// percent-encoded; a template that is only ${NAME} becomes its value. What a
// value holds is never expanded again.
func expand(template string, lookup func(name string) (string, error)) (string, error) {
	pieces, err := split(template)
	if err != nil {
		return "", err
	}
	var out, before strings.Builder // before is out with variables left out
	last := lastAt(pieces)
	for _, p := range pieces {
		if !p.variable {
			out.WriteString(p.text)
			before.WriteString(p.text)
			continue
		}
		value, err := lookup(p.text)
		switch {
		case err != nil:
			return "", err
		case len(pieces) == 1:
			value = strings.TrimSpace(value)
		case holdsCredential(before.String(), last):
			value = percentEncode(value)
		}
		out.WriteString(value)
	}
	return out.String(), nil
}

// split cuts template into its pieces.
func split(template string) ([]piece, error) {
	var pieces []piece
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			pieces = append(pieces, piece{text: literal.String()})
			literal.Reset()
		}
	}
	for rest := template; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "$${"):
			literal.WriteString("${")
			rest = rest[len("$${"):]
		case strings.HasPrefix(rest, "${"):
			name, after, closed := strings.Cut(rest[len("${"):], "}")
			if !closed || !variablePattern().MatchString(name) {
				return nil, &badExpansion{"a ${ without NAME} after it", "${NAME}, or $${ for a plain ${"}
			}
			flush()
			pieces = append(pieces, piece{name, true})
			rest = after
		default:
			literal.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	flush()
	return pieces, nil
}

// lastAt returns where, in the literal text of pieces, the last "@" of the
// authority is, or -1. The authority begins after "://" and ends at the
// next "/", "?" or "#".
func lastAt(pieces []piece) int {
	var b strings.Builder
	for _, p := range pieces {
		if !p.variable {
			b.WriteString(p.text)
		}
	}
	text := b.String()
	start := strings.Index(text, "://")
	if start < 0 {
		return -1
	}
	start += len("://")
	end := len(text)
	if i := strings.IndexAny(text[start:], "/?#"); i >= 0 {
		end = start + i
	}
	if at := strings.LastIndexByte(text[start:end], '@'); at >= 0 {
		return start + at
	}
	return -1
}

// passwordOption is an option of a URL whose value is a password.
var passwordOption = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)[?&][a-z_.-]*(pass|passwd|password|pwd)=[^&#]*`)
})

var credentialOption = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)[?&][a-z_.-]*(user|pass|pwd|secret|token)[a-z_.-]*=[^&]*$`)
})

// holdsCredential reports whether what follows the literal text before is part
// of user or password, or the value of an option that is named like them. at
// is what lastAt returned.
func holdsCredential(before string, at int) bool {
	return strings.Contains(before, "://") && len(before) <= at || credentialOption().MatchString(before)
}

// percentEncode encodes every byte of s but letters, digits and -._~
func percentEncode(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
