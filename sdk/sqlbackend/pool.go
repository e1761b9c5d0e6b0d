package sqlbackend

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// pool hands out connections with their prepared statements. database/sql has
// a pool too, but prepares a statement anew for a connection taken from it.
type pool struct {
	b     *Backend
	db    *sql.DB
	slots chan struct{} // one token for each connection in use

	mu   sync.Mutex
	idle []*conn
}

func newPool(b *Backend, db *sql.DB, n int) *pool {
	return &pool{b: b, db: db, slots: make(chan struct{}, n)}
}

// freshFor is how long an idle connection is used without a ping. The ping
// finds connections that a restart of the server has ended.
const freshFor = time.Second

// acquire waits for a connection. The caller returns it with release.
func (p *pool) acquire(ctx context.Context) (*conn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	db, err := p.take(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return db, nil
}

// acquireIdle is acquire where that needs neither to wait nor to connect; else it
// returns nil.
func (p *pool) acquireIdle() *conn {
	select {
	case p.slots <- struct{}{}:
	default:
		return nil
	}
	db := p.popIdle()
	if db != nil && time.Since(db.used) < freshFor {
		return db
	}
	if db != nil {
		p.pushIdle(db)
	}
	<-p.slots
	return nil
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	for {
		db := p.popIdle()
		if db == nil {
			return p.connect(ctx)
		}
		if time.Since(db.used) < freshFor || db.sql.PingContext(ctx) == nil {
			return db, nil
		}
		db.discard()
	}
}

func (p *pool) popIdle() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	db := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return db
}

func (p *pool) connect(ctx context.Context) (*conn, error) {
	c, err := p.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{b: p.b, sql: c, stmts: map[string]*sql.Stmt{}, direct: map[string]*direct{}}, nil
}

// release takes db back, or ends its connection when it is not healthy.
func (p *pool) release(db *conn, healthy bool) {
	defer func() { <-p.slots }()
	if !healthy {
		db.discard()
		return
	}
	db.used = time.Now()
	p.pushIdle(db)
}

func (p *pool) pushIdle(db *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, db)
}

// close waits for the connections in use and closes all. The caller has ended
// their contexts.
func (p *pool) close() error {
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for db := p.popIdle(); db != nil; db = p.popIdle() {
		db.end()
	}
	for range cap(p.slots) {
		<-p.slots
	}
	return p.db.Close()
}
