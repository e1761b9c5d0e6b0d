package main

import (
	"context"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// connectTimeout is how long one host may take to accept a connection where the
// URL does not say (connect_timeout): a host that is down must leave time for the
// next.
const connectTimeout = 10 * time.Second

// schemes are libpq's two spellings.
var schemes = []string{"postgres", "postgresql"}

// connect reads the URL, PG* variables, .pgpass and service file as pgx does.
func connect(_ context.Context, o sdk.Options) (sqlbackend.Connection, error) {
	if scheme, _, _ := strings.Cut(o.URL, "://"); !slices.Contains(schemes, scheme) {
		return sqlbackend.Connection{}, sdk.Errorf(sdk.Unsupported, "the URL does not begin with postgres:// or postgresql://")
	}
	address := absolute(o.URL, o.Dir)
	if err := checkOptions(address); err != nil {
		return sqlbackend.Connection{}, err
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return sqlbackend.Connection{}, parseError(address)
	}
	if !plausible(config) {
		return sqlbackend.Connection{}, sdk.Errorf(sdk.Invalid, "%s", unreadable)
	}
	statements, err := startup(config)
	if err != nil {
		return sqlbackend.Connection{}, err
	}
	// Statements have no names: behind a pooler the next transaction may run on
	// another of its connections.
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	way, err := newRoute(config, address, o.Password)
	if err != nil {
		return sqlbackend.Connection{}, err
	}
	connection := sqlbackend.Connection{Place: way.place(), Writable: true, Settings: statements}
	if o.Mode == sdk.ReadOnly {
		connection.Read = way
	} else {
		connection.Write = way
	}
	return connection, nil
}

// startup leaves two parameters for the start of a connection, because poolers
// refuse those that they do not know, and returns statements that set the others
// in each transaction.
func startup(config *pgx.ConnConfig) (string, error) {
	given := config.RuntimeParams
	name := given["application_name"]
	if name == "" {
		name = "codex-archive"
	}
	// Whatever encoding the server, the database or the role have: text is UTF-8.
	config.RuntimeParams = map[string]string{"application_name": name, "client_encoding": "UTF8"}
	delete(given, "application_name")
	delete(given, "client_encoding")
	if options, ok := given["options"]; ok {
		delete(given, "options")
		if err := parseOptions(options, given); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(given)) {
		b.WriteString("; SELECT set_config(" + literal(name) + ", " + literal(given[name]) + ", true)")
	}
	return b.String(), nil
}

// literal is s as a text in SQL, whatever standard_conforming_strings is.
func literal(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''")
	return "E'" + s + "'"
}

// parseOptions adds to settings what the option "options", or PGOPTIONS, sets as
// "-c name=value" or "--name=value". Blanks and backslashes in a value have a
// backslash before them.
func parseOptions(options string, settings map[string]string) error {
	words := optionWords(options)
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		setting, ok := strings.CutPrefix(word, "--")
		if !ok {
			if setting, ok = strings.CutPrefix(word, "-c"); ok && setting == "" && len(words) > 0 {
				setting, words = words[0], words[1:]
			}
		}
		name, value, isSetting := strings.Cut(setting, "=")
		if !ok || !isSetting || name == "" {
			return sdk.Errorf(sdk.Invalid, "the option options of the URL, or PGOPTIONS, has something else than -c name=value")
		}
		settings[strings.ReplaceAll(name, "-", "_")] = value
	}
	return nil
}

// optionWords splits at blanks that have no backslash before them.
func optionWords(s string) []string {
	var words []string
	var word strings.Builder
	inside, escaped := false, false
	for _, r := range s + " " {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\':
			inside, escaped = true, true
		case strings.ContainsRune(" \t\n\r\v\f", r):
			if inside {
				words = append(words, word.String())
			}
			word.Reset()
			inside = false
		default:
			word.WriteRune(r)
			inside = true
		}
	}
	return words
}

// hostName is host and port for people, or the directory of a unix socket.
func hostName(host string, port uint16) string {
	if filepath.IsAbs(host) {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// absolute makes the paths among the options of address absolute: they start
// from the project's root, libpq's from the current directory. What does not
// parse is left to pgx.
func absolute(address, dir string) string {
	base, query, _ := strings.Cut(address, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return address
	}
	changed := false
	for _, name := range fileOptions {
		if path := options.Get(name); path != "" && path != "system" && !filepath.IsAbs(path) {
			options.Set(name, filepath.Join(dir, path))
			changed = true
		}
	}
	if !changed {
		return address
	}
	return base + "?" + options.Encode()
}

// plausible reports whether the hosts can be hosts. pgx ends the password at
// the first "@", so that the rest of one with "@" in it becomes part of the
// host, which errors quote.
func plausible(config *pgx.ConnConfig) bool {
	names := []string{config.Host}
	for _, f := range config.Fallbacks {
		names = append(names, f.Host)
	}
	return !slices.ContainsFunc(names, func(host string) bool {
		return !filepath.IsAbs(host) && strings.ContainsAny(host, "@/?# ")
	})
}
