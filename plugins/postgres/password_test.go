package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// listener is a server that asks for a password in clear text and keeps it.
type listener struct {
	address string
	mu      sync.Mutex
	given   []string
}

func listen(t *testing.T) *listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &listener{address: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func (s *listener) serve(conn net.Conn) {
	defer conn.Close()
	if _, err := message(conn, 0); err != nil {
		return
	}
	conn.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3}) // a client that is gone shows at the next read
	password, err := message(conn, 1)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.given = append(s.given, string(password[:max(0, len(password)-1)]))
	s.mu.Unlock()
}

// message reads one, with a type before it or without.
func message(r io.Reader, typed int) ([]byte, error) {
	head := make([]byte, typed+4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[typed:])-4)
	_, err := io.ReadFull(r, body)
	return body, err
}

// TestPasswordFileOfSeveralHosts sends each host its own password, and none to a
// host that the file does not name.
func TestPasswordFileOfSeveralHosts(t *testing.T) {
	one, two, unnamed := listen(t), listen(t), listen(t)
	file := filepath.Join(t.TempDir(), "pgpass")
	text := ""
	for address, password := range map[string]string{one.address: "first", two.address: "second"} {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("%s:%s:db:u:%s\n", host, port, password)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"passfile", "PGPASSFILE"} {
		url := "postgres://u@" + one.address + "," + unnamed.address + "," + two.address + "," + sqltest.ClosedPort(t) + "/db?sslmode=disable"
		if how == "passfile" {
			url += "&passfile=" + file
		} else {
			t.Setenv(how, file)
		}
		if _, err := open(t.Context(), sdk.Options{URL: url}); err == nil {
			t.Error("it was let in")
		}
	}
	for _, c := range []struct {
		s    *listener
		want string
	}{{one, "[first first]"}, {two, "[second second]"}, {unnamed, "[ ]"}} {
		c.s.mu.Lock()
		if got := fmt.Sprint(c.s.given); got != c.want && !(c.s == unnamed && got == "[]") {
			t.Errorf("%s was given %s, want %s", c.s.address, got, c.want)
		}
		c.s.mu.Unlock()
	}
}
