package main

import (
	"embed"
	"io/fs"

	"github.com/codex-archive/codex/sdk/sqlbackend"
)

//go:embed schema/*.sql
var schema embed.FS

// dialect is how PostgreSQL differs from other databases.
func dialect() *sqlbackend.Dialect {
	files, err := fs.Sub(schema, "schema")
	if err != nil {
		panic(err) // the name above is wrong
	}
	return &sqlbackend.Dialect{
		Connect:  connect,
		Classify: classify,

		Schema:       files,
		AtomicSchema: true,
		Tables:       `SELECT tablename FROM pg_tables WHERE schemaname = ANY(current_schemas(false)) AND starts_with(tablename, 'codex_')`,
		// Ends with the transaction, so that it also works where a pooler gives
		// each transaction another connection. The number is ours, of no meaning.
		Lock: "SELECT 1 FROM pg_advisory_xact_lock(4982347160233957)",

		Version: "SELECT 'PostgreSQL ' || current_setting('server_version')",
		Now:     "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
		// What a connection began with counts, not the read-only mode we may have
		// put it in.
		Writable: `SELECT CASE WHEN NOT pg_is_in_recovery()
		AND (SELECT reset_val FROM pg_settings WHERE name = 'default_transaction_read_only') = 'off'
		AND has_table_privilege('codex_item', 'INSERT') THEN 1 ELSE 0 END`,

		Begin:     "BEGIN ISOLATION LEVEL READ COMMITTED",
		ForUpdate: " FOR UPDATE",
		ForShare:  " FOR SHARE",

		Query:        query,
		Dollar:       true,
		IgnoreSuffix: "ON CONFLICT DO NOTHING",
		Array:        array,
		ArrayTypes:   [3]string{sqlbackend.Int: "bigint[]", sqlbackend.Bytes: "bytea[]", sqlbackend.Text: "text[]"},
	}
}

// array makes one argument of a column, in a type that pgx sends in binary.
func array(t sqlbackend.Type, values []any) any {
	switch t {
	case sqlbackend.Int:
		return column[int64](values)
	case sqlbackend.Text:
		return column[string](values)
	default:
		bytes := make([][]byte, len(values))
		for i, v := range values {
			bytes[i], _ = v.([]byte) // nil stays NULL
		}
		return bytes
	}
}

// column leaves nil, which is NULL, where there is no value.
func column[T any](values []any) []*T {
	out := make([]*T, len(values))
	for i, v := range values {
		if v, ok := v.(T); ok {
			out[i] = &v
		}
	}
	return out
}
