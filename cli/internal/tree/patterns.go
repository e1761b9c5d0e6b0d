package tree

import (
	"fmt"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Patterns are lines as in a .gitignore file; the last that matches decides.
type Patterns []pattern

type pattern struct {
	glob    string
	negated bool
	dirOnly bool
	name    bool // matches the last element of a path, at any depth
}

// ParsePatterns reads patterns in gitignore's syntax.
func ParsePatterns(lines []string) (Patterns, error) {
	var all Patterns
	for _, line := range lines {
		p, ok := parsePattern(line)
		if !ok {
			continue
		}
		if !doublestar.ValidatePattern(p.glob) {
			return nil, fmt.Errorf("found %q, allowed patterns as in .gitignore", line)
		}
		all = append(all, p)
	}
	return all, nil
}

// parsePattern reads a line. It reports false for a blank line and a comment.
func parsePattern(line string) (pattern, bool) {
	line = trimBlanks(line)
	if line == "" || line[0] == '#' {
		return pattern{}, false
	}
	var p pattern
	line, p.negated = strings.CutPrefix(line, "!")
	line, p.dirOnly = strings.CutSuffix(line, "/")
	p.name = !strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if inside, ok := strings.CutSuffix(line, "/**"); ok {
		line = inside + "/**/*" // what is inside, without the directory itself
	}
	p.glob = dialect.Replace(line)
	return p, p.glob != ""
}

// dialect turns git's patterns into doublestar's: braces mean nothing to git,
// and its classes have names.
var dialect = strings.NewReplacer(
	`\\`, `\\`, `\{`, `\{`, `\}`, `\}`, `{`, `\{`, `}`, `\}`,
	"[:alnum:]", "0-9A-Za-z", "[:alpha:]", "A-Za-z", "[:blank:]", " \t", "[:cntrl:]", "\x00-\x1f\x7f",
	"[:digit:]", "0-9", "[:graph:]", "!-~", "[:lower:]", "a-z", "[:print:]", " -~",
	"[:punct:]", "!-/:-@\\[-`{-~", "[:space:]", " \t\n\v\f\r", "[:upper:]", "A-Z", "[:xdigit:]", "0-9A-Fa-f",
)

// trimBlanks cuts blanks off the end, but not one behind a backslash.
func trimBlanks(line string) string {
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	return line
}

// Match reports whether name, relative and with forward slashes, is excluded.
// Its parents are not looked at.
func (p Patterns) Match(name string, dir bool) bool {
	base := path.Base(name)
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].dirOnly && !dir {
			continue
		}
		subject := name
		if p[i].name {
			subject = base
		}
		if doublestar.MatchUnvalidated(p[i].glob, subject) {
			return !p[i].negated
		}
	}
	return false
}

// matchBelow is [Patterns.Match] for a file of which no parent was looked at:
// it is excluded as well where a directory above it is.
func (p Patterns) matchBelow(name string) bool {
	for i, c := range name {
		if c == '/' && i > 0 && p.Match(name[:i], true) {
			return true
		}
	}
	return p.Match(name, false)
}
