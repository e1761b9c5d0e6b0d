package main

import (
	"embed"
	"fmt"

	"github.com/codex-archive/codex/sdk/sqlbackend"
)

//go:embed schema/*.sql
var schema embed.FS

//go:embed schema/objects.txt
var definitions string

// dialect is how MariaDB differs from other databases.
func dialect() *sqlbackend.Dialect {
	return &sqlbackend.Dialect{
		Connect:  connect,
		Classify: classify,
		Schema: sqlbackend.Schema{
			Files:       schema,
			Tables:      "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND LEFT(table_name, 6) = 'codex_'",
			Obstacle:    "SELECT IF(@@log_bin AND @@binlog_format = 'STATEMENT', '" + statementLog + "', '')",
			Objects:     objects,
			Definitions: sqlbackend.Lines(definitions),
			// Without the right TRIGGER the server shows no trigger.
			TriggersRun: "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'EXECUTED_TRIGGERS'",
			// Locks are the server's, so the name says which database; names end at
			// 64 characters, and a database's name may have as many.
			Lock:   "SELECT GET_LOCK(CONCAT('codex_archive_', MD5(DATABASE())), 60)",
			Unlock: "SELECT RELEASE_LOCK(CONCAT('codex_archive_', MD5(DATABASE())))",
		},
		Server: sqlbackend.Server{
			Version: "SELECT CONCAT('MariaDB ', SUBSTRING_INDEX(VERSION(), '-', 1))",
			Now:     "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
			NotDurable: `SELECT IF(@@innodb_flush_log_at_trx_commit = 1, '',
		CONCAT('the server has innodb_flush_log_at_trx_commit = ', @@innodb_flush_log_at_trx_commit))`,
			WarnNotDurable: true,
			Small: fmt.Sprintf(`SELECT IF(@@max_allowed_packet < %[1]d, CONCAT('the server takes packets of at most ', @@max_allowed_packet,
		' bytes (max_allowed_packet), and up to %[1]d are sent at once; its administrator raises that, with SET GLOBAL max_allowed_packet = %[2]d and in its configuration file'), '')`,
				maxPacket, 16*maxPacket),
			Length:      "LENGTH(?)",
			LengthReads: true,
			// A right may be the user's or an active role's, on everything, the
			// database (whose name may be a pattern) or the table.
			Writable: `SELECT @@global.read_only = 0 AND @@tx_read_only = 0 AND NOT (@@log_bin AND @@binlog_format = 'STATEMENT') AND (
		EXISTS (SELECT 1 FROM information_schema.user_privileges WHERE privilege_type = 'INSERT') OR
		EXISTS (SELECT 1 FROM information_schema.schema_privileges WHERE privilege_type = 'INSERT' AND DATABASE() LIKE table_schema) OR
		EXISTS (SELECT 1 FROM information_schema.table_privileges WHERE privilege_type = 'INSERT' AND table_schema = DATABASE() AND table_name = 'codex_item'))`,
		},
		Locks: sqlbackend.Locks{
			Begin:      "START TRANSACTION", // at READ COMMITTED: see settings
			ForUpdate:  " FOR UPDATE",
			ForShare:   " LOCK IN SHARE MODE",
			SlowCommit: "the server's disk, a backup that blocks commits, a semi-synchronous replica, or the other nodes of a cluster",
		},
		Insert: sqlbackend.Insert{
			// It also turns values that do not fit into warnings; the engine sends
			// none.
			IgnorePrefix: "INSERT IGNORE INTO",
			Shapes:       []int{100, 10, 1},
		},
	}
}
