package backendtest

import (
	"io"
	"net"
	"sync"
	"time"
)

// answerTime is how long a proxy waits for the answer that it will lose: not
// everything that a client says is answered.
const answerTime = 300 * time.Millisecond

// proxy stands between a backend and its database and cuts a connection when
// the backend has sent something a number of times. It does not look at
// bytes, so it serves any protocol, encrypted or not.
type proxy struct {
	server   string
	listener net.Listener
	all      sync.WaitGroup

	mu     sync.Mutex
	sent   int  // what the backend sent since arm
	at     int  // the one that is cut; 0: none
	lost   bool // it does not reach the database; otherwise the answer to it is lost
	fired  bool
	closed map[net.Conn]bool // connections that end with the proxy
}

func newProxy(server string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{server: server, listener: l, closed: map[net.Conn]bool{}}
	p.all.Go(func() { // ends when l is closed
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.all.Go(func() { p.serve(client) })
		}
	})
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// close ends all connections and waits for them.
func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	for c := range p.closed {
		c.Close()
	}
	p.closed = nil
	p.mu.Unlock()
	p.all.Wait()
}

// arm begins to count. The at-th time the backend sends something its
// connection is cut, once.
func (p *proxy) arm(at int, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent, p.at, p.lost, p.fired = 0, at, lost, false
}

// disarm tells how often the backend has sent something since arm, and whether
// a connection was cut.
func (p *proxy) disarm() (sent int, fired bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = 0
	return p.sent, p.fired
}

// due counts one thing sent.
func (p *proxy) due() (cut, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	if p.at == 0 || p.sent != p.at {
		return false, false
	}
	p.fired = true
	return true, p.lost
}

// keep has c closed with the proxy, or closes it at once.
func (p *proxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed == nil {
		c.Close()
		return
	}
	p.closed[c] = true
}

func (p *proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.closed, c)
	c.Close()
}

func (p *proxy) serve(client net.Conn) {
	p.keep(client)
	defer p.forget(client)
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return // the backend sees its connection end
	}
	p.keep(server)
	defer p.forget(server)
	answers := &gate{to: client, dropped: make(chan struct{})}
	done := make(chan struct{})
	go func() { // ends with either side
		defer close(done)
		_, _ = io.Copy(answers, server)
		client.Close()
	}()
	p.pass(client, server, answers, done)
	client.Close()
	server.Close()
	<-done
}

// pass hands what the backend sends to the database, until it ends or is cut.
// done is closed when there are no more answers.
func (p *proxy) pass(client, server net.Conn, answers *gate, done <-chan struct{}) {
	data := make([]byte, 64<<10)
	for {
		n, err := client.Read(data)
		if n == 0 {
			return
		}
		cut, lost := p.due()
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
			give := time.NewTimer(answerTime)
			defer give.Stop()
			select {
			case <-answers.dropped: // the database has done what it was told
			case <-done:
			case <-give.C:
			}
			return
		}
		if err != nil {
			return
		}
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

// Write implements [io.Writer].
func (g *gate) Write(data []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		return g.to.Write(data)
	}
	close(g.dropped)
	return 0, io.ErrClosedPipe
}
