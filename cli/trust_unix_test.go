//go:build unix

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// trapServer is a database server that greets, asks for the password, and keeps
// all that it was sent.
type trapServer struct {
	address string

	mutex   sync.Mutex
	clients int
	seen    []byte
}

func newTrapServer(t *testing.T, converse func(net.Conn, func([]byte))) *trapServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s := &trapServer{address: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mutex.Lock()
			s.clients++
			s.mutex.Unlock()
			converse(conn, s.keep)
			conn.Close()
		}
	}()
	return s
}

func (s *trapServer) keep(data []byte) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.seen = append(s.seen, data...)
}

// got returns how many clients came, and what they sent.
func (s *trapServer) got() (int, string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.clients, string(s.seen)
}

// postgresTrap refuses TLS and asks for the password in clear text.
func postgresTrap(conn net.Conn, keep func([]byte)) {
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		body := make([]byte, min(binary.BigEndian.Uint32(head), 1<<16)-4)
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		keep(body)
		if len(body) == 4 { // SSLRequest
			conn.Write([]byte("N"))
			continue
		}
		conn.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3}) // AuthenticationCleartextPassword
		break
	}
	answer := make([]byte, 1024)
	n, _ := conn.Read(answer)
	keep(answer[:n])
}

// mysqlTrap greets as a server of MariaDB does, and keeps the answer.
func mysqlTrap(conn net.Conn, keep func([]byte)) {
	greeting := append([]byte{10}, "5.5.5-10.11.0-MariaDB\x00"...)
	greeting = append(greeting, 1, 0, 0, 0, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 0)
	greeting = append(greeting, 0x08, 0x82, 33, 2, 0, 0x08, 0, 21) // protocol 4.1, secure connection, plugin auth, database
	greeting = append(greeting, make([]byte, 10)...)
	greeting = append(greeting, "ijklmnopqrst\x00mysql_native_password\x00"...)
	conn.Write(append([]byte{byte(len(greeting)), 0, 0, 0}, greeting...))
	answer := make([]byte, 1024)
	n, _ := conn.Read(answer)
	keep(answer[:n])
}

// TestNothingIsSentBeforeTrust: a clone names a server of its own, and the
// user's environment is full of secrets. No command connects. Once the file is
// accepted the server gets them: the trap works.
func TestNothingIsSentBeforeTrust(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		converse func(net.Conn, func([]byte))
		url      string   // of a server at %s
		secrets  []string // what the server gets once it is trusted
	}{
		{"postgres", postgresTrap, "postgres://alice@%s/db?sslmode=disable", []string{"CaNaRyPG"}},
		{"postgres with a variable", postgresTrap, "postgres://alice:${CODEX_API_KEY}@%s/db?sslmode=disable", []string{"CaNaRyKey"}},
		{"postgres with a host list", postgresTrap, "postgres://alice@127.0.0.1:1,%s/db?sslmode=disable", []string{"CaNaRyPG"}},
		{"postgres with a service file", postgresTrap, "postgres://%s/db?sslmode=disable&service=s&servicefile=SERVICES", nil},
		{"mariadb", mysqlTrap, "mysql://alice@%s/db", []string{"alice"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := newTrapServer(t, c.converse)
			p := newProject(t)
			services := filepath.Join(p.dir, "services")
			p.write("services", []byte("[s]\nuser=alice\npassword=CaNaRyService\n"))
			p.write("password", []byte("CaNaRyFile\n"))
			if err := os.Chmod(filepath.Join(p.dir, "password"), 0o600); err != nil {
				t.Fatal(err)
			}
			url := strings.ReplaceAll(fmt.Sprintf(c.url, server.address), "SERVICES", services)
			if err := os.MkdirAll(filepath.Join(p.dir, ".codex"), 0o755); err != nil {
				t.Fatal(err)
			}
			p.write(".codex/archive.toml", []byte("[backend]\nurl = \""+url+"\"\n"))
			p.write("a.txt", []byte("a"))
			p.git("init", "-q")
			p.git("add", "-f", ".codex/archive.toml")
			p.env = append(p.env, "PGPASSWORD=CaNaRyPG", "MYSQL_PWD=CaNaRyMySQL", "CODEX_API_KEY=CaNaRyKey")

			id := "00000000-0000-4000-8000-000000000000"
			for _, line := range []string{
				"list", "health-check", "show " + id, "restore " + id + " out --by me", "store r a.txt --by me --reason dead",
				"batch-restore --by me m.csv", "init", "config-show", "trust", "trust --print", "metrics",
			} {
				p.write("m.csv", []byte("tombstone,output\n"+id+",out\n"))
				r := p.run(append([]string{"archive"}, strings.Fields(line)...)...)
				wantsArchive := !strings.HasPrefix(line, "init") && !strings.HasPrefix(line, "config-show") && line != "trust --print" && line != "metrics"
				if wantsArchive && r.code != output.ExitUsage {
					t.Errorf("%s: exit code %d\n%s", line, r.code, r.stderr)
				}
				if n, seen := server.got(); n > 0 {
					t.Fatalf("%s: connected %d times and sent %q", line, n, seen)
				}
				if strings.Contains(r.stdout+r.stderr, "CaNaRy") {
					t.Errorf("%s: printed a secret: %s%s", line, r.stdout, r.stderr)
				}
			}

			with := append([]string{}, p.env...)
			p.env = append(p.env, "CODEX_ARCHIVE_PASSWORD_FILE="+filepath.Join(p.dir, "password"))
			r := p.run("archive", "list")
			if n, seen := server.got(); n > 0 || r.code != output.ExitUsage || !strings.Contains(r.stderr, "CODEX_ARCHIVE_PASSWORD_FILE") {
				t.Errorf("password file: exit code %d, %d connections, %q\n%s", r.code, n, seen, r.stderr)
			}
			p.env = with

			hash := strings.TrimSpace(p.run("archive", "trust", "--print").stdout)
			p.env = append(p.env, "CODEX_ARCHIVE_TRUST="+hash)
			p.run("archive", "list", "--timeout", "20")
			n, seen := server.got()
			if n == 0 {
				t.Error("accepted, and no connection came: the trap does not work")
			}
			for _, secret := range c.secrets {
				if !strings.Contains(seen, secret) {
					t.Errorf("accepted, and the server got %q without %s", seen, secret)
				}
			}
		})
	}
}

// TestNoHostGetsThePasswordOfAnother has the files of passwords in a home, each with
// entries for other hosts and services. A server that a trusted file names gets
// none of these.
func TestNoHostGetsThePasswordOfAnother(t *testing.T) {
	t.Parallel()
	const (
		passwords = "real.example:5432:*:alice:CaNaRy1\n127.0.0.1:1:*:alice:CaNaRy2\nlocalhost:*:*:alice:CaNaRy3\n*:*:other:alice:CaNaRy4\n*:*:*:bob:CaNaRy5\n"
		services  = "[s]\nhost=real.example\nuser=alice\npassword=CaNaRy6\n"
		mariadb   = "[client]\nuser=alice\npassword=CaNaRy7\n[client-mariadb]\npassword=CaNaRy8\n"
	)
	for _, c := range []struct {
		name, url string
		converse  func(net.Conn, func([]byte))
		files     map[string]string // in the home
		env       []string
	}{
		{".pgpass", "postgres://alice@%s/db?sslmode=disable", postgresTrap, map[string]string{".pgpass": passwords}, nil},
		{".pgpass with a host list", "postgres://alice@127.0.0.1:1,%s/db?sslmode=disable", postgresTrap, map[string]string{".pgpass": passwords}, nil},
		{"PGPASSFILE", "postgres://alice@127.0.0.1:1,%s/db?sslmode=disable", postgresTrap, map[string]string{"p": passwords}, []string{"PGPASSFILE=DIR/p"}},
		{".pg_service.conf", "postgres://alice@%s/db?sslmode=disable", postgresTrap, map[string]string{".pg_service.conf": services}, nil},
		{"PGSERVICEFILE", "postgres://alice@%s/db?sslmode=disable", postgresTrap, map[string]string{"s": services}, []string{"PGSERVICEFILE=DIR/s"}},
		{".my.cnf", "mysql://alice@%s/db", mysqlTrap, map[string]string{".my.cnf": mariadb, ".mylogin.cnf": mariadb}, []string{"MYSQL_HOME=DIR"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := newTrapServer(t, c.converse)
			p := newProject(t)
			home := t.TempDir()
			for name, text := range c.files {
				if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p.env = append(p.env, "HOME="+home)
			for _, pair := range c.env {
				p.env = append(p.env, strings.Replace(pair, "DIR", home, 1))
			}
			p.write(".codex/archive.toml", []byte("[backend]\nurl = \""+fmt.Sprintf(c.url, server.address)+"\"\n"))
			p.git("init", "-q")
			p.git("add", "-f", ".codex/archive.toml")
			if r := p.run("archive", "list"); r.code != output.ExitUsage {
				t.Errorf("exit code %d\n%s", r.code, r.stderr)
			}
			if n, _ := server.got(); n > 0 {
				t.Errorf("%d connections before it was trusted", n)
			}
			p.must("archive", "trust", "--hash", strings.TrimSpace(p.must("archive", "trust", "--print")))
			p.run("archive", "list", "--timeout", "20")
			n, seen := server.got()
			if n == 0 || !strings.Contains(seen, "alice") {
				t.Errorf("%d connections, %q: the trap does not work", n, seen)
			}
			if strings.Contains(seen, "CaNaRy") {
				t.Errorf("the server got %q", seen)
			}
		})
	}
}

func (p *project) git(args ...string) {
	p.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}
