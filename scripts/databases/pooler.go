package databases

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Pooler is a PgBouncer in transaction mode in front of a PostgreSQL database: each
// transaction may run on another of its two connections.
type Pooler struct {
	database *Database
	user     *identity
	port     int
	running  *process
}

// poolerEnd ends a pooler: what other signals mean differs between its versions.
const poolerEnd = "KILL"

// NewPooler starts a pooler that lives until t ends.
func (d *Database) NewPooler(t testing.TB) *Pooler {
	t.Helper()
	program, err := find("pgbouncer", []string{"/usr/sbin"})
	require(t, err)
	p := &Pooler{database: d}
	if p.user, err = unprivileged(); err != nil {
		t.Fatal(err)
	}
	for range startAttempts {
		if err = p.start(program); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("start PgBouncer: %v", err)
	}
	t.Cleanup(func() {
		if err := p.running.end(poolerEnd); err != nil {
			t.Errorf("PgBouncer: %v", err)
		}
	})
	return p
}

// start runs the pooler in a new directory, which watch.sh removes, and returns
// when it answers.
func (p *Pooler) start(program string) error {
	var err error
	if p.port, err = freePort(); err != nil {
		return err
	}
	directory, err := os.MkdirTemp(temporary(p.user), "codex-pooler-")
	if err != nil {
		return err
	}
	if err := p.configure(directory); err != nil {
		return errors.Join(err, os.RemoveAll(directory))
	}
	if p.running, err = watch([]string{program, filepath.Join(directory, "ini")}, poolerEnd, p.user, directory); err != nil {
		return errors.Join(err, os.RemoveAll(directory))
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db, err := postgres.open(p.URL() + "?default_query_exec_mode=simple_protocol&sslmode=disable")
	if err != nil {
		return errors.Join(err, p.running.end(poolerEnd))
	}
	defer func() { _ = db.Close() }() // its connections are idle
	if err := p.running.until(ctx, db.PingContext); err != nil {
		log, _ := os.ReadFile(filepath.Join(directory, "log"))
		return errors.Join(fmt.Errorf("%w\n%s", err, tail(log)), p.running.end(poolerEnd), os.RemoveAll(directory))
	}
	return nil
}

// configure writes what PgBouncer reads, for its user only.
func (p *Pooler) configure(directory string) error {
	d := p.database
	host, port, err := net.SplitHostPort(d.server.Address())
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"log":   "",
		"users": fmt.Sprintf("%q %q\n", d.User, d.Password),
		"ini": fmt.Sprintf("[databases]\n%s = host=%s port=%s dbname=%s user=%s password='%s'\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\n"+
			"unix_socket_dir =\nauth_type = plain\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = 2\nserver_tls_sslmode = disable\n",
			d.Name, host, port, d.Name, d.User, strings.ReplaceAll(d.Password, "'", "''"), p.port, filepath.Join(directory, "users")),
	} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return p.user.own(directory)
}

// URL returns the address of the database through the pooler, with its owner's
// password.
func (p *Pooler) URL() string {
	d := p.database
	u := url.URL{Scheme: "postgres", User: url.UserPassword(d.User, d.Password), Host: net.JoinHostPort("127.0.0.1", fmt.Sprint(p.port)), Path: "/" + d.Name}
	return u.String()
}
