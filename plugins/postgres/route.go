package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// route makes connections to the first host of the URL that takes one. pgx can
// try several hosts, but sends the first one's password to all of them, and says
// in words only which host an error is about.
type route struct {
	database string
	ways     []way
}

// way is one host, with or without TLS: where sslmode only prefers one of the
// two, a host is two ways.
type way struct {
	name   string // host and port
	config *pgx.ConnConfig
}

// newRoute takes a config apart. Each host has its own password: of the password
// file, unless the URL or an option has one for all.
func newRoute(config *pgx.ConnConfig, address, password string) (*route, error) {
	r := &route{database: config.Database}
	ends := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, end := range ends {
		one := config.Copy()
		one.Host, one.Port, one.TLSConfig, one.Fallbacks = end.Host, end.Port, end.TLSConfig, nil
		if password != "" {
			one.Password = password
		} else if end.Host != config.Host || end.Port != config.Port {
			alone, err := pgx.ParseConfig(withHost(address, end.Host, end.Port))
			if err != nil {
				return nil, parseError(address)
			}
			one.Password = alone.Password
		}
		r.ways = append(r.ways, way{hostName(end.Host, end.Port), one})
	}
	return r, nil
}

// withHost is address with one host only.
func withHost(address, host string, port uint16) string {
	base, query, _ := strings.Cut(address, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return address // it has been parsed before
	}
	options.Set("host", host)
	options.Set("port", strconv.Itoa(int(port)))
	return base + "?" + options.Encode()
}

// Driver implements [driver.Connector].
func (r *route) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// Connect implements [driver.Connector]. Like libpq it tries no other host after
// a wrong password or a database that does not exist.
func (r *route) Connect(ctx context.Context) (driver.Conn, error) {
	failed := &connectError{route: r}
	for _, w := range r.ways {
		if failed.isPointless(w) {
			continue
		}
		conn, err := w.connect(ctx)
		if err == nil {
			return conn, nil
		}
		failed.tries = append(failed.tries, *err)
		if ctx.Err() != nil || err.isFinal() {
			return nil, failed
		}
	}
	// With target_session_attrs=prefer-standby the primary is better than nothing.
	for _, t := range failed.tries {
		if !t.notPreferred {
			continue
		}
		t.way.config = t.way.config.Copy()
		t.way.config.ValidateConnect = nil
		if conn, err := t.way.connect(ctx); err == nil {
			return conn, nil
		}
	}
	return nil, failed
}

// connect tries this way.
func (w way) connect(ctx context.Context) (driver.Conn, *try) {
	t := &try{way: w}
	config := w.config.Copy()
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil || config.TLSConfig == nil {
			return conn, err
		}
		return &greeting{Conn: conn, refused: &t.refusedTLS}, nil
	}
	if validate := config.ValidateConnect; validate != nil {
		config.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
			err := validate(ctx, conn)
			if _, ok := errors.AsType[*pgconn.NotPreferredError](err); ok {
				t.notPreferred = true
				return errNotPreferred // pgx would take the host after all
			}
			return err
		}
	}
	conn, err := stdlib.GetConnector(*config).Connect(ctx)
	if err != nil {
		t.err = err
		return nil, t
	}
	return conn, nil
}

var errNotPreferred = errors.New("it is not a standby")

// greeting sees a server refuse TLS, for which pgx has no value: it reads one
// byte as the answer to its request, "N" for no.
type greeting struct {
	net.Conn
	refused *bool
	read    bool
}

// Read implements [net.Conn].
func (g *greeting) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if !g.read && n == 1 && len(p) == 1 && p[0] == 'N' {
		*g.refused = true
	}
	g.read = g.read || n > 0
	return n, err
}

// place names the database for people.
func (r *route) place() string {
	return "database " + r.database + " on " + strings.Join(r.hosts(), ", ")
}

// hosts are the places that a connection is looked for at, in order.
func (r *route) hosts() []string {
	var all []string
	for _, w := range r.ways {
		if !slices.Contains(all, w.name) {
			all = append(all, w.name)
		}
	}
	return all
}
