package sqltest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// Dial returns connections as the engine gets them.
func (s *Suite) Dial(t *testing.T, o sdk.Options) (*sql.DB, error) {
	t.Helper()
	c, err := s.Dialect.Connect(t.Context(), o)
	if err != nil {
		return nil, err
	}
	connector := c.Write
	if connector == nil {
		connector = c.Read
	}
	db := OpenDB(t, connector)
	return db, db.PingContext(t.Context())
}

// OpenDB opens a database until the test ends.
func OpenDB(t *testing.T, connector driver.Connector) *sql.DB {
	t.Helper()
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() }) // the test is over
	return db
}

// Connection takes a connection until the test ends.
func Connection(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test is over
	return c
}

// Failure is a way to an error of a database.
type Failure func(t *testing.T, d *databases.Database) error

// Script runs statements on one connection, the last of which is to fail.
func (s *Suite) Script(statements ...string) Failure {
	return func(t *testing.T, d *databases.Database) error {
		db, err := s.Dial(t, sdk.Options{URL: d.URL(), Mode: sdk.ReadWrite})
		if err != nil {
			t.Fatal(err)
		}
		c := Connection(t, db)
		for i, statement := range statements {
			if _, err = c.ExecContext(t.Context(), statement); err != nil && i < len(statements)-1 {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		return err
	}
}

// Login opens a connection that is to be refused.
func (s *Suite) Login(o func(d *databases.Database) sdk.Options) Failure {
	return func(t *testing.T, d *databases.Database) error {
		_, err := s.Dial(t, o(d))
		return err
	}
}

// Contend begins two transactions that each change a row of t, after setting on
// both connections, and returns what first on the one or second on the other
// ends in.
func (s *Suite) Contend(setting, begin, first, second string) Failure {
	return func(t *testing.T, d *databases.Database) error {
		db, err := s.Dial(t, sdk.Options{URL: d.URL(), Mode: sdk.ReadWrite})
		if err != nil {
			t.Fatal(err)
		}
		one, two := Connection(t, db), Connection(t, db)
		run := func(c *sql.Conn, statement string) error {
			_, err := c.ExecContext(t.Context(), statement)
			return err
		}
		for _, step := range []struct {
			on        *sql.Conn
			statement string
		}{
			{one, "CREATE TABLE t (n " + s.Integer + " PRIMARY KEY, v " + s.Integer + ")"},
			{one, "INSERT INTO t VALUES (1, 0), (2, 0)"},
			{two, setting}, {one, begin}, {two, begin},
			{one, "UPDATE t SET v = 1 WHERE n = 1"},
			{two, "UPDATE t SET v = 2 WHERE n = 2"},
		} {
			if err := run(step.on, step.statement); err != nil {
				t.Fatalf("%s: %v", step.statement, err)
			}
		}
		waits := make(chan error, 1)
		go func() { waits <- run(one, first) }()
		err = run(two, second)
		if end := run(two, "ROLLBACK"); end != nil {
			t.Fatal(end)
		}
		if firstErr := <-waits; err == nil {
			err = firstErr
		}
		return err
	}
}

// ErrorCase is an error of a server, and what Classify makes of it.
type ErrorCase struct {
	Name string
	Fail Failure
	Want sqlbackend.Class // Msg: a part of it
}

// Case returns an ErrorCase.
func Case(name string, fail Failure, want sqlbackend.Class) ErrorCase {
	return ErrorCase{name, fail, want}
}

// Errors brings about errors, each on a database of its own.
func (s *Suite) Errors(t *testing.T, cases []ErrorCase) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s.Check(t, c.Fail(t, s.Database(t)), c.Want)
		})
	}
}

// DialAll connects in each of several ways.
func (s *Suite) DialAll(t *testing.T, ways map[string]sdk.Options) {
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Dial(t, o); err != nil {
				t.Error(err)
			}
		})
	}
}

// BrokenURL is a URL that is refused.
type BrokenURL struct {
	URL  string
	Kind sdk.Kind
	Says string // the error
}

// Broken returns a BrokenURL.
func Broken(url string, kind sdk.Kind, says string) BrokenURL { return BrokenURL{url, kind, says} }

// BrokenURLs are refused without a word of them: what could be a password begins
// with canary. dir is where relative paths start.
func (s *Suite) BrokenURLs(t *testing.T, dir string, urls []BrokenURL) {
	for _, u := range urls {
		_, err := s.Dialect.Connect(t.Context(), sdk.Options{URL: u.URL, Dir: dir})
		if sdk.KindOf(err) != u.Kind || !strings.Contains(fmt.Sprint(err), u.Says) {
			t.Errorf("%s: %v %v, want kind %v and %q", u.URL, sdk.KindOf(err), err, u.Kind, u.Says)
		}
		if err != nil && strings.Contains(err.Error(), "canary") && !strings.Contains(u.URL, "/canary/") {
			t.Errorf("%s: the error %q quotes the URL", u.URL, err)
		}
	}
}

// Check compares what Classify makes of an error with want, of whose Msg a part
// is enough.
func (s *Suite) Check(t *testing.T, err error, want sqlbackend.Class) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	got := s.Dialect.Classify(err)
	if !strings.Contains(got.Msg, want.Msg) || strings.Contains(got.Msg, "\n") || strings.Contains(got.Msg, "canary") {
		t.Errorf("message %q of %v, want one line with %q and no secret", got.Msg, err, want.Msg)
	}
	got.Msg = want.Msg
	if got != want {
		t.Errorf("%v\nis %+v\nwant %+v", err, got, want)
	}
}

// Silence returns an address that takes connections and never answers, as a
// server does that hangs.
func Silence(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test is over
	return l.Addr().String()
}

// ClosedPort returns an address that takes no connections.
func ClosedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // its port is all that is wanted
	return l.Addr().String()
}

// Await asks until query is true.
func Await(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for done := false; !done; {
		if err := db.QueryRowContext(ctx, query).Scan(&done); err != nil {
			t.Fatal(err)
		}
	}
}

// filesOfOptions refuses files that reading would not end of, before anything
// reads them.
func (s *Suite) filesOfOptions(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, option := range s.FileOptions {
		for _, path := range []string{os.DevNull, dir, large} {
			_, err := s.Dialect.Connect(t.Context(), sdk.Options{URL: s.Driver.Schemes[0] + "://u@host.invalid/db?" + option + "=" + path})
			if sdk.KindOf(err) != sdk.Invalid || !strings.Contains(fmt.Sprint(err), option) {
				t.Errorf("%s=%s: %v", option, path, err)
			}
		}
	}
}

// ForeignOptions refuses options of other tools, each with what to write instead.
func (s *Suite) ForeignOptions(t *testing.T, instead map[string]string) {
	for option, says := range instead {
		_, err := s.Dialect.Connect(t.Context(), sdk.Options{URL: s.Driver.Schemes[0] + "://u@host.invalid/db?" + option + "=canary"})
		text := fmt.Sprint(err)
		if sdk.KindOf(err) != sdk.Invalid || !strings.Contains(text, option) || !strings.Contains(text, says) || strings.Contains(text, "canary") {
			t.Errorf("%s: %v; want an error that says %q", option, err, says)
		}
	}
}
