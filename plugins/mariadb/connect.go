package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// schemes are the product's name and the protocol's.
var schemes = []string{"mysql", "mariadb"}

// connectTimeout is how long the server may take to let us in where the URL
// does not say (connect-timeout).
const connectTimeout = 10 * time.Second

// maxPacket is the largest packet we send. Any server takes it: 1 MiB was the
// smallest default of max_allowed_packet there ever was. Fixing it saves the
// driver a question for each connection.
const maxPacket = 1 << 20

// settings are made on every connection. At READ COMMITTED a group sees content
// that another has just committed. Strict mode makes errors of values that do
// not fit. A transaction never waits for the host, so one that is idle for long
// belongs to a stopped process and holds locks. Text is UTF-8, whatever the
// server, its init_connect or its idea of the handshake say. A server may also
// have defaults that cut every answer (sql_select_limit), refuse statements that
// are meant (sql_safe_updates, sql_big_selects), look for no duplicates
// (unique_checks), or begin and end transactions in another way.
var settings = map[string]string{
	"autocommit":               "1",
	"character_set_client":     "'utf8mb4'",
	"character_set_results":    "'utf8mb4'",
	"collation_connection":     "'utf8mb4_bin'",
	"completion_type":          "'NO_CHAIN'",
	"group_concat_max_len":     "10000",
	"idle_transaction_timeout": "10",
	"sql_big_selects":          "1",
	"sql_mode":                 "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'",
	"sql_safe_updates":         "0",
	"sql_select_limit":         "18446744073709551615",
	"tx_isolation":             "'READ-COMMITTED'",
	"unique_checks":            "1",
}

// connect reads the URL and MYSQL_PWD.
func connect(_ context.Context, o sdk.Options) (sqlbackend.Connection, error) {
	a, err := parse(o.URL, o.Dir)
	if err != nil {
		return sqlbackend.Connection{}, err
	}
	if o.Password != "" {
		a.password = o.Password
	}
	config, err := a.config()
	if err != nil {
		return sqlbackend.Connection{}, err
	}
	unbounded, err := mysql.NewConnector(config)
	if err != nil {
		return sqlbackend.Connection{}, sdk.Errorf(sdk.Invalid, "the URL: %s", sdk.Scrub(err.Error(), o.URL, "://:"+a.password+"@"))
	}
	connector := bounded{unbounded, a.place(), a.timeout, o.Mode > sdk.ReadOnly}
	connection := sqlbackend.Connection{
		Place:          a.place(),
		Writable:       true,
		StatementBytes: maxPacket / 2, // the rest is for a last row that is larger, and for the text around the values
	}
	if o.Mode == sdk.ReadOnly {
		connection.Read = connector
	} else {
		connection.Write = connector
	}
	return connection, nil
}

// bounded limits the whole start of a connection to timeout, and names the
// server in errors. The driver bounds only the dialling: the system of a server
// that hangs still takes connections, which are never answered.
type bounded struct {
	driver.Connector
	place   string
	timeout time.Duration
	logRows bool // for connections that write
}

// Connect implements [driver.Connector].
func (b bounded) Connect(ctx context.Context) (driver.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	conn, err := b.Connector.Connect(limited)
	if err == nil && b.logRows {
		if err = logRows(limited, conn); err != nil {
			_ = conn.Close() // the first error says more
		}
	}
	if err == nil {
		return conn, nil
	}
	if limited.Err() != nil {
		err = limited.Err() // the driver may only see that its connection was closed
	}
	return nil, &connectError{b.place, err}
}

// address is what a URL says.
type address struct {
	user, password string
	host           string // with port
	socket         string // a path, instead of host
	database       string
	tls            string // an option of that name, see tlsModes
	ca, cert, key  string // paths
	timeout        time.Duration
}

// tlsModes are the driver's words; "preferred" is the default over TCP, as it
// is of pgx: encrypted where the server can.
var tlsModes = []string{"true", "false", "skip-verify", "preferred"}

// options sets what follows the "?" of a URL. Paths start from dir.
var options = map[string]func(a *address, value, dir string) bool{
	"socket":   func(a *address, v, dir string) bool { a.socket = absolute(v, dir); return v != "" },
	"ssl-ca":   func(a *address, v, dir string) bool { a.ca = absolute(v, dir); return v != "" },
	"ssl-cert": func(a *address, v, dir string) bool { a.cert = absolute(v, dir); return v != "" },
	"ssl-key":  func(a *address, v, dir string) bool { a.key = absolute(v, dir); return v != "" },
	"tls":      func(a *address, v, _ string) bool { a.tls = v; return slices.Contains(tlsModes, v) },
	"connect-timeout": func(a *address, v, _ string) bool {
		seconds, err := strconv.ParseUint(v, 10, 16)
		a.timeout = time.Duration(seconds) * time.Second
		return err == nil && seconds > 0
	},
}

// foreignOptions are options of other tools, with what to do instead.
var foreignOptions = map[string]string{
	"ssl-mode":          tlsInstead,
	"ssl_mode":          tlsInstead,
	"sslmode":           tlsInstead,
	"sslMode":           tlsInstead,
	"useSSL":            tlsInstead,
	"requireSSL":        tlsInstead,
	"ssl":               tlsInstead,
	"sslaccept":         tlsInstead,
	"sslrootcert":       "write ssl-ca",
	"sslca":             "write ssl-ca",
	"ssl_ca":            "write ssl-ca",
	"serverSslCert":     "write ssl-ca",
	"sslcert":           "write ssl-cert",
	"ssl_cert":          "write ssl-cert",
	"sslkey":            "write ssl-key",
	"ssl_key":           "write ssl-key",
	"unix_socket":       "write socket",
	"localSocket":       "write socket",
	"timeout":           "write connect-timeout",
	"connect_timeout":   "write connect-timeout",
	"connectTimeout":    "write connect-timeout",
	"schema":            "write the database after the host: mysql://user@host/database",
	"database":          "write the database after the host: mysql://user@host/database",
	"charset":           textInstead,
	"collation":         textInstead,
	"characterEncoding": textInstead,
	"useUnicode":        textInstead,
	"encoding":          textInstead,
	"connection_limit":  poolInstead,
	"pool_timeout":      poolInstead,
	"pool_size":         poolInstead,
	"maxPoolSize":       poolInstead,
	"max_connections":   poolInstead,
	"parseTime":         leaveOut,
	"loc":               leaveOut,
	"serverTimezone":    leaveOut,
	"readTimeout":       leaveOut,
	"writeTimeout":      leaveOut,
	"autoReconnect":     leaveOut,
	"multiStatements":   leaveOut,
	"interpolateParams": leaveOut,

	"allowPublicKeyRetrieval": leaveOut,
}

// What to do instead of the options of other tools.
const (
	tlsInstead  = "write tls=true, tls=skip-verify, tls=preferred or tls=false"
	textInstead = "leave it out: text is always UTF-8"
	poolInstead = "leave it out: batch.max_concurrent bounds the connections"
	leaveOut    = "leave it out"
)

func absolute(path, dir string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// parse reads a URL. Its errors quote nothing of it but names of options: in a
// broken URL the password may be anywhere.
func parse(text, dir string) (*address, error) {
	if scheme, _, _ := strings.Cut(text, "://"); !slices.Contains(schemes, scheme) {
		return nil, sdk.Errorf(sdk.Unsupported, "the URL does not begin with mysql:// or mariadb://")
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return nil, sdk.Errorf(sdk.Invalid, "the URL cannot be read; in user and password write the characters / @ : # ? %% [ ] and blanks percent-encoded")
	}
	a := &address{
		user:     cmp.Or(u.User.Username(), os.Getenv("USER")),
		database: strings.TrimPrefix(u.Path, "/"),
		host:     net.JoinHostPort(cmp.Or(u.Hostname(), "localhost"), cmp.Or(u.Port(), "3306")),
		timeout:  connectTimeout,
	}
	// A "/" in a name is percent-encoded.
	if a.database == "" || strings.Contains(strings.TrimPrefix(u.EscapedPath(), "/"), "/") {
		return nil, sdk.Errorf(sdk.Invalid, "the URL names no database: mysql://user@host/database")
	}
	if port, err := strconv.ParseUint(cmp.Or(u.Port(), "3306"), 10, 16); err != nil || port == 0 {
		return nil, sdk.Errorf(sdk.Invalid, "the URL: the port is not a number from 1 to 65535")
	}
	if password, ok := u.User.Password(); ok {
		a.password = password
	} else {
		a.password = os.Getenv("MYSQL_PWD")
	}
	return a, a.setOptions(u.RawQuery, dir)
}

func (a *address) setOptions(query, dir string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return sdk.Errorf(sdk.Invalid, "the options of the URL cannot be read")
	}
	for name, given := range values {
		set, known := options[name]
		instead, foreign := foreignOptions[name]
		switch {
		case foreign:
			return sdk.Errorf(sdk.Invalid, "the URL has the option %s of another tool: %s", name, instead)
		case !known:
			return sdk.Errorf(sdk.Invalid, "the URL has an unknown option; there are socket, tls, ssl-ca, ssl-cert, ssl-key, connect-timeout")
		case len(given) > 1:
			return sdk.Errorf(sdk.Invalid, "the URL has the option %s twice", name)
		case !set(a, given[0], dir):
			return sdk.Errorf(sdk.Invalid, "the option %s of the URL has a value that is not allowed", name)
		}
	}
	return nil
}

// place names the database for people.
func (a *address) place() string { return "database " + a.database + " on " + cmp.Or(a.socket, a.host) }

// config says it in the driver's words.
func (a *address) config() (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = a.user, a.password, a.database
	c.Net, c.Addr = "tcp", a.host
	if a.socket != "" {
		c.Net, c.Addr = "unix", a.socket
	}
	c.Timeout = a.timeout
	c.MaxAllowedPacket = maxPacket
	c.ClientFoundRows = true // an UPDATE that changes nothing has found its row all the same
	c.Params = settings
	c.ConnectionAttributes = "program_name:codex-archive"
	c.Logger = &mysql.NopLogger{} // what it would say comes back as an error
	return c, a.setTLS(c)
}

// setTLS verifies the server whenever the URL names a certificate authority.
func (a *address) setTLS(c *mysql.Config) error {
	files := a.ca != "" || a.cert != "" || a.key != ""
	for option, path := range map[string]string{"ssl-ca": a.ca, "ssl-cert": a.cert, "ssl-key": a.key} {
		if path == "" {
			continue
		}
		if err := sqlbackend.CheckFile("the option "+option+" of the URL", path); err != nil {
			return err
		}
	}
	switch {
	case a.tls == "false" && files:
		return sdk.Errorf(sdk.Invalid, "the URL says tls=false, and names files for TLS")
	case (a.cert == "") != (a.key == ""):
		return sdk.Errorf(sdk.Invalid, "the URL has one of ssl-cert and ssl-key; a client certificate needs both")
	case a.tls == "" && !files && a.socket == "":
		c.TLSConfig = "preferred"
	case files || a.tls == "true":
		var err error
		c.TLS, err = a.tlsConfig()
		return err
	default:
		c.TLSConfig = a.tls
	}
	return nil
}

// tlsConfig is for options that the driver has no word for. Over a socket the
// driver does not know whom the certificate must be for.
func (a *address) tlsConfig() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(a.host)
	if err != nil {
		return nil, sdk.Errorf(sdk.Invalid, "the host of the URL cannot be read")
	}
	config := &tls.Config{
		ServerName: host, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: a.tls == "skip-verify" || a.tls == "preferred" && a.ca == "",
	}
	if a.ca != "" {
		if config.RootCAs, err = certificates(a.ca); err != nil {
			return nil, err
		}
	}
	if a.cert != "" {
		pair, err := tls.LoadX509KeyPair(a.cert, a.key)
		if err != nil {
			return nil, sdk.Errorf(sdk.Invalid, "ssl-cert and ssl-key of the URL: %v", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func certificates(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, sdk.Errorf(sdk.Invalid, "ssl-ca of the URL: %v", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, sdk.Errorf(sdk.Invalid, "ssl-ca of the URL: %s holds no certificate", path)
	}
	return pool, nil
}
