package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// fault decides about each statement of a connection. before keeps it from the
// database; after runs it and loses the answer.
type fault struct {
	mu            sync.Mutex
	before, after func(statement string) error
}

func (f *fault) set(before, after func(string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

// run runs one statement under the fault.
func run[T any](f *fault, statement string, do func() (T, error)) (T, error) {
	f.mu.Lock()
	before, after := f.before, f.after
	f.mu.Unlock()
	var none T
	if before != nil {
		if err := before(statement); err != nil {
			return none, err
		}
	}
	result, err := do()
	if err == nil && after != nil {
		if err := after(statement); err != nil {
			return none, err
		}
	}
	return result, err
}

// on returns a fault for statements that begin so.
func on(prefix string, err error) func(string) error {
	return func(statement string) error {
		if strings.HasPrefix(statement, prefix) {
			return err
		}
		return nil
	}
}

// faultyDialect is the dialect with connections that f rules.
func faultyDialect(f *fault) *sqlbackend.Dialect {
	d := dialect()
	d.Connect = func(ctx context.Context, o sdk.Options) (sqlbackend.Connection, error) {
		conn, err := connect(ctx, o)
		if err != nil || conn.Write == nil {
			return conn, err
		}
		writer, err := sqlite.NewConnector(writeDSN(conn.Place) + "&_sync=OFF") // the power stays on
		conn.Write = faultyConnector{patient{writer}, f}
		return conn, err
	}
	d.Classify = func(err error) sqlbackend.Class {
		if errors.Is(err, errDisk) {
			return sqlbackend.Class{Kind: sdk.Unavailable, Permanent: true, Native: "1034"}
		}
		return classify(err)
	}
	return d
}

// errLost is a broken connection, and errDisk a failing disk, neither of which
// can be had for real here.
var (
	errLost = fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
	errDisk = errors.New("disk I/O error")
)

type faultyConnector struct {
	driver.Connector
	f *fault
}

func (c faultyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return faultyConn{conn, c.f}, nil
}

type faultyConn struct {
	driver.Conn
	f *fault
}

func (c faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return run(c.f, query, func() (driver.Result, error) { return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args) })
}

func (c faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return run(c.f, query, func() (driver.Rows, error) { return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args) })
}

func (c faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return faultyStmt{stmt, query, c.f}, nil
}

type faultyStmt struct {
	driver.Stmt
	query string
	f     *fault
}

func (s faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return run(s.f, s.query, func() (driver.Result, error) { return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) })
}

func (s faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return run(s.f, s.query, func() (driver.Rows, error) { return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) })
}

// Whatever fails before COMMIT leaves nothing, and the archive goes on working.
func TestLostBeforeCommit(t *testing.T) {
	for _, at := range []string{"BEGIN", "SELECT i.id", "INSERT INTO codex_name", "INSERT INTO codex_directory", "INSERT INTO codex_origin", "INSERT INTO codex_artifact ", "INSERT INTO codex_body", "INSERT INTO codex_item ", "INSERT INTO codex_item_tag", "UPDATE codex_upload", "INSERT INTO codex_artifact_chunk"} {
		t.Run(at, func(t *testing.T) {
			f := &fault{}
			a := openArchive(t, t.TempDir()+"/a.db", faultyDialect(f), sdk.Create)
			s := []sample{newSample(100), newSample(sdk.StagedBody + 1), newSample(300_000)}
			s[0].Tags = []string{"tag"}
			f.set(on(at, errLost), nil)
			_, err := a.Put(t.Context(), items(s...))
			e := wantKind(t, err, sdk.Unavailable)
			if e.Effect != sdk.EffectNone || !e.Retry || e.Op != "put" {
				t.Errorf("%+v", e)
			}
			f.set(nil, nil)
			db := a.raw()
			for _, table := range []string{"codex_item", "codex_artifact", "codex_body"} {
				if n := count(t, db, table); n != 0 {
					t.Errorf("%s has %d rows", table, n)
				}
			}
			a.put(s...)
			a.holds(s...)
		})
	}
}

// A COMMIT without an answer may have happened or not: the caller is told so, and the
// same call again makes it right.
func TestLostAtCommit(t *testing.T) {
	for _, happened := range []bool{false, true} {
		f := &fault{}
		a := openArchive(t, t.TempDir()+"/a.db", faultyDialect(f), sdk.Create)
		s := newSample(100)
		if lost := on("COMMIT", errLost); happened {
			f.set(nil, lost)
		} else {
			f.set(lost, nil)
		}
		_, err := a.Put(t.Context(), items(s))
		e := wantKind(t, err, sdk.Unavailable)
		if e.Effect != sdk.EffectMaybe || !e.Retry {
			t.Errorf("happened %v: %+v", happened, e)
		}
		f.set(nil, nil)
		stored, err := a.Put(t.Context(), items(s))
		if err != nil || stored[0].Repeated != happened {
			t.Errorf("happened %v: %+v, %v", happened, stored, err)
		}
		a.holds(s)
	}
}

// After a disk error at COMMIT this process must not trust what it sees.
func TestDiskErrorAtCommit(t *testing.T) {
	f := &fault{}
	a := openArchive(t, t.TempDir()+"/a.db", faultyDialect(f), sdk.Create)
	s := newSample(100)
	f.set(on("COMMIT", errDisk), nil)
	_, err := a.Put(t.Context(), items(s))
	if e := wantKind(t, err, sdk.Unavailable); e.Effect != sdk.EffectMaybe || e.Retry || e.Native != "1034" {
		t.Errorf("%+v", e)
	}
	f.set(nil, nil)
	_, err = a.Health(t.Context())
	if e := wantKind(t, err, sdk.Unavailable); e.Effect != sdk.EffectNone || e.Retry || !strings.Contains(e.Msg, "opened again") {
		t.Errorf("%+v", e)
	}
	again := openArchive(t, a.path, dialect(), sdk.ReadWrite)
	again.put(s)
	again.holds(s)
}

// While bodies are staged a lost COMMIT changes nothing that anyone sees.
func TestLostWhileStaging(t *testing.T) {
	f := &fault{}
	a := openArchive(t, t.TempDir()+"/a.db", faultyDialect(f), sdk.Create)
	s := newSample(sdk.StagedBody + 1)
	f.set(nil, on("COMMIT", errLost))
	_, err := a.Put(t.Context(), items(s))
	if e := wantKind(t, err, sdk.Unavailable); e.Effect != sdk.EffectNone || !e.Retry {
		t.Errorf("%+v", e)
	}
	f.set(nil, nil)
	a.put(s)
	a.holds(s)
}
