// Package cutproxy is a TCP proxy that cuts a connection between a client and
// its server at a chosen moment.
package cutproxy

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy passes on what clients and a server send. It serves any protocol,
// encrypted or not.
type Proxy struct {
	// AnswerTime, where not 0, is how long the proxy waits for the answer that
	// it will lose. It is for protocols in which not everything is answered.
	AnswerTime time.Duration

	listener net.Listener
	all      sync.WaitGroup

	mu          sync.Mutex
	server      string
	sent        int                    // reads from clients since Arm
	due         func(data []byte) bool // nil: pass everything on
	lost        bool                   // what is cut does not reach the server
	fired       bool
	watch       func() (see func(data []byte) (pass bool)) // nil: nothing is shown
	connections map[net.Conn]bool                          // nil: the proxy is closed
}

// Listen returns a proxy before the server, on a free port of the loopback
// interface.
func Listen(server string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{server: server, listener: l, connections: map[net.Conn]bool{}}
	p.all.Go(p.accept)
	return p, nil
}

// accept ends when the listener is closed.
func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() { p.serve(client) })
	}
}

// Address returns host and port of the proxy.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Close ends all connections and waits for them.
func (p *Proxy) Close() {
	_ = p.listener.Close() // it can only be closed already
	p.mu.Lock()
	for c := range p.connections {
		_ = c.Close() // the connection is given up
	}
	p.connections = nil
	p.mu.Unlock()
	p.all.Wait()
}

// Redirect has new connections go to another server.
func (p *Proxy) Redirect(server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = server
}

func (p *Proxy) target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}

// CutAt begins to count what clients send, and cuts the connection at the n-th
// time, once. If lost, what was sent then does not reach the server; otherwise
// it does, and its answer is lost. With n 0 it only counts.
func (p *Proxy) CutAt(n int, lost bool) {
	p.arm(func([]byte) bool { return n != 0 && p.sent == n }, lost)
}

// Cut cuts the connection of the next client that sends text, once: before the
// server gets it if lost, else before the client gets the answer. It reads
// plain text, so TLS must be off.
func (p *Proxy) Cut(text string, lost bool) {
	p.arm(func(data []byte) bool { return bytes.Contains(data, []byte(text)) }, lost)
}

// Intercept has watch called for each new connection, and the function that it
// returns with everything that the client of this connection sends, before the
// server gets it. That function may wait, and cuts the connection by returning
// false.
func (p *Proxy) Intercept(watch func() (see func(data []byte) (pass bool))) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = watch
}

// watcher returns what sees the data of a new connection.
func (p *Proxy) watcher() func(data []byte) (pass bool) {
	p.mu.Lock()
	watch := p.watch
	p.mu.Unlock()
	if watch == nil {
		return func([]byte) bool { return true }
	}
	return watch()
}

func (p *Proxy) arm(due func([]byte) bool, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent, p.due, p.lost, p.fired = 0, due, lost, false
}

// Disarm returns how often clients have sent something since CutAt or Cut, and
// whether a connection was cut. Nothing is cut from then on.
func (p *Proxy) Disarm() (sent int, fired bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = nil
	return p.sent, p.fired
}

// count notes that a client sent data, and decides on it.
func (p *Proxy) count(data []byte) (cut, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	if p.due == nil || !p.due(data) {
		return false, false
	}
	p.due, p.fired = nil, true
	return true, p.lost
}

// keep has c closed with the proxy, or closes it at once.
func (p *Proxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connections == nil {
		_ = c.Close() // the connection is given up
		return
	}
	p.connections[c] = true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.connections, c)
	_ = c.Close() // the connection is given up
}

func (p *Proxy) serve(client net.Conn) {
	p.keep(client)
	defer p.drop(client)
	server, err := net.Dial("tcp", p.target())
	if err != nil {
		return // the client sees its connection end
	}
	p.keep(server)
	defer p.drop(server)
	answers := &gate{to: client, dropped: make(chan struct{})}
	done := make(chan struct{})
	go func() { // ends with either side
		defer close(done)
		_, _ = io.Copy(answers, server) // a broken connection is an end as well
		_ = client.Close()              // the connection is given up
	}()
	p.pass(client, server, answers, done)
	_ = client.Close() // the connection is given up
	_ = server.Close() // the connection is given up
	<-done
}

// pass hands what the client sends to the server until it ends or is cut. done
// is closed when there are no more answers.
func (p *Proxy) pass(client, server net.Conn, answers *gate, done <-chan struct{}) {
	see := p.watcher()
	data := make([]byte, 64<<10)
	for {
		n, err := client.Read(data)
		if n == 0 || !see(data[:n]) {
			return
		}
		cut, lost := p.count(data[:n])
		if cut {
			answers.shut()
		}
		if cut && lost {
			return
		}
		if _, err := server.Write(data[:n]); err != nil {
			return
		}
		if cut {
			p.awaitAnswer(answers, done)
		}
		if cut || err != nil {
			return
		}
	}
}

// awaitAnswer returns when the server has done what it was told.
func (p *Proxy) awaitAnswer(answers *gate, done <-chan struct{}) {
	var patience <-chan time.Time
	if p.AnswerTime > 0 {
		patience = time.After(p.AnswerTime)
	}
	select {
	case <-answers.dropped:
	case <-done:
	case <-patience:
	}
}

// gate is a writer that drops what it is given once it is shut.
type gate struct {
	to      io.Writer
	dropped chan struct{} // closed at the first write that is dropped

	mu     sync.Mutex
	closed bool
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// Write implements [io.Writer]. Its only caller ends at the first error.
func (g *gate) Write(data []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		return g.to.Write(data)
	}
	close(g.dropped)
	return 0, io.ErrClosedPipe
}
