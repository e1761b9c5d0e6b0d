package main

import (
	"embed"

	"github.com/codex-archive/codex/sdk/sqlbackend"
)

//go:embed schema/*.sql
var schema embed.FS

//go:embed schema/objects.txt
var definitions string

// dialect is how PostgreSQL differs from other databases.
func dialect() *sqlbackend.Dialect {
	return &sqlbackend.Dialect{
		Connect:  connect,
		Classify: classify,
		Schema: sqlbackend.Schema{
			Files:  schema,
			Atomic: true,
			Tables: `SELECT tablename FROM pg_tables WHERE schemaname = ANY(current_schemas(false)) AND starts_with(tablename, 'codex_')`,
			Obstacle: `SELECT CASE WHEN current_setting('server_encoding') <> 'UTF8' THEN
		'its encoding is ' || current_setting('server_encoding') || ', which does not hold all text; make a database with ENCODING ''UTF8'' and TEMPLATE template0'
		WHEN current_schema() IS NULL OR current_schema() LIKE 'pg\_%' OR current_setting('search_path') ~* '^[ "]*pg_temp' THEN
		'search_path, which is ' || current_setting('search_path') || ', does not begin with a schema for tables; set it for the role, or as the option search_path of the URL'
		ELSE '' END`,
			Objects:     objects,
			Definitions: sqlbackend.Lines(definitions),
			// Ends with the transaction, so that it also works where a pooler gives
			// each transaction another connection. The number has no meaning.
			Lock: "SELECT 1 FROM pg_advisory_xact_lock(4982347160233957)",
		},
		Server: sqlbackend.Server{
			Version:    "SELECT 'PostgreSQL ' || current_setting('server_version')",
			Now:        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
			NotDurable: `SELECT CASE WHEN current_setting('fsync') = 'off' THEN 'the server has fsync = off' ELSE '' END`,
			Length:     "octet_length(?)",
			// The setting that a connection begins with counts, not the read-only
			// transaction that asks.
			Writable: `SELECT CASE WHEN NOT pg_is_in_recovery()
		AND (SELECT reset_val FROM pg_settings WHERE name = 'default_transaction_read_only') = 'off'
		AND has_table_privilege('codex_item', 'INSERT') THEN 1 ELSE 0 END`,
		},
		Locks: sqlbackend.Locks{
			Begin:      begin + perTransaction,
			BeginRead:  "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY" + perTransaction,
			ForUpdate:  " FOR UPDATE",
			ForShare:   " FOR SHARE",
			SlowCommit: "the server's disk, or a synchronous standby (synchronous_standby_names)",
		},
		Statements: sqlbackend.Statements{Dollar: true, Unprepared: true, Query: query},
		Insert: sqlbackend.Insert{
			IgnoreSuffix: "ON CONFLICT DO NOTHING",
			Array:        array,
			ArrayTypes:   [3]string{sqlbackend.Int: "bigint[]", sqlbackend.Bytes: "bytea[]", sqlbackend.Text: "text[]"},
		},
	}
}

// begin starts a transaction that writes. All of it ends with the transaction,
// so that a pooler's connection is left as it was. A role's or a database's
// synchronous_commit = off would lose what was acknowledged when the server is
// killed; values above off are left alone. Names without quotes are compared with
// those of an archive.
const begin = `BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL quote_all_identifiers = off;
SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`

// perTransaction are settings of every transaction. None waits for the host, so
// one that is idle for long belongs to a stopped process and holds locks; a busy
// machine may need more than a role allows. With row_security a policy that would
// hide rows is an error: a list without them looks complete. The engine writes
// joins in the best order, an item first, so the planner need not compare all
// others: that took 2 ms for each query of records, four times as long as all the
// rest.
const perTransaction = "; SET LOCAL idle_in_transaction_session_timeout = '10s'; SET LOCAL row_security = off; SET LOCAL join_collapse_limit = 1"

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
