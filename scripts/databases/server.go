package databases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk/backendtest/cutproxy"
)

// startTimeout bounds a start of a server: 0.1 to 1 s on an idle machine.
const startTimeout = 2 * time.Minute

// startAttempts is how often a new server is tried with another port, because
// the free one may be taken before the server listens on it.
const startAttempts = 5

// product is what differs between the database servers.
type product struct {
	name     string
	programs func() (programs, error)
	// initialise returns the command that makes an empty data directory.
	initialise func(s *Server) []string
	// serve returns the command that runs the server in the foreground.
	serve func(s *Server) []string
	// files are written into the server's directory before initialise, with
	// access for its user only.
	files func(s *Server) map[string]string
	// url returns how user reaches a database; "" is the superuser
	// and for the database that is always there.
	url func(s *Server, c credentials, socket bool) string
	// open opens what url returned.
	open func(url string) (*sql.DB, error)
	// create and drop are the statements around a database and its owner.
	create, drop func(c credentials) []string
	// durable are the settings of a server that waits for the disk, and size is
	// the query for the bytes of the database that is connected to.
	durable []string
	size    string
	// stop asks for a clean end without waiting for clients; kill is as near
	// to a crash as leaves nothing behind on the machine.
	stop, kill string
}

// programs are the paths of a product's programs.
type programs struct{ initialise, serve string }

// credentials say who asks for which database.
type credentials struct{ user, password, database string }

// Server is a private database server.
type Server struct {
	product   product
	programs  programs
	settings  []string
	directory string // of everything; the programs' user owns it
	port      int
	password  string // of the superuser
	authority authority
	user      *identity // whom the programs run as; nil: ourselves
	running   *process  // nil while stopped
	attached  bool      // another process runs it
	clock     []string  // before the command of the server: what changes its clock
}

// newServer starts a server in a new directory.
func newServer(p product, settings []string) (*Server, error) {
	s, err := prepared(p, settings)
	if err != nil {
		return nil, err
	}
	if err := s.firstStart(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.directory))
	}
	return s, nil
}

// prepared returns a server that has not been started yet.
func prepared(p product, settings []string) (*Server, error) {
	found, err := p.programs()
	if err != nil {
		return nil, err
	}
	user, err := unprivileged()
	if err != nil {
		return nil, err
	}
	s := &Server{product: p, programs: found, settings: settings, password: secret(), user: user}
	if s.authority, err = newAuthority(); err != nil {
		return nil, err
	}
	shared, err := sharedAccess(p)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(shared); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.directory))
	}
	return s, nil
}

// prepare makes the directory and the empty data in it. Where there is a shared
// server its template is copied, which takes a tenth of the time.
func (s *Server) prepare(shared *access) error {
	if shared != nil {
		s.password = shared.Password
	}
	if err := s.makeDirectory(s.product.files(s)); err != nil {
		return err
	}
	if shared != nil {
		return s.run("cp", "-a", filepath.Join(shared.Directory, template), s.data())
	}
	return s.run(s.product.initialise(s)...)
}

// makeDirectory makes the server's directory with files and its certificates.
func (s *Server) makeDirectory(files map[string]string) error {
	directory, err := os.MkdirTemp(temporary(s.user), "codex-db-")
	if err != nil {
		return err
	}
	s.directory = directory
	files["server.crt"], files["server.key"], files["ca.crt"] = s.authority.certificate, s.authority.key, s.authority.root
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return s.user.own(directory)
}

// run runs a program to its end, as the user of the server.
func (s *Server) run(command ...string) error {
	if out, err := run(command, s.user, s.directory); err != nil {
		return fmt.Errorf("%s: %w\n%s", command[0], err, out)
	}
	return nil
}

// firstStart looks for a port.
func (s *Server) firstStart() error {
	var err error
	for range startAttempts {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.start(); err == nil {
			return nil
		}
	}
	return err
}

// start runs the server and returns when it answers.
func (s *Server) start() error {
	p, err := watch(append(slices.Clone(s.clock), s.product.serve(s)...), s.product.kill, s.user, s.directory)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db, err := s.product.open(s.product.url(s, credentials{}, true))
	if err != nil {
		return errors.Join(err, p.end(s.product.kill))
	}
	defer func() { _ = db.Close() }() // its connections are idle
	if err := p.until(ctx, db.PingContext); err != nil {
		log, _ := os.ReadFile(s.log())
		return errors.Join(fmt.Errorf("start %s: %w\n%s", s.product.name, err, tail(log)), p.end(s.product.kill))
	}
	s.running = p
	return nil
}

// Start starts a stopped server again, on the same port.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if s.attached || s.running != nil {
		t.Fatal("the server is running")
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop stops the server cleanly, and its clients' connections with it.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.halt(t, s.product.stop)
}

// Kill stops the server as a crash would: what was not durable is lost.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.halt(t, s.product.kill)
}

// Restart is Stop, then Start.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.Start(t)
}

func (s *Server) halt(t testing.TB, signal string) {
	t.Helper()
	if s.attached {
		t.Fatal("the server is shared with other tests: start one for this test")
	}
	if s.running == nil {
		t.Fatal("the server is stopped")
	}
	if err := s.running.end(signal); err != nil {
		t.Fatal(err)
	}
	s.running = nil
}

// remove ends the server and its directory.
func (s *Server) remove() error {
	var err error
	if s.running != nil {
		err = s.running.end(s.product.kill)
	}
	return errors.Join(err, os.RemoveAll(s.directory))
}

// Address returns host and port of the server.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(s.port)) }

// NewProxy returns a proxy before the server, until t ends.
func (s *Server) NewProxy(t testing.TB) *cutproxy.Proxy {
	t.Helper()
	p, err := cutproxy.Listen(s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// CAFile returns the path of the certificate that signed the server's, which
// is for localhost, 127.0.0.1 and ::1.
func (s *Server) CAFile() string { return filepath.Join(s.directory, "ca.crt") }

// log returns the path of what the server wrote.
func (s *Server) log() string { return filepath.Join(s.directory, "log") }

// data returns the data directory.
func (s *Server) data() string { return filepath.Join(s.directory, "data") }

// tail returns the end of a log, which says why a server did not start.
func tail(log []byte) []byte {
	return log[max(0, len(log)-4<<10):]
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }() // it accepted nothing
	return l.Addr().(*net.TCPAddr).Port, nil
}
