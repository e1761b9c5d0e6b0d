//go:build unix

package databases

import (
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// products are both servers, with the functions that tests reach them by.
var products = []struct {
	product product
	shared  func(testing.TB) *Database
	private func(testing.TB, ...string) *Server
}{
	{postgres, Postgres, NewPostgres},
	{mariadb, MariaDB, NewMariaDB},
}

func open(t *testing.T, p product, url string) *sql.DB {
	t.Helper()
	db, err := p.open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestDatabase(t *testing.T) {
	for _, p := range products {
		t.Run(p.product.name, func(t *testing.T) {
			t.Parallel()
			first, second := p.shared(t), p.shared(t)
			if first.Name == second.Name || first.Server() != second.Server() {
				t.Errorf("databases %q and %q: want two on one server", first.Name, second.Name)
			}
			for _, url := range []string{first.URL(), first.SocketURL()} {
				if _, err := open(t, p.product, url).Exec("CREATE TABLE IF NOT EXISTS mine (n INT)"); err != nil {
					t.Errorf("owner: %v", err)
				}
			}
			if _, err := open(t, p.product, second.URL()).Exec("SELECT n FROM mine"); err == nil {
				t.Error("a table of one database is seen in another")
			}
			if _, err := open(t, p.product, first.URLAs(first.User, "wrong")).Exec("SELECT 1"); err == nil {
				t.Error("a wrong password is taken")
			}
			if _, err := first.Admin(t).Exec("DROP TABLE mine"); err != nil {
				t.Errorf("superuser: %v", err)
			}
		})
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	for _, p := range products {
		t.Run(p.product.name, func(t *testing.T) {
			var gone *Database
			t.Run("test", func(t *testing.T) { gone = p.shared(t) })
			if gone == nil {
				t.Skip("there is no server")
			}
			if _, err := open(t, p.product, gone.URL()).Exec("SELECT 1"); err == nil {
				t.Error("the database outlived its test")
			}
		})
	}
}

func TestStopAndStart(t *testing.T) {
	for _, p := range products {
		t.Run(p.product.name, func(t *testing.T) {
			t.Parallel()
			server := p.private(t)
			db := open(t, p.product, server.Database(t).URL())
			exec := func(statement string) {
				t.Helper()
				if _, err := db.Exec(statement); err != nil {
					t.Error(err)
				}
			}
			exec("CREATE TABLE kept (n INT)")
			server.Stop(t)
			if err := db.Ping(); err == nil {
				t.Error("a stopped server answers")
			}
			server.Start(t)
			exec("SELECT n FROM kept")
			server.Kill(t)
			server.Start(t)
			exec("SELECT n FROM kept")
			server.Restart(t)
			exec("SELECT n FROM kept")
		})
	}
}

func TestSettings(t *testing.T) {
	postgres, mariadb := NewPostgres(t, "max_connections=7"), NewMariaDB(t, "max_connections=17")
	var found string
	if err := postgres.admin(t, "").QueryRow("SHOW max_connections").Scan(&found); err != nil || found != "7" {
		t.Errorf("PostgreSQL: max_connections %s, %v; want 7", found, err)
	}
	if err := mariadb.admin(t, "").QueryRow("SELECT @@max_connections").Scan(&found); err != nil || found != "17" {
		t.Errorf("MariaDB: max_connections %s, %v; want 17", found, err)
	}
}

// childVariable makes the test binary a process that starts servers, says
// where they are, and waits to be killed.
const childVariable = "CODEX_TEST_DATABASES_CHILD"

func TestServersEndWithAKilledProcess(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		for _, p := range products {
			s := p.private(t)
			os.Stdout.WriteString("server " + s.directory + "\n")
		}
		os.Stdout.WriteString("ready\n")
		select {}
	}
	for _, p := range products {
		_, err := p.product.programs()
		require(t, err)
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	buf := make([]byte, 1<<10)
	for !strings.Contains(said.String(), "ready\n") {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			t.Fatalf("child: %v\n%s", err, said.String())
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	for line := range strings.Lines(said.String()) {
		if directory, ok := strings.CutPrefix(strings.TrimSpace(line), "server "); ok {
			awaitGone(t, directory)
		}
	}
}

// awaitGone waits until a directory is removed, which its watcher does last.
func awaitGone(t *testing.T, directory string) {
	t.Helper()
	deadline := time.Now().Add(endTimeout)
	for time.Now().Before(deadline) {
		if _, err := os.Stat(directory); errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(pingInterval)
	}
	t.Errorf("%s is still there", directory)
}

func TestServerEndIsNoticed(t *testing.T) {
	s := NewPostgres(t)
	// The server ends behind our back, as by the machine's out-of-memory killer.
	if err := syscall.Kill(s.running.server, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-s.running.gone
	if _, err := os.Stat(s.data()); err != nil {
		t.Errorf("data: %v; want it kept for a start", err)
	}
	s.running = nil
	s.Start(t)
}
