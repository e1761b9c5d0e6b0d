package sqlbackend

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// direct is a prepared statement of a driver, below database/sql. What a run
// needs is used again by the next one.
type direct struct {
	stmt driver.Stmt
	args []driver.NamedValue
	row  []driver.Value
}

// onDirect runs fn with the statement of query, on the driver's connection. In fn
// no other statement can run on it.
func (db *conn) onDirect(ctx context.Context, query string, args []any, fn func(d *direct) error) error {
	return db.sql.Raw(func(conn any) (err error) {
		d := db.direct[query]
		if d == nil {
			if d, err = prepareDirect(ctx, conn, db.b.d.numbered(query)); err != nil {
				return err
			}
			db.direct[query] = d
		}
		d.bind(args)
		err = fn(d)
		clear(d.args)
		clear(d.row)
		return err
	})
}

func prepareDirect(ctx context.Context, conn any, query string) (*direct, error) {
	preparer, ok := conn.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("the driver's connection %T prepares no statements", conn)
	}
	stmt, err := preparer.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &direct{stmt: stmt}, nil
}

// bind sets the arguments. The engine has int as well as int64.
func (d *direct) bind(args []any) {
	d.args = d.args[:0]
	for i, v := range args {
		if n, isInt := v.(int); isInt {
			v = int64(n)
		}
		d.args = append(d.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
}

func (db *conn) runDirect(ctx context.Context, query string, args []any) (result driver.Result, err error) {
	err = db.onDirect(ctx, query, args, func(d *direct) error {
		stmt, ok := d.stmt.(driver.StmtExecContext)
		if !ok {
			return fmt.Errorf("the driver's statement %T does not run", d.stmt)
		}
		result, err = stmt.ExecContext(ctx, d.args)
		return err
	})
	return result, err
}

func (db *conn) queryDirect(ctx context.Context, query string, args []any, row func(scan) error) error {
	err := db.onDirect(ctx, query, args, func(d *direct) error {
		stmt, ok := d.stmt.(driver.StmtQueryContext)
		if !ok {
			return fmt.Errorf("the driver's statement %T returns no rows", d.stmt)
		}
		rows, err := stmt.QueryContext(ctx, d.args)
		if err != nil {
			return err
		}
		return errors.Join(d.each(rows, row), rows.Close())
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// each calls row for each of rows.
func (d *direct) each(rows driver.Rows, row func(scan) error) error {
	if d.row == nil {
		d.row = make([]driver.Value, len(rows.Columns()))
	}
	for {
		if err := rows.Next(d.row); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := row(d.scan); err != nil {
			return err
		}
	}
}

// scan reads the columns of the row.
func (d *direct) scan(into ...any) error {
	if len(into) != len(d.row) {
		return fmt.Errorf("a row has %d columns instead of %d", len(d.row), len(into))
	}
	for i, v := range d.row {
		if !assign(into[i], v) {
			return fmt.Errorf("column %d: a %T cannot be read into a %T", i+1, v, into[i])
		}
	}
	return nil
}

// assign sets a variable to the value of a column, and reports whether it can.
// The driver does not use bytes again that it has handed out.
func assign(into, value any) (ok bool) {
	switch into := into.(type) {
	case *int64:
		*into, ok = value.(int64)
	case *int:
		var n int64
		n, ok = value.(int64)
		*into = int(n)
	case *sql.NullInt64:
		into.Int64, into.Valid = value.(int64)
		ok = into.Valid || value == nil
	case *string:
		*into, ok = text(value)
	case *sql.NullString:
		into.String, into.Valid = text(value)
		ok = into.Valid || value == nil
	case *[]byte:
		*into, ok = octets(value)
	case *sql.RawBytes:
		*into, ok = octets(value)
	}
	return ok
}

func text(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	}
	return "", false
}

func octets(value any) ([]byte, bool) {
	switch v := value.(type) {
	case []byte:
		return v, true
	case string:
		return []byte(v), true
	case nil:
		return nil, true
	}
	return nil, false
}
