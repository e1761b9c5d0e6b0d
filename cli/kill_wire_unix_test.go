//go:build unix

package main

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk/backendtest/cutproxy"
)

// wire says how to read what a plugin sends to a server.
type wire struct {
	plainText string // option of the URL
	begin     string // begins transactions that write, and no others
	commit    string
}

// wireWatch freezes a plugin in what it sends to its server.
type wireWatch struct {
	wire wire

	mu   sync.Mutex
	next *hold
}

func newWireWatch(t *testing.T, p *project, d *databases.Database, w wire) freezer {
	t.Helper()
	proxy, err := cutproxy.Listen(d.Server().Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	url := strings.Replace(d.URL(), d.Server().Address(), proxy.Address(), 1)
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+url+"?"+w.plainText)
	p.must("archive", "init")
	watch := &wireWatch{wire: w}
	proxy.Intercept(func() func([]byte) bool {
		begun := 0 // sends of this connection since BEGIN, itself included
		return func(data []byte) (pass bool) { return watch.current().see(w, &begun, data) }
	})
	return watch
}

func (w *wireWatch) current() *hold {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

func (w *wireWatch) arm(draw *rand.Rand, _ int64) {
	h := &hold{at: 1 + draw.IntN(10), pass: draw.IntN(2) == 1, reached: make(chan bool, 1), resume: make(chan struct{})}
	if draw.IntN(4) == 0 {
		h.at = 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = h
}

func (w *wireWatch) freeze(host int) (inside bool) {
	h := w.current()
	for alive(host) {
		select {
		case commit := <-h.reached:
			return !commit || !h.pass
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}

func (w *wireWatch) thaw() { close(w.current().resume) }

// hold is the one thing that a plugin sends and that has to wait.
type hold struct {
	at      int  // the n-th send after BEGIN, or COMMIT if that comes first; 0: COMMIT
	pass    bool // it reaches the server after the kill
	once    sync.Once
	reached chan bool     // receives whether it is COMMIT
	resume  chan struct{} // closed after the kill
}

// see returns whether data reaches the server.
func (h *hold) see(w wire, begun *int, data []byte) (pass bool) {
	pass = true
	if h == nil {
		return pass
	}
	commit := bytes.Contains(data, []byte(w.commit))
	if *begun > 0 && (commit || *begun == h.at) {
		h.once.Do(func() {
			h.reached <- commit
			<-h.resume
			pass = h.pass
		})
	}
	switch {
	case commit:
		*begun = 0
	case *begun > 0 || bytes.Contains(data, []byte(w.begin)):
		*begun++
	}
	return pass
}
