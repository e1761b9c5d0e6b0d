package config

import (
	"fmt"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// Layer is a place that values come from. Higher layers win.
type Layer int

// The layers, lowest first.
const (
	Default Layer = iota
	Environment
	ProjectFile  // .codex/archive.toml at the project root
	ExplicitFile // --config, or CODEX_ARCHIVE_CONFIG
	FlagLayer    // --set, or a flag of its own
)

// Source is where one value was found.
type Source struct {
	Layer Layer
	Name  string // the variable or flag; the file as messages show it
	Line  int    // in a file, from 1
}

// String returns the source as people write it: "flag --url", "FILE:LINE",
// "environment CODEX_ARCHIVE_URL", "default".
func (s Source) String() string {
	switch s.Layer {
	case FlagLayer:
		return "flag " + s.Name
	case ExplicitFile, ProjectFile:
		return fmt.Sprintf("%s:%d", s.Name, s.Line)
	case Environment:
		return "environment " + s.Name
	}
	if s.Name != "" {
		return s.Name
	}
	return "default"
}

// where is the beginning of a message about a value from s: as String, but
// without the word that says what kind of place it is.
func (s Source) where() string {
	switch s.Layer {
	case FlagLayer:
		name, _, _ := strings.Cut(s.Name, " ") // "--set section.key": the key follows anyway
		return name
	case Environment:
		return s.Name
	}
	return s.String()
}

// Setting is a value and where it was found.
type Setting struct {
	Value  string // in canonical form, as one would write it; may hold secrets
	Source Source

	text string // as it was written
}

// Shown returns the value without its secrets.
func (s Setting) Shown() string { return sdk.RedactURL(s.Value) }

// Origin is one key, the setting that won, and those that lost to it, highest
// layer first. The default is not among the losers.
type Origin struct {
	Key string
	Setting
	// Written is the value as its source has it, ${NAME} not replaced.
	Written   string
	Overruled []Setting
}

// Warning is something the user should know though nothing is wrong.
type Warning struct {
	Message string
	Pairs   []any // key, value, key, value, for a structured log
}

// Origins returns where each value came from, in the order of [Keys].
func (l *Loaded) Origins() []Origin { return l.origins }

// Origin returns where the value of the key called name came from, and an
// empty Origin if there is no such key.
func (l *Loaded) Origin(name string) Origin {
	for _, o := range l.origins {
		if o.Key == name {
			return o
		}
	}
	return Origin{}
}

// Chosen reports whether the value of the key called name was chosen: it
// is not the default, nor derived from another key.
func (l *Loaded) Chosen(name string) bool { return l.Origin(name).Source.Layer != Default }

// Scrub returns text with the secrets of all configured URLs, overruled ones
// included, and all other passwords known here replaced by "***". It may be
// called at the same time from several goroutines.
func (l *Loaded) Scrub(text string) string {
	if password := l.password.Load(); password != nil {
		text = sdk.Scrub(text, asURL(*password))
	}
	return sdk.Scrub(text, l.secrets...)
}

// asURL returns a URL whose only secret is password, for [sdk.Scrub].
func asURL(password string) string { return "x://x:" + percentEncode(password) + "@x" }
