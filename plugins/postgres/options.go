package main

import (
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// fileOptions name files.
var fileOptions = []string{"sslrootcert", "sslcert", "sslkey", "passfile", "servicefile"}

// fileVariables name files too.
var fileVariables = []string{"PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGPASSFILE", "PGSERVICEFILE"}

// foreignOptions are options of other tools, with what to do instead.
var foreignOptions = map[string]string{
	"schema":               "write search_path=NAME",
	"currentSchema":        "write search_path=NAME",
	"ssl-mode":             "write sslmode",
	"ssl_mode":             "write sslmode",
	"sslMode":              "write sslmode",
	"sslaccept":            "write sslmode=verify-full or sslmode=require",
	"useSSL":               "write sslmode",
	"ssl-ca":               "write sslrootcert",
	"ssl_ca":               "write sslrootcert",
	"ssl-cert":             "write sslcert",
	"ssl_cert":             "write sslcert",
	"ssl-key":              "write sslkey",
	"ssl_key":              "write sslkey",
	"connect-timeout":      "write connect_timeout",
	"connectTimeout":       "write connect_timeout",
	"timeout":              "write connect_timeout",
	"application-name":     "write application_name",
	"ApplicationName":      "write application_name",
	"targetServerType":     "write target_session_attrs",
	"socket":               "write host=DIRECTORY",
	"unix_socket":          "write host=DIRECTORY",
	"charset":              "leave it out: text is always UTF-8",
	"encoding":             "leave it out: text is always UTF-8",
	"client-encoding":      "leave it out: text is always UTF-8",
	"connection_limit":     "leave it out: batch.max_concurrent bounds the connections",
	"max_connections":      "leave it out: batch.max_concurrent bounds the connections",
	"pool_max_conns":       "leave it out: batch.max_concurrent bounds the connections",
	"pool_size":            "leave it out: batch.max_concurrent bounds the connections",
	"pool_timeout":         "leave it out",
	"pgbouncer":            "leave it out: PgBouncer needs no option",
	"prepareThreshold":     "leave it out: PgBouncer needs no option",
	"statement_cache_size": "leave it out: PgBouncer needs no option",

	"statement_cache_capacity":   "leave it out: PgBouncer needs no option",
	"default_query_exec_mode":    "leave it out: PgBouncer needs no option",
	"description_cache_capacity": "leave it out: PgBouncer needs no option",
}

// checkOptions refuses what pgx would take and we do not: options of other
// tools, and files that reading would not end of.
func checkOptions(address string) error {
	_, query, _ := strings.Cut(address, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return nil // pgx says so
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if instead, foreign := foreignOptions[name]; foreign {
			return sdk.Errorf(sdk.Invalid, "the URL has the option %s of another tool: %s", name, instead)
		}
	}
	for _, name := range fileOptions {
		if err := checkFile("the option "+name+" of the URL", options.Get(name)); err != nil {
			return err
		}
	}
	for _, name := range fileVariables {
		if err := checkFile("the variable "+name, os.Getenv(name)); err != nil {
			return err
		}
	}
	return nil
}

// checkFile leaves it to pgx what a password file means that is not there.
func checkFile(what, path string) error {
	if path == "" || path == "system" {
		return nil
	}
	if _, err := os.Stat(path); os.IsNotExist(err) && strings.Contains(strings.ToLower(what), "passfile") {
		return nil
	}
	return sqlbackend.CheckFile(what, path)
}

// allowed says what an option may be.
var allowed = map[string]string{
	"sslmode":              "is not one of disable, allow, prefer, require, verify-ca, verify-full",
	"sslcertmode":          "is not one of disable, allow, require",
	"sslrootcert":          "names a file without a certificate",
	"connect_timeout":      "is not a number of seconds",
	"target_session_attrs": "is not one of any, read-write, read-only, primary, standby, prefer-standby",
	"channel_binding":      "is not one of disable, prefer, require",
	"service":              "is not in the service file",
	"port":                 "is not a number from 1 to 65535 for each host",
}

// parseError says what is wrong with a URL without quoting any of it. pgx has no
// values for its errors, and their texts quote the URL, in which the password may
// be anywhere: the option to blame is the one without which pgx takes the rest.
func parseError(address string) error {
	if !portsAreNumbers(address) {
		return sdk.Errorf(sdk.Invalid, "the port in the URL is not a number from 1 to 65535, or the URL cannot be read; %s", encoding)
	}
	base, query, _ := strings.Cut(address, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return sdk.Errorf(sdk.Invalid, "the options of the URL cannot be read; %s", encoding)
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		rest := maps.Clone(options)
		delete(rest, name)
		if _, err := pgx.ParseConfig(base + "?" + rest.Encode()); err != nil {
			continue
		}
		wrong := allowed[name]
		if wrong == "" {
			wrong = "has a value that is not allowed"
		}
		return sdk.Errorf(sdk.Invalid, "the URL: %s %s", name, wrong)
	}
	return sdk.Errorf(sdk.Invalid, "%s", unreadable)
}

// encoding is the usual reason why a URL cannot be read.
const encoding = "in user and password write the characters / @ : # ? % [ ] and blanks percent-encoded"

// unreadable is said of a URL, or PG* variables, without knowing more.
const unreadable = "the URL cannot be read, or a PG* variable has a value that is not allowed; " + encoding

// portsAreNumbers looks at the hosts between "://" or "@" and the path.
func portsAreNumbers(address string) bool {
	_, authority, _ := strings.Cut(address, "://")
	authority, _, _ = strings.Cut(authority, "/")
	authority, _, _ = strings.Cut(authority, "?")
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	for host := range strings.SplitSeq(authority, ",") {
		colon := strings.LastIndexByte(host, ':')
		if colon < 0 || strings.HasSuffix(host, "]") {
			continue
		}
		if port := host[colon+1:]; port != "" {
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				return false
			}
		}
	}
	return true
}
