package main

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// query is pgx's own, which asks how to decode the columns of a text once.
// Through database/sql each value is copied twice, and each statement asks anew
// how to decode every column.
func query(ctx context.Context, conn any, text string, args []any, row func(scan func(into ...any) error) error) error {
	rows, err := conn.(*stdlib.Conn).Conn().Query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var known []any
	scan := func(into ...any) error {
		known = known[:0]
		for _, v := range into {
			known = append(known, knownToPgx(v))
		}
		return rows.Scan(known...)
	}
	for rows.Next() {
		if err := row(scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// knownToPgx converts variables of database/sql to types of the same shape that
// pgx reads into directly.
func knownToPgx(v any) any {
	switch v := v.(type) {
	case *sql.RawBytes:
		return (*pgtype.DriverBytes)(v)
	case *sql.NullString:
		return (*pgtype.Text)(v)
	case *sql.NullInt64:
		return (*pgtype.Int8)(v)
	}
	return v
}
