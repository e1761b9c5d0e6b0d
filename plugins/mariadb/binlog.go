package main

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// statementLog says why a server that logs statements cannot be written: at READ
// COMMITTED a replica would not see rows in the same order, so InnoDB refuses.
const statementLog = "the server logs statements (binlog_format=STATEMENT) and this user may not change that; " +
	"set binlog_format to ROW or MIXED, or grant the user BINLOG ADMIN"

// logRows asks a server that logs statements to log the rows of this connection.
// A user who may not ask is no error here: what writes then says so.
func logRows(ctx context.Context, conn driver.Conn) error {
	statements, err := logsStatements(ctx, conn.(driver.QueryerContext))
	if err != nil || !statements {
		return err
	}
	_, err = conn.(driver.ExecerContext).ExecContext(ctx, "SET SESSION binlog_format = 'ROW'", nil)
	if denied, ok := errors.AsType[*mysql.MySQLError](err); ok && denied.Number == errNoPrivilege {
		return nil
	}
	return err
}

// errNoPrivilege is the server's number for a privilege that the user lacks.
const errNoPrivilege = 1227

func logsStatements(ctx context.Context, conn driver.QueryerContext) (bool, error) {
	rows, err := conn.QueryContext(ctx, "SELECT 1 FROM DUAL WHERE @@log_bin AND @@binlog_format = 'STATEMENT'", nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }() // one row is all that was asked for
	found := rows.Next(make([]driver.Value, 1)) == nil
	return found, nil
}
