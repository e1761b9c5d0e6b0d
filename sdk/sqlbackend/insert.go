package sqlbackend

import (
	"context"
	"strings"
)

// column is one column of a table.
type column struct {
	name string
	typ  Type
}

// insert says how rows come into a table.
type insert struct {
	table     string
	columns   []column
	skipTaken bool   // leave rows with a taken key alone
	returning string // with skipTaken: columns that come back for each row inserted
}

// rows inserts many rows in as few statements as the dialect allows. row, where
// the insert returns something, is called for each row that was inserted.
func (ins *insert) rows(ctx context.Context, db *conn, rows [][]any, row func(scan) error) error {
	d := db.b.d
	most := maxRows
	if d.Insert.Array == nil {
		most = d.Insert.Shapes[0]
	}
	var query string
	var shape int // of query
	for len(rows) > 0 {
		n := fits(rows, most, db.b.limits.statementBytes)
		if d.Insert.Array == nil {
			n = d.shape(n)
		}
		if n != shape {
			query, shape = ins.statement(d, n), n
		}
		if err := ins.run(ctx, db, query, ins.values(d, rows[:n]), n, row); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// maxRows is how many rows arrays carry: more gained nothing.
const maxRows = 100

// fits returns how many of rows, at least one, stay within a number and a size.
func fits(rows [][]any, most, bytes int) int {
	for n, row := range rows {
		for _, v := range row {
			switch v := v.(type) {
			case []byte:
				bytes -= len(v)
			case string:
				bytes -= len(v)
			default:
				bytes -= 8
			}
		}
		if n > 0 && bytes < 0 || n == most {
			return n
		}
	}
	return len(rows)
}

// shape returns the largest shape of at most n rows.
func (d *Dialect) shape(n int) int {
	for _, shape := range d.Insert.Shapes {
		if shape <= n {
			return shape
		}
	}
	return 1
}

// run inserts n rows and counts them, except where taken keys are skipped: there
// the caller finds out what is missing.
func (ins *insert) run(ctx context.Context, db *conn, query string, args []any, n int, row func(scan) error) error {
	if ins.skipTaken {
		return db.query(ctx, query, args, row)
	}
	return db.change(ctx, int64(n), query, args...)
}

// statement returns the text for n rows.
func (ins *insert) statement(d *Dialect, n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO ")
	if ins.skipTaken && d.Insert.IgnorePrefix != "" {
		b.Reset()
		b.WriteString(d.Insert.IgnorePrefix + " ")
	}
	names := make([]string, len(ins.columns))
	for i, c := range ins.columns {
		names[i] = c.name
	}
	b.WriteString(ins.table + " (" + strings.Join(names, ", ") + ")" + ins.source(d, n))
	if ins.skipTaken && d.Insert.IgnoreSuffix != "" {
		b.WriteString(" " + d.Insert.IgnoreSuffix)
	}
	if ins.returning != "" {
		b.WriteString(" RETURNING " + ins.returning)
	}
	return b.String()
}

// source is where the rows come from: VALUES, or one array for each column.
func (ins *insert) source(d *Dialect, n int) string {
	if d.Insert.Array == nil {
		one := "(?" + strings.Repeat(",?", len(ins.columns)-1) + ")"
		return " VALUES " + one + strings.Repeat(","+one, n-1)
	}
	arrays := make([]string, len(ins.columns))
	for i, c := range ins.columns {
		arrays[i] = "?::" + d.Insert.ArrayTypes[c.typ]
	}
	return " SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ")"
}

// values returns the arguments for rows.
func (ins *insert) values(d *Dialect, rows [][]any) []any {
	if d.Insert.Array != nil {
		return ins.arrays(d, rows)
	}
	if len(rows) == 1 {
		return rows[0]
	}
	args := make([]any, 0, len(rows)*len(ins.columns))
	for _, row := range rows {
		args = append(args, row...)
	}
	return args
}

func (ins *insert) arrays(d *Dialect, rows [][]any) []any {
	args := make([]any, len(ins.columns))
	for i, c := range ins.columns {
		values := make([]any, len(rows))
		for j, row := range rows {
			values[j] = row[i]
		}
		args[i] = d.Insert.Array(c.typ, values)
	}
	return args
}
