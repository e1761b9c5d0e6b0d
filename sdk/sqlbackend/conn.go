package sqlbackend

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// conn is one connection, used by one goroutine at a time.
type conn struct {
	b         *Backend
	sql       *sql.Conn
	stmts     map[string]*sql.Stmt // by text; there are finitely many texts
	direct    map[string]*direct   // the same where the dialect goes around database/sql
	used      time.Time            // last
	committed time.Time            // last
	triggers  int64                // that its statements have run, as last asked
}

// end closes the statements, then the connection.
func (db *conn) end() {
	db.closeStatements()
	_ = db.sql.Close() // what it wrote is committed
}

// discard ends a connection that database/sql must not use again. After
// driver.ErrBadConn it is closed already, with its statements.
func (db *conn) discard() {
	if db.sql.Raw(func(any) error { return nil }) == nil {
		db.closeStatements()
	}
	_ = db.sql.Raw(func(any) error { return driver.ErrBadConn }) // its own error comes back
	_ = db.sql.Close()                                           // the connection is given up
}

func (db *conn) closeStatements() {
	for _, stmt := range db.stmts {
		_ = stmt.Close() // it ends with its connection in any case
	}
	clear(db.stmts)
	for _, d := range db.direct {
		_ = d.stmt.Close()
	}
	clear(db.direct)
}

// context returns what a statement runs with.
func (db *conn) context(ctx context.Context) (context.Context, error) {
	if !db.b.d.Statements.IgnoreContext {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// prepared returns the statement of query, which is the same text every time.
func (db *conn) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := db.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := db.sql.PrepareContext(ctx, db.b.d.numbered(query))
	if err == nil {
		db.stmts[query] = stmt
	}
	return stmt, err
}

// exec runs a statement and returns how many rows it matched.
func (db *conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, err := db.context(ctx)
	if err != nil {
		return 0, err
	}
	result, err := db.run(ctx, query, args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (db *conn) run(ctx context.Context, query string, args []any) (sql.Result, error) {
	if db.b.d.Statements.Unprepared {
		return db.sql.ExecContext(ctx, db.b.d.numbered(query), args...)
	}
	if db.b.d.Statements.Direct {
		return db.runDirect(ctx, query, args)
	}
	stmt, err := db.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// change is exec for a statement that must match this many rows. A trigger or a
// rule can discard a row without an error; what was discarded must not be
// acknowledged.
func (db *conn) change(ctx context.Context, rows int64, query string, args ...any) error {
	n, err := db.exec(ctx, query, args...)
	if err != nil {
		return err
	}
	return counted(n, rows)
}

func counted(got, want int64) error {
	if got != want {
		return sdk.Errorf(sdk.Internal, "rows that the database wrote: %d of %d: a trigger or a rule in it may discard them", got, want)
	}
	return nil
}

// inserted refuses the key of a row that an INSERT … RETURNING did not return.
func inserted(key int64) error {
	if key == 0 {
		return counted(0, 1)
	}
	return nil
}

// scan reads the columns of one row.
type scan func(into ...any) error

// query runs a prepared statement and calls row for each row.
func (db *conn) query(ctx context.Context, query string, args []any, row func(scan) error) error {
	return db.rows(ctx, query, args, !db.b.d.Statements.Unprepared, row)
}

// queryOnce is query for texts that are put together at run time.
func (db *conn) queryOnce(ctx context.Context, query string, args []any, row func(scan) error) error {
	return db.rows(ctx, query, args, false, row)
}

func (db *conn) rows(ctx context.Context, query string, args []any, prepare bool, row func(scan) error) error {
	ctx, err := db.context(ctx)
	if err != nil {
		return err
	}
	if db.b.d.Statements.Query != nil {
		return db.native(ctx, query, args, row)
	}
	if !prepare {
		rows, err := db.sql.QueryContext(ctx, db.b.d.numbered(query), args...)
		return eachRow(rows, err, row)
	}
	if db.b.d.Statements.Direct {
		return db.queryDirect(ctx, query, args, row)
	}
	stmt, err := db.prepared(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return eachRow(rows, err, row)
}

// native runs a query as the dialect does.
func (db *conn) native(ctx context.Context, query string, args []any, row func(scan) error) error {
	err := db.sql.Raw(func(conn any) error {
		return db.b.d.Statements.Query(ctx, conn, db.b.d.numbered(query), args, func(scan func(into ...any) error) error { return row(scan) })
	})
	if err == errEnough {
		return nil
	}
	return err
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
func (db *conn) queryRow(ctx context.Context, query string, into ...any) error {
	ctx, err := db.context(ctx)
	if err != nil {
		return err
	}
	return db.sql.QueryRowContext(ctx, query).Scan(into...)
}

// command runs a statement without arguments, once. BEGIN waits for locks, so
// it always has the context.
func (db *conn) command(ctx context.Context, statement string) error {
	_, err := db.sql.ExecContext(ctx, statement)
	return err
}

// reading runs fn, in a transaction that cannot write where there is one for
// reads.
func (db *conn) reading(ctx context.Context, fn func(ctx context.Context, db *conn) error) error {
	if db.b.beginRead == "" {
		return fn(ctx, db)
	}
	if err := db.command(ctx, db.b.beginRead); err != nil {
		_ = db.rollback() // BEGIN itself may have succeeded; the first error says more
		return err
	}
	if err := fn(ctx, db); err != nil {
		if end := db.rollback(); end != nil && reusable(err) {
			return end // the connection is not to be used again
		}
		return err
	}
	return db.rollback()
}

// slowCommit is how long a COMMIT may take before it is logged.
const slowCommit = 5 * time.Second

// commit does not end when the caller's context is canceled: a canceled COMMIT may
// have happened. A caller who waits longer than commitTime has reason to expect a
// busy machine, where the disk takes its time.
func (db *conn) commit(caller context.Context) error {
	ctx, cancel := context.WithDeadline(context.Background(), commitEnd(caller))
	defer cancel()
	defer time.AfterFunc(slowCommit, func() {
		slog.Warn("the commit is taking long", "seconds", slowCommit.Seconds(), "waits_for", db.b.d.Locks.SlowCommit)
	}).Stop()
	return db.command(ctx, "COMMIT")
}

// commitEnd is when a COMMIT that begins now is given up.
func commitEnd(caller context.Context) time.Time {
	end := time.Now().Add(commitTime)
	if allowed, ok := caller.Deadline(); ok && allowed.After(end) {
		return allowed
	}
	return end
}

func (db *conn) rollback() error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	return db.command(ctx, "ROLLBACK")
}

// numbered turns "?" into "$1", "$2" where the dialect wants that. Our texts
// have no "?" in literals.
func (d *Dialect) numbered(query string) string {
	if !d.Statements.Dollar {
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
	if d.Insert.Array != nil {
		return column + " = ANY(?)", []any{d.Insert.Array(t, keys)}
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
