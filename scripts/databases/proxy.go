package databases

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between a client and a server and cuts their connection when
// the client says something. It reads plain text: TLS must be off in the URL.
type Proxy struct {
	server   string
	listener net.Listener

	mu   sync.Mutex
	when []byte // nil: pass everything on
	lost bool   // what the client said is lost too, not only the answer
}

// NewProxy returns a proxy before the server, until t ends.
func (s *Server) NewProxy(t testing.TB) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{server: s.Address(), listener: l}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // closed below
			}
			connections.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		connections.Wait() // for clients, which end before their test does
	})
	return p
}

// Address returns host and port at which the proxy stands for the server.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Cut cuts the connection of the next client that sends text, once. The server
// gets the text, and its answer is lost; or, with lost set, it never gets it.
func (p *Proxy) Cut(text string, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.when, p.lost = []byte(text), lost
}

// due reports whether data is what Cut waits for.
func (p *Proxy) due(data []byte) (cut, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.when == nil || !bytes.Contains(data, p.when) {
		return false, false
	}
	p.when = nil
	return true, p.lost
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return // the client sees its connection end
	}
	defer server.Close()
	// Answers go through this goroutine's hands, so that one can be lost.
	answers := &gate{to: client}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(answers, server) // ends with either side
		client.Close()
	}()
	p.pass(client, server, answers, done)
	server.Close()
	<-done
}

// pass hands what the client says to the server until it ends or is cut. done
// is closed when there are no more answers.
func (p *Proxy) pass(client, server net.Conn, answers *gate, done <-chan struct{}) {
	data := make([]byte, 64<<10)
	for {
		n, err := client.Read(data)
		cut, lost := p.due(data[:n])
		if cut {
			answers.shut()
		}
		if !lost {
			if _, err := server.Write(data[:n]); err != nil {
				return
			}
		}
		if cut && !lost {
			select {
			case <-answers.dropped: // the server has done what it was told
			case <-done:
			}
		}
		if cut || err != nil {
			return
		}
	}
}

// gate is a writer that can be told to drop what it is given.
type gate struct {
	to io.Writer

	mu      sync.Mutex
	dropped chan struct{} // closed at the first write that is dropped; nil while open
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dropped = make(chan struct{})
}

// Write implements [io.Writer].
func (g *gate) Write(data []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dropped == nil {
		return g.to.Write(data)
	}
	close(g.dropped)
	return 0, io.ErrClosedPipe
}
