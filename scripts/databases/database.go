package databases

import (
	"database/sql"
	"testing"
)

// Database is an empty database and the user who owns it, who has every right
// in it and none elsewhere.
type Database struct {
	Name     string
	User     string
	Password string

	server *Server
}

// awkward begins every password, so that every test shows that passwords with
// the characters that mean something in URLs work.
const awkward = "p/@:#?%&=+ ü"

// Database makes a database that is dropped when t ends.
func (s *Server) Database(t testing.TB) *Database {
	t.Helper()
	d, err := s.create()
	if err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Drop(); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return d
}

func (s *Server) create() (*Database, error) {
	// Names of MariaDB's users end at 80 characters, PostgreSQL's at 63.
	name := "t_" + secret()[:16]
	d := &Database{Name: name, User: name, Password: awkward + secret(), server: s}
	return d, s.execute(s.product.create(d.credentials()))
}

// Drop removes the database. A test's is dropped when the test ends.
func (d *Database) Drop() error {
	if !d.server.attached && d.server.running == nil {
		return nil
	}
	return d.server.execute(d.server.product.drop(d.credentials()))
}

// execute executes statements as the superuser.
func (s *Server) execute(statements []string) error {
	admin, err := s.product.open(s.product.url(s, credentials{}, true))
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }() // its connections are idle
	for _, statement := range statements {
		if _, err := admin.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// Server returns the server that holds the database.
func (d *Database) Server() *Server { return d.server }

// URL returns the address of the database over TCP, with its owner's password.
func (d *Database) URL() string { return d.server.product.url(d.server, d.credentials(), false) }

// SocketURL returns the address of the database over a unix socket.
func (d *Database) SocketURL() string { return d.server.product.url(d.server, d.credentials(), true) }

// URLAs returns the address of the database over TCP for another user.
func (d *Database) URLAs(user, password string) string {
	return d.server.product.url(d.server, credentials{user, password, d.Name}, false)
}

// Admin returns a superuser's connections to the database, closed when t ends.
func (d *Database) Admin(t testing.TB) *sql.DB {
	t.Helper()
	return d.server.admin(t, d.Name)
}

func (d *Database) credentials() credentials { return credentials{d.User, d.Password, d.Name} }

func (s *Server) admin(t testing.TB, database string) *sql.DB {
	t.Helper()
	db, err := s.product.open(s.product.url(s, credentials{database: database}, true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its connections are idle
	return db
}
