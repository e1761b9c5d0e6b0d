package cutproxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// echo serves lines back and tells which ones arrived.
func echo(t *testing.T) (address string, arrived <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	lines := make(chan string, 10)
	go func() { // ends when l is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for r := bufio.NewReader(c); ; {
				line, err := r.ReadString('\n')
				if err != nil {
					break
				}
				lines <- strings.TrimSpace(line)
				io.WriteString(c, line)
			}
			c.Close()
		}
	}()
	return l.Addr().String(), lines
}

func TestCut(t *testing.T) {
	for name, c := range map[string]struct {
		arm     func(*Proxy)
		arrives bool
	}{
		"text is lost":          {func(p *Proxy) { p.Cut("COMMIT", true) }, false},
		"answer is lost":        {func(p *Proxy) { p.Cut("COMMIT", false) }, true},
		"second send is lost":   {func(p *Proxy) { p.CutAt(2, true) }, false},
		"second answer is lost": {func(p *Proxy) { p.CutAt(2, false) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			address, arrived := echo(t)
			p, err := Listen(address)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			c.arm(p)
			commit(t, p)
			p.Close()
			if _, fired := p.Disarm(); !fired {
				t.Error("nothing was cut")
			}
			<-arrived
			select {
			case line := <-arrived:
				if !c.arrives {
					t.Errorf("%q arrived", line)
				}
			default:
				if c.arrives {
					t.Error("the second line did not arrive")
				}
			}
		})
	}
}

// commit sends two lines, of which the second is cut off.
func commit(t *testing.T, p *Proxy) {
	t.Helper()
	client, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answers := bufio.NewReader(client)
	io.WriteString(client, "BEGIN\n")
	if line, err := answers.ReadString('\n'); line != "BEGIN\n" {
		t.Fatalf("answered %q, %v", line, err)
	}
	io.WriteString(client, "COMMIT\n")
	if line, err := answers.ReadString('\n'); line != "" || !errors.Is(err, io.EOF) {
		t.Errorf("answered %q, %v; want the end", line, err)
	}
}

// TestIntercept: what a client sends is shown before the server gets it, and
// does not reach it where the watcher says so.
func TestIntercept(t *testing.T) {
	address, arrived := echo(t)
	p, err := Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Intercept(func() func([]byte) bool {
		seen := 0
		return func([]byte) bool { seen++; return seen < 2 }
	})
	for range 2 { // each connection has a watcher of its own
		commit(t, p)
		<-arrived
	}
	p.Close()
	select {
	case line := <-arrived:
		t.Errorf("%q arrived", line)
	default:
	}
}
