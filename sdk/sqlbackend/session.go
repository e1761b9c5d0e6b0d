package sqlbackend

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// pool hands out connections with their prepared statements. database/sql has
// a pool too, but prepares a statement anew for a connection taken from it.
type pool struct {
	b     *Backend
	db    *sql.DB
	slots chan struct{} // one token for each connection that may be out

	mu   sync.Mutex
	idle []*session
}

func newPool(b *Backend, db *sql.DB, n int) *pool {
	return &pool{b: b, db: db, slots: make(chan struct{}, n)}
}

// freshFor is how long an idle connection is believed to be alive. Older ones
// are asked first: a server that was restarted meanwhile is then not noticed.
const freshFor = time.Second

// acquire waits for a connection. It is given back with release.
func (p *pool) acquire(ctx context.Context) (*session, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s, err := p.take(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return s, nil
}

func (p *pool) take(ctx context.Context) (*session, error) {
	for {
		s := p.popIdle()
		if s == nil {
			return p.connect(ctx)
		}
		if time.Since(s.used) < freshFor || s.conn.PingContext(ctx) == nil {
			return s, nil
		}
		s.discard()
	}
}

func (p *pool) popIdle() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return s
}

func (p *pool) connect(ctx context.Context) (*session, error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{b: p.b, conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

// release takes s back, or ends its connection when it is not healthy.
func (p *pool) release(s *session, healthy bool) {
	defer func() { <-p.slots }()
	if !healthy {
		s.discard()
		return
	}
	s.used = time.Now()
	p.mu.Lock()
	p.idle = append(p.idle, s)
	p.mu.Unlock()
}

// close waits for the connections that are out and closes all. The caller has
// ended their contexts.
func (p *pool) close() error {
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for s := p.popIdle(); s != nil; s = p.popIdle() {
		s.end()
	}
	for range cap(p.slots) {
		<-p.slots
	}
	return p.db.Close()
}

// session is one connection, used by one goroutine at a time.
type session struct {
	b         *Backend
	conn      *sql.Conn
	stmts     map[string]*sql.Stmt // by text; the texts are finitely many
	used      time.Time
	committed time.Time // last
}

// end closes the statements, while their connection stands, and then that.
func (s *session) end() {
	s.closeStatements()
	s.conn.Close()
}

// discard keeps database/sql from using the connection again. Where that has
// closed it already, after driver.ErrBadConn, its statements are gone too.
func (s *session) discard() {
	if s.conn.Raw(func(any) error { return nil }) == nil {
		s.closeStatements()
	}
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // its own error comes back
	s.conn.Close()
}

func (s *session) closeStatements() {
	for _, stmt := range s.stmts {
		stmt.Close()
	}
	clear(s.stmts)
}

// context returns what a statement runs with.
func (s *session) context(ctx context.Context) (context.Context, error) {
	if !s.b.d.IgnoreContext {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// prepared returns the statement of query, which is the same text every time.
func (s *session) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := s.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, s.b.d.numbered(query))
	if err == nil {
		s.stmts[query] = stmt
	}
	return stmt, err
}

// exec runs a prepared statement and returns how many rows it changed.
func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, err := s.context(ctx)
	if err != nil {
		return 0, err
	}
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// scan reads the columns of one row.
type scan func(into ...any) error

// query runs a prepared statement and calls row for each row.
func (s *session) query(ctx context.Context, query string, args []any, row func(scan) error) error {
	ctx, err := s.context(ctx)
	if err != nil {
		return err
	}
	if s.b.d.Query != nil {
		return s.native(ctx, query, args, row)
	}
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return eachRow(rows, err, row)
}

// native runs a query as the dialect does.
func (s *session) native(ctx context.Context, query string, args []any, row func(scan) error) error {
	err := s.conn.Raw(func(conn any) error {
		return s.b.d.Query(ctx, conn, s.b.d.numbered(query), args, func(scan func(into ...any) error) error { return row(scan) })
	})
	if err == errEnough {
		return nil
	}
	return err
}

// queryOnce is query for texts that are put together at run time.
func (s *session) queryOnce(ctx context.Context, query string, args []any, row func(scan) error) error {
	ctx, err := s.context(ctx)
	if err != nil {
		return err
	}
	if s.b.d.Query != nil {
		return s.native(ctx, query, args, row)
	}
	rows, err := s.conn.QueryContext(ctx, s.b.d.numbered(query), args...)
	return eachRow(rows, err, row)
}

// errEnough ends a loop over rows early, without being an error.
var errEnough = errors.New("enough")

func eachRow(rows *sql.Rows, err error, row func(scan) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err == errEnough {
			return nil
		} else if err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return rows.Close()
}

// queryRow runs a query, without preparing it, that returns exactly one row.
func (s *session) queryRow(ctx context.Context, query string, args []any, into ...any) error {
	ctx, err := s.context(ctx)
	if err != nil {
		return err
	}
	return s.conn.QueryRowContext(ctx, s.b.d.numbered(query), args...).Scan(into...)
}

// command runs a statement without arguments, once. BEGIN waits for locks, so
// it always has the context.
func (s *session) command(ctx context.Context, statement string) error {
	_, err := s.conn.ExecContext(ctx, statement)
	return err
}

// commit is out of reach of the caller's context: a cancelled COMMIT may stand.
func (s *session) commit() error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	return s.command(ctx, "COMMIT")
}

func (s *session) rollback() error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	return s.command(ctx, "ROLLBACK")
}

// numbered turns "?" into "$1", "$2" where the dialect wants that. Our texts
// have no "?" in literals.
func (d *Dialect) numbered(query string) string {
	if !d.Dollar {
		return query
	}
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

// in returns "column IN (…)" or its like for keys, and its arguments. The number
// of keys is rounded up to a power of two by repeating the last, so that few
// different statements come of it.
func (d *Dialect) in(column string, t Type, keys []any) (string, []any) {
	if d.Array != nil {
		return column + " = ANY(?)", []any{d.Array(t, keys)}
	}
	n := 1
	for n < len(keys) {
		n *= 2
	}
	args := append(make([]any, 0, n), keys...)
	for len(args) < n {
		args = append(args, keys[len(keys)-1])
	}
	return column + " IN (?" + strings.Repeat(",?", n-1) + ")", args
}

// ids makes keys of IDs.
func ids(list []sdk.ID) []any {
	keys := make([]any, len(list))
	for i := range list {
		keys[i] = list[i][:]
	}
	return keys
}
