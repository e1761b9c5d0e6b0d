package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// UntrustedError is why the archive must not be opened: the project's own file
// is not trusted and says more than such a file may.
type UntrustedError struct {
	Source  Source
	Key     string
	Found   string // redacted
	Allowed string
	Why     string   // why the file is not trusted
	Sends   []string // what the backend would get: see [Loaded.Sends]
}

func (e *UntrustedError) Error() string {
	text := fmt.Sprintf("%s: %s: found %s in a file that is not trusted (%s), allowed %s", e.Source, e.Key, e.Found, e.Why, e.Allowed)
	if len(e.Sends) > 0 {
		text += "; nothing was sent, it would get " + strings.Join(e.Sends, ", ")
	}
	return text
}

// Refusal returns why the archive must not be opened, nil where it may be.
func (l *Loaded) Refusal() error { return l.refusal }

// refuse keeps the archive from being opened. The first reason is kept.
func (l *loader) refuse(o *Origin, found, allowed string) bool {
	if l.loaded.refusal == nil {
		l.loaded.refusal = &UntrustedError{
			Source: o.Source, Key: o.Key, Found: found, Allowed: allowed, Why: l.loaded.Trust.Why, Sends: l.loaded.sends,
		}
	}
	return true
}

// refuseBackend reports whether the backend is one that an untrusted file may
// not choose. Which database files it may name is for checkDatabase to say.
func (l *loader) refuseBackend() bool {
	kind, url, password := l.origin("backend.type"), l.origin("backend.url"), l.origin("backend.password_file")
	for _, o := range []*Origin{kind, url, password} {
		if l.untrusted(o.Source) && l.diverts(o) {
			return true
		}
	}
	inside := "a SQLite file inside " + showName(l.loaded.Root)
	implied := backendOf(schemeOf(url.Value))
	switch {
	case l.untrusted(password.Source):
		return l.refuse(password, show(password.Value), "none")
	case l.untrusted(url.Source) && (strings.Contains(url.text, "${") || implied != "sqlite"):
		return l.refuse(url, showURL(url.Value), inside)
	case l.untrusted(kind.Source) && kind.Value != implied:
		return l.refuse(kind, show(kind.Value), inside)
	}
	return false
}

// diverts refuses a value that differs from what a variable says: it was meant
// for another archive.
func (l *loader) diverts(o *Origin) bool {
	for _, loser := range o.Overruled {
		if loser.Source.Layer == Environment && loser.Value != o.Value {
			return l.refuse(o, fmt.Sprintf("%s, but %s says %s", showBackend(o.Value), loser.Source.Name, showBackend(loser.Value)),
				"what the environment says")
		}
	}
	return false
}

func showBackend(value string) string {
	if schemeOf(value) != "" {
		return showURL(value)
	}
	return show(value)
}

// Sends lists what a server that the file names would get: variables that are set,
// and the entry for it in .pgpass.
func (l *Loaded) Sends() []string { return l.sends }

// sends lists the variables that the backend would get, or a URL would carry
// to it, and that are set. A driver looks into .pgpass by itself.
func (l *loader) sends() []string {
	var names []string
	add := func(name string) {
		if value, ok := l.options.Env(name); ok && value != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	url := l.origin("backend.url")
	for _, name := range Variables(url.text) {
		names = append(names, "${"+name+"}")
	}
	implied := backendOf(schemeOf(url.Value))
	for _, pair := range l.options.Environ {
		name, _, _ := strings.Cut(pair, "=")
		postgres := strings.HasPrefix(name, "PG")
		mariadb := strings.HasPrefix(name, "MYSQL_") || strings.HasPrefix(name, "MARIADB_")
		if postgres && implied != "mariadb" && implied != "sqlite" || mariadb && implied != "postgres" && implied != "sqlite" {
			add(name)
		}
	}
	add("CODEX_ARCHIVE_PASSWORD_FILE")
	for _, name := range l.loaded.Plugins.PassEnv {
		add(name)
	}
	if home, _ := l.options.Env("HOME"); home != "" && implied == "postgres" {
		if path := filepath.Join(home, ".pgpass"); isRegular(path) {
			names = append(names, "the entry for its host in "+path)
		}
	}
	return names
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// Variables returns the names of the variables that a URL in a file names.
func Variables(url string) []string {
	pieces, err := split(url)
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range pieces {
		if p.variable {
			names = append(names, p.text)
		}
	}
	return names
}

// WithoutPassword returns a URL as a file writes it, with each literal password
// replaced by "***". A password that names variables is kept, and so is what
// another reader might take for part of the address: two URLs that lead to two
// places stay different.
func WithoutPassword(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		authority := rest
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority = rest[:i]
		}
		user, _, _ := strings.Cut(authority, "@")
		name, password, ok := strings.Cut(user, ":")
		if ok && strings.Count(authority, "@") == 1 && plainPassword(password) {
			start := len(url) - len(rest) + len(name) + 1
			url = url[:start] + "***" + url[start+len(password):]
		}
	}
	return passwordOption().ReplaceAllStringFunc(url, func(option string) string {
		name, value, _ := strings.Cut(option, "=")
		if strings.Contains(value, "${") {
			return option
		}
		return name + "=***"
	})
}

// plainPassword reports whether s is a literal that every reader of URLs takes
// for a password.
func plainPassword(s string) bool {
	return s != "" && !strings.ContainsAny(s, "${},[]\\;@ ") && sdk.RedactURL("x://x:"+s+"@x") == "x://x:***@x"
}
