package main

import (
	"fmt"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m, main) }

// suite says how MariaDB differs.
func suite() *sqltest.Suite {
	return &sqltest.Suite{
		Driver: mariadbDriver(), Dialect: dialect(),
		Database: databases.MariaDB, NewServer: databases.NewMariaDB,
		PlainText: "tls=false",
		Commit:    "COMMIT",
		Integer:   "INT",
		Flips: [2]string{
			`UPDATE codex_body SET data = INSERT(data, 501, 1, CHAR(ORD(SUBSTR(data, 501, 1)) ^ 1))
		WHERE artifact = (SELECT id FROM codex_artifact WHERE sha256 = ?)`,
			`UPDATE codex_artifact_chunk SET data = INSERT(data, 501, 1, CHAR(ORD(SUBSTR(data, 501, 1)) ^ 1))
		WHERE seq = 0 AND upload = (SELECT u.id FROM codex_upload u JOIN codex_artifact a ON a.id = u.artifact WHERE a.sha256 = ?)`,
		},
		NoteBytes:   "SELECT CAST(note AS BINARY) FROM codex_origin",
		FileOptions: []string{"ssl-ca", "ssl-cert", "ssl-key"},
		Cut:         "LEFT(data, LENGTH(data) - 1)",
		Zero:        "REPEAT(CHAR(0), LENGTH(data))",
		Discards:    map[string]sqltest.Discard{"trigger": discard},
		Foreign: map[string][]string{
			"table of the engine MyISAM in the place of codex_item": {"ALTER TABLE codex_item ENGINE=MyISAM"},
			"view in the place of codex_name": {
				"RENAME TABLE codex_name TO names", "CREATE VIEW codex_name AS SELECT * FROM names",
			},
			"system versioned in the place of codex_body": {"ALTER TABLE codex_body ADD SYSTEM VERSIONING"},
		},
		Altered: map[string][]string{
			"column codex_item.archived_at: bigint(20) NOT NULL":           {"ALTER TABLE codex_item MODIFY archived_at DECIMAL(20,0) NOT NULL"},
			"column codex_item.digest: binary(32) NOT NULL":                {"ALTER TABLE codex_item MODIFY digest VARBINARY(32) NOT NULL"},
			"column codex_item.name: varbinary(4096) NOT NULL":             {"ALTER TABLE codex_item MODIFY name CHAR(200) NOT NULL"},
			"column codex_name.name: varbinary(1024) NOT NULL":             {"ALTER TABLE codex_name MODIFY name VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL"},
			"column codex_origin.note: mediumtext COLLATE utf8mb4_bin NOT": {"ALTER TABLE codex_origin MODIFY note MEDIUMTEXT CHARACTER SET latin1 NOT NULL"},
			"column codex_item.git_blob: varbinary(32) NOT NULL":           {"ALTER TABLE codex_item MODIFY git_blob VARBINARY(32)"},
			"column codex_event.host: varbinary(1024) NOT NULL":            {"ALTER TABLE codex_event DROP host, ADD host VARBINARY(1024) AS ('here') STORED"},
			"column codex_hold.released_at: bigint(20)":                    {"ALTER TABLE codex_hold DROP released_at"},
			"column codex_upload.id: bigint(20) NOT NULL auto_increment":   {"ALTER TABLE codex_upload MODIFY id BIGINT"},
			"unique index of codex_item: tombstone":                        {"ALTER TABLE codex_item DROP KEY codex_item_tombstone"},
			"unique index of codex_artifact: sha256":                       {"ALTER TABLE codex_artifact DROP KEY codex_artifact_sha256, ADD UNIQUE KEY (sha256(4))"},
			"unique index of codex_event: id":                              {"ALTER TABLE codex_event DROP PRIMARY KEY, ADD PRIMARY KEY (id, action)"},
			"unique index of codex_upload: artifact":                       {"ALTER TABLE codex_upload DROP KEY codex_upload_artifact, ADD KEY (artifact)"},
		},
		Harmless: []string{
			"ALTER TABLE codex_item ADD project TEXT, DROP KEY codex_item_repo, RENAME KEY codex_item_event TO another, ADD UNIQUE KEY (tombstone, event)",
			"ALTER TABLE codex_body MODIFY data MEDIUMBLOB COMPRESSED NOT NULL", "ALTER TABLE codex_name ADD CONSTRAINT small CHECK (LENGTH(name) < 1000)",
			"ALTER TABLE codex_item_tag PARTITION BY HASH (item) PARTITIONS 2",
		},
		Durable: []string{"innodb_flush_log_at_trx_commit=1"},
		Grant: func(d *databases.Database, user, rights string) (grant, revoke []string) {
			return []string{
				fmt.Sprintf("CREATE USER %s IDENTIFIED BY 'secret'", user),
				fmt.Sprintf("GRANT %s ON %s.* TO %s", rights, d.Name, user),
			}, []string{"DROP USER " + user}
		},
		ReadOnly: func(t *testing.T, d *databases.Database) {
			sqltest.Execute(t, d, "SET GLOBAL read_only = 1")
			t.Cleanup(func() { sqltest.Execute(t, d, "SET GLOBAL read_only = 0") })
		},
	}
}

// discard makes triggers with a condition that INSERT IGNORE turns into a
// warning. MariaDB has nothing that discards other rows without an error.
func discard(event, table string) []string {
	return []string{fmt.Sprintf("CREATE TRIGGER lose BEFORE %s ON %s FOR EACH ROW SIGNAL SQLSTATE '45000'", event, table)}
}

// TestHiddenTriggers has a user without the right TRIGGER, to whom the server
// shows none.
func TestHiddenTriggers(t *testing.T) {
	t.Parallel()
	d := databases.MariaDB(t)
	owner := suite().Open(t, d.URL(), sdk.Create)
	_ = owner.Close() // it only made the tables
	user := "plain_" + d.Name
	sqltest.Execute(t, d, "CREATE USER "+user+" IDENTIFIED BY 'secret'", fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %s.* TO %s", d.Name, user))
	t.Cleanup(func() { sqltest.Execute(t, d, "DROP USER "+user) })
	suite().HiddenTriggers(t, d, d.URLAs(user, "secret"), map[string]string{
		"body":     "CREATE TRIGGER harm BEFORE INSERT ON codex_body FOR EACH ROW SET NEW.data = REPEAT('x', LENGTH(NEW.data))",
		"chunk":    "CREATE TRIGGER harm BEFORE INSERT ON codex_artifact_chunk FOR EACH ROW SET NEW.data = REPEAT('x', LENGTH(NEW.data))",
		"record":   "CREATE TRIGGER harm BEFORE INSERT ON codex_item FOR EACH ROW SET NEW.name = 'another'",
		"artifact": "CREATE TRIGGER harm BEFORE INSERT ON codex_artifact FOR EACH ROW SET NEW.crc32c = 1",
		"event":    "CREATE TRIGGER harm BEFORE INSERT ON codex_event FOR EACH ROW SET NEW.case_name = 'another'",
		"hold":     "CREATE TRIGGER harm BEFORE INSERT ON codex_hold FOR EACH ROW SET NEW.released_at = 1",
		"release":  "CREATE TRIGGER harm BEFORE UPDATE ON codex_hold FOR EACH ROW SET NEW.released_at = NULL",
		"purge":    "CREATE TRIGGER harm AFTER UPDATE ON codex_item FOR EACH ROW INSERT INTO codex_name (name) VALUES (UUID())",
	})
}

// TestServerSettings has a server whose defaults cut answers, refuse statements,
// look for no duplicates, or begin and end transactions in another way.
func TestServerSettings(t *testing.T) {
	t.Parallel()
	d := databases.NewMariaDB(t).Database(t)
	for _, setting := range []string{
		"sql_select_limit=2", "sql_safe_updates=1", "sql_big_selects=0", "group_concat_max_len=4", "autocommit=0", "completion_type='RELEASE'",
		"init_connect='SET unique_checks=0, NAMES latin1'", "tx_isolation='SERIALIZABLE'", "sql_mode='ORACLE,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES'",
		"max_sort_length=64", "default_storage_engine=MyISAM", "auto_increment_increment=10", "idle_transaction_timeout=1", "max_allowed_packet=1048576",
	} {
		sqltest.Execute(t, d, "SET GLOBAL "+setting)
	}
	suite().Works(t, d)
}

func TestServer(t *testing.T) {
	t.Parallel()
	suite().Run(t)
}

// TestRules runs the contract on the engine in this process.
func TestRules(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, suite().Target(t, open))
}

// TestRulesProcess runs the contract on the program, a process for each handle.
func TestRulesProcess(t *testing.T) {
	t.Parallel()
	suite().RulesOfProgram(t)
}

func BenchmarkRules(b *testing.B) { backendtest.Benchmark(b, suite().Target(b, open)) }

func TestForeignOptions(t *testing.T) {
	suite().ForeignOptions(t, foreignOptions)
}
