package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// connectTimeout is how long one host may take to let us in where the URL does
// not say (connect_timeout): a host that is down must leave time for the next.
const connectTimeout = 10 * time.Second

// session is set on every connection. A transaction never waits for the host,
// so one that is idle for long belongs to a stopped process and holds locks.
const session = "SET idle_in_transaction_session_timeout = '10s'"

// readOnly is added for an archive that is opened read-only.
const readOnly = "SET default_transaction_read_only = on"

// schemes are libpq's two spellings.
var schemes = []string{"postgres", "postgresql"}

// connect reads the URL, PG* variables, .pgpass and service file as pgx does.
func connect(_ context.Context, o sdk.Options) (sqlbackend.Connection, error) {
	if scheme, _, _ := strings.Cut(o.URL, "://"); !slices.Contains(schemes, scheme) {
		return sqlbackend.Connection{}, sdk.Errorf(sdk.Unsupported, "the URL does not begin with postgres:// or postgresql://")
	}
	config, err := pgx.ParseConfig(absolute(o.URL, o.Dir))
	if err != nil {
		return sqlbackend.Connection{}, parseError(o.URL, err)
	}
	if !plausible(config) {
		return sqlbackend.Connection{}, sdk.Errorf(sdk.Invalid, "%s", unreadable)
	}
	if o.Password != "" {
		config.Password = o.Password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if _, ok := config.RuntimeParams["application_name"]; !ok {
		config.RuntimeParams["application_name"] = "codex-archive"
	}
	connection := sqlbackend.Connection{Place: place(&config.Config), Writable: true}
	if o.Mode == sdk.ReadOnly {
		connection.Read = connector(config, session, readOnly)
	} else {
		connection.Write = connector(config, session)
	}
	return connection, nil
}

// connector makes connections and runs statements on each. They are no start-up
// parameters, because PgBouncer refuses those that it does not know.
func connector(config *pgx.ConnConfig, statements ...string) driver.Connector {
	return stdlib.GetConnector(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, strings.Join(statements, "; "), pgx.QueryExecModeSimpleProtocol)
		return err
	}))
}

// place names the database for people.
func place(config *pgconn.Config) string {
	return "database " + config.Database + " on " + strings.Join(hosts(config), ", ")
}

// hosts are the places that a connection is looked for at, in order: host and
// port, or the directory of a unix socket.
func hosts(config *pgconn.Config) []string {
	var all []string
	add := func(host string, port uint16) {
		if !filepath.IsAbs(host) {
			host = net.JoinHostPort(host, strconv.Itoa(int(port)))
		}
		if !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	add(config.Host, config.Port)
	for _, f := range config.Fallbacks {
		add(f.Host, f.Port)
	}
	return all
}

func severalHosts(config *pgconn.Config) bool { return len(hosts(config)) > 1 }

// fileOptions name files. The contract has relative ones start from the
// project's root, libpq from wherever a program happens to run.
var fileOptions = []string{"sslrootcert", "sslcert", "sslkey", "passfile", "servicefile"}

// absolute makes the paths among the options of address absolute. What does not
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

// parseHints are what pgx may find wrong with a URL, by its words, and what we
// say instead: its own text quotes the URL, and a broken URL may have the
// password anywhere.
var parseHints = []struct{ pgx, ours string }{
	{"invalid port", "the port is not a number from 1 to 65535"},
	{"port numbers to", "there are more ports than hosts, or fewer"},
	{"failed to read service", "the service is not in the service file"},
	{"sslcertmode", "sslcertmode is not one of disable, allow, prefer, require"},
	{"failed to configure TLS", "the TLS options (sslmode, sslrootcert, sslcert, sslkey) are not right"},
	{"connect_timeout", "connect_timeout is not a number of seconds"},
	{"target_session_attrs", "target_session_attrs is not one of any, read-write, read-only, primary, standby, prefer-standby"},
	{"protocol_version", "min_protocol_version or max_protocol_version is not right"},
	{"channel_binding", "channel_binding is not one of disable, prefer, require"},
	{"require_auth", "require_auth is not right"},
}

// parseError says what is wrong with a URL without quoting any of it.
func parseError(address string, err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return sdk.Errorf(sdk.Invalid, "an option of the URL names a file: %s", sdk.Scrub(file.Error(), address))
	}
	text := err.Error()
	if e, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		text = strings.TrimPrefix(text[min(len(text), strings.LastIndex(text, "`: ")+1):], e.ConnString)
	}
	for _, hint := range parseHints {
		if strings.Contains(text, hint.pgx) {
			return sdk.Errorf(sdk.Invalid, "the URL: %s", hint.ours)
		}
	}
	return sdk.Errorf(sdk.Invalid, "%s", unreadable)
}

// unreadable is said of a URL without knowing more.
const unreadable = "the URL cannot be read; in user and password the characters / @ : # ? % [ ] and blanks stand percent-encoded"

// plausible reports whether the hosts can be hosts. pgx ends the password at
// the first "@", so that the rest of one with "@" in it becomes part of the
// host, which then stands in errors.
func plausible(config *pgx.ConnConfig) bool {
	names := []string{config.Host}
	for _, f := range config.Fallbacks {
		names = append(names, f.Host)
	}
	return !slices.ContainsFunc(names, func(host string) bool {
		return !filepath.IsAbs(host) && strings.ContainsAny(host, "@/?# ")
	})
}
