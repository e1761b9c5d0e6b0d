// Package databases starts private PostgreSQL and MariaDB servers for tests.
//
// A server lives in a temporary directory, listens on a unix socket and on a
// port of the loopback interface that was free, and never touches a server of
// the machine. Each [Database] is fresh, has an owner of its own, and is
// dropped when its test ends. [Postgres] and [MariaDB] return databases of a
// shared server: the one that [Share] started for all test binaries, or else
// one for this test binary. [NewPostgres] and [NewMariaDB] start a server for a
// test that stops it, or changes its settings.
//
// Servers end with the process that started them, however it ends: see watch.sh.
//
// The programs come from the system's packages, which install.sh beside this
// file installs. Where they are missing a test is skipped; it fails instead
// where the environment has CI=true or CODEX_TEST_REQUIRE_DATABASES=1. Under
// go test -short every test that needs a server is skipped.
package databases

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// errMissing is wrapped by errors that say which program is not installed.
var errMissing = errors.New("not installed (scripts/databases/install.sh installs it)")

// shared is the server of a whole test binary. It is never stopped, because no
// test knows that it is the last to use it: it ends with the process.
type shared struct {
	once   sync.Once
	server *Server
	err    error
}

// The only package variables that change: a test binary has no other place
// for what its tests share.
var sharedPostgres, sharedMariaDB shared

// Postgres returns a fresh database of this test binary's PostgreSQL server.
func Postgres(t testing.TB) *Database {
	t.Helper()
	return sharedPostgres.database(t, postgres)
}

// MariaDB returns a fresh database of this test binary's MariaDB server.
func MariaDB(t testing.TB) *Database {
	t.Helper()
	return sharedMariaDB.database(t, mariadb)
}

// NewPostgres starts a PostgreSQL server that lives until t ends. Settings
// such as "max_connections=5" go before those that make tests fast.
func NewPostgres(t testing.TB, settings ...string) *Server {
	t.Helper()
	return private(t, postgres, settings)
}

// NewMariaDB starts a MariaDB server that lives until t ends. Settings such as
// "max_allowed_packet=1M" go before those that make tests fast.
func NewMariaDB(t testing.TB, settings ...string) *Server {
	t.Helper()
	return private(t, mariadb, settings)
}

func (s *shared) database(t testing.TB, p product) *Database {
	t.Helper()
	needsServer(t)
	s.once.Do(func() { s.server, s.err = sharedServer(p) })
	require(t, s.err)
	return s.server.Database(t)
}

func private(t testing.TB, p product, settings []string) *Server {
	t.Helper()
	needsServer(t)
	s, err := newServer(p, settings)
	require(t, err)
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Errorf("remove server: %v", err)
		}
	})
	return s
}

// needsServer skips the test where only fast tests are wanted.
func needsServer(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("short: needs a database server")
	}
}

// require ends the test when there is no server.
func require(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errMissing) && !mustHave():
		fmt.Fprintf(os.Stderr, "SKIPPED %s: %v\n", t.Name(), err)
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

func mustHave() bool {
	return os.Getenv("CI") == "true" || os.Getenv("CODEX_TEST_REQUIRE_DATABASES") == "1"
}

// secret returns a random word: a password, or the end of a name.
func secret() string { return strings.ToLower(rand.Text()) }
