package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m, main) }

// suite says how PostgreSQL differs.
func suite() *sqltest.Suite {
	return &sqltest.Suite{
		Driver: postgresDriver(), Dialect: dialect(),
		Database: databases.Postgres, NewServer: databases.NewPostgres,
		PlainText: "sslmode=disable",
		Commit:    "COMMIT\x00", // not BEGIN … READ COMMITTED
		Integer:   "int",
		Flips: [2]string{
			`UPDATE codex_body SET data = set_byte(data, 500, get_byte(data, 500) # 1)
		WHERE artifact = (SELECT id FROM codex_artifact WHERE sha256 = $1)`,
			`UPDATE codex_artifact_chunk SET data = set_byte(data, 500, get_byte(data, 500) # 1)
		WHERE seq = 0 AND upload = (SELECT u.id FROM codex_upload u JOIN codex_artifact a ON a.id = u.artifact WHERE a.sha256 = $1)`,
		},
		FileOptions: fileOptions,
		NoteBytes:   "SELECT convert_to(note, 'UTF8') FROM codex_origin",
		Cut:         "substr(data, 1, length(data) - 1)",
		Zero:        `decode(repeat('00', length(data)), 'hex')`,
		Measured:    true,
		Discards: map[string]sqltest.Discard{
			"trigger": func(event, table string) []string {
				return []string{
					"CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
					fmt.Sprintf("CREATE TRIGGER lose BEFORE %s ON %s FOR EACH ROW EXECUTE FUNCTION lose()", event, table),
				}
			},
			"rule": func(event, table string) []string {
				return []string{fmt.Sprintf("CREATE RULE lose AS ON %s TO %s DO INSTEAD NOTHING", event, table)}
			},
		},
		Foreign: map[string][]string{
			"trigger change on codex_item": {
				"CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name = ''another''; RETURN NEW; END'",
				"CREATE TRIGGER change BEFORE INSERT ON codex_item FOR EACH ROW EXECUTE FUNCTION change()",
			},
			"view in the place of codex_item": {
				"ALTER TABLE codex_item RENAME TO items", "CREATE VIEW codex_item AS SELECT * FROM items", "GRANT ALL ON codex_item TO PUBLIC",
			},
			"unlogged table in the place of codex_body":    {"ALTER TABLE codex_body SET UNLOGGED"},
			"policy for rows on codex_item":                {"ALTER TABLE codex_item ENABLE ROW LEVEL SECURITY"},
			"table more that inherits from codex_artifact": {"CREATE TABLE more () INHERITS (codex_artifact)"},
			"table codex_item_tag that inherits from elsewhere": {
				"CREATE TABLE elsewhere (tag bigint NOT NULL)", "ALTER TABLE codex_item_tag INHERIT elsewhere",
			},
		},
		Altered: map[string][]string{
			"column codex_item.archived_at: bigint NOT NULL":     {"ALTER TABLE codex_item ALTER archived_at TYPE numeric(20,-3)"},
			"column codex_origin.host: text COLLATE C NOT NULL":  {"ALTER TABLE codex_origin ALTER host TYPE varchar(9)"},
			"column codex_origin.note: text COLLATE C NOT NULL":  {"ALTER TABLE codex_origin ALTER note TYPE char(2000)"},
			"column codex_name.name: text COLLATE C NOT NULL":    {"ALTER TABLE codex_name ALTER name TYPE text COLLATE \"POSIX\""},
			"column codex_item.digest: bytea NOT NULL":           {"ALTER TABLE codex_item ALTER digest DROP NOT NULL"},
			"column codex_event.host: text COLLATE C NOT NULL":   {"ALTER TABLE codex_event DROP host, ADD host text COLLATE \"C\" NOT NULL GENERATED ALWAYS AS ('here') STORED"},
			"column codex_hold.released_at: bigint":              {"ALTER TABLE codex_hold DROP released_at"},
			"unique index of codex_item: btree (tombstone)":      {"ALTER TABLE codex_item DROP CONSTRAINT codex_item_tombstone_key"},
			"unique index of codex_artifact: btree (sha256)":     {"ALTER TABLE codex_artifact DROP CONSTRAINT codex_artifact_sha256_key, ADD UNIQUE (sha256) DEFERRABLE"},
			"unique index of codex_event: btree (id)":            {"ALTER TABLE codex_event DROP CONSTRAINT codex_event_pkey, ADD PRIMARY KEY (id, action)"},
			"unique index of codex_upload: btree (artifact)":     {"ALTER TABLE codex_upload DROP CONSTRAINT codex_upload_artifact_key", "CREATE UNIQUE INDEX u ON codex_upload (artifact) WHERE touched > 0"},
			"unique index of codex_artifact_chunk: btree (uploa": {"ALTER TABLE codex_artifact_chunk DROP CONSTRAINT codex_artifact_chunk_pkey"},
		},
		Harmless: []string{
			"ALTER TABLE codex_item ADD project text, ALTER name SET STORAGE MAIN", "DROP INDEX codex_item_repo", "ALTER INDEX codex_item_event RENAME TO another",
			"ALTER TABLE codex_name ADD CONSTRAINT small CHECK (length(name) < 1000)", "CREATE UNIQUE INDEX u ON codex_item (tombstone, event)",
		},
		// Nothing but a commit writes the log: the server's own writer sleeps.
		Durable:  []string{"wal_writer_delay=10s"},
		Careless: func(d *databases.Database) string { return "ALTER ROLE " + d.User + " SET synchronous_commit = off" },
		KillHard: killHard,
		Grant: func(d *databases.Database, user, rights string) (grant, revoke []string) {
			return []string{
				fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'secret'", user),
				fmt.Sprintf("GRANT %s ON ALL TABLES IN SCHEMA public TO %s", rights, user),
				fmt.Sprintf("ALTER DEFAULT PRIVILEGES FOR ROLE %s GRANT %s ON TABLES TO %s", d.User, rights, user),
			}, []string{"DROP OWNED BY " + user, "DROP ROLE " + user}
		},
		ReadOnly: func(t *testing.T, d *databases.Database) {
			sqltest.Execute(t, d, "ALTER ROLE "+d.User+" SET default_transaction_read_only = on")
		},
	}
}

// killHard ends the server's processes, the first one first: it would start
// others. All of them run in the directory of the data, and a server does not
// start while one of them still has the memory that they share.
func killHard(t *testing.T, d *databases.Database) {
	t.Helper()
	var directory, file string
	if err := d.Admin(t).QueryRowContext(t.Context(), "SELECT current_setting('data_directory'), pg_read_file('postmaster.pid')").Scan(&directory, &file); err != nil {
		t.Fatal(err)
	}
	first, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(file, "\n", 2)[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := kill(first); err != nil {
		t.Fatal(err)
	}
	for {
		running := processesIn(t, directory)
		if len(running) == 0 {
			return
		}
		for _, process := range running {
			_ = kill(process) // it may have ended by itself
		}
		time.Sleep(time.Millisecond)
	}
}

func kill(process int) error {
	p, err := os.FindProcess(process)
	if err != nil {
		return err
	}
	return p.Kill()
}

// processesIn returns the processes whose current directory this is.
func processesIn(t *testing.T, directory string) (processes []int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if at, err := os.Readlink(link); err != nil || at != directory { // an error: it has ended
			continue
		}
		if process, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			processes = append(processes, process)
		}
	}
	return processes
}

// TestRowsAreNotHidden has a policy that shows a user no record: what would look
// like an empty archive is an error.
func TestRowsAreNotHidden(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	sqltest.MustPut(t, suite().Open(t, d.URL(), sdk.Create), contest.Small(1))
	user := "reader_" + d.Name
	grant, revoke := suite().Grant(d, user, "SELECT")
	sqltest.Execute(t, d, grant...)
	t.Cleanup(func() { sqltest.Execute(t, d, revoke...) })
	sqltest.Execute(t, d, "ALTER TABLE codex_item ENABLE ROW LEVEL SECURITY")
	archive := suite().Open(t, d.URLAs(user, "secret"), sdk.ReadOnly)
	_, err := archive.Health(t.Context())
	sqltest.Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
	for entry, err := range archive.List(t.Context(), sdk.Query{}) {
		sqltest.Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
		if err == nil {
			t.Errorf("listed %v", entry.Record.Tombstone)
		}
	}
}

// TestRoleSettings has a role with defaults that would change what statements mean,
// how values are written, or how long a transaction may take.
func TestRoleSettings(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	for _, setting := range []string{
		"quote_all_identifiers = on", "idle_in_transaction_session_timeout = '1ms'", "standard_conforming_strings = off", "backslash_quote = off",
		"bytea_output = escape", "array_nulls = off", "transform_null_equals = on", "default_transaction_isolation = serializable",
		"default_transaction_deferrable = on", "client_encoding = latin1", "datestyle = 'German, DMY'", "timezone = 'Asia/Kolkata'",
		"plan_cache_mode = force_generic_plan", "synchronous_commit = off", "lock_timeout = '5s'", "client_min_messages = debug1",
	} {
		sqltest.Execute(t, d, "ALTER ROLE "+d.User+" SET "+setting)
	}
	suite().Works(t, d)
}

// TestNoSchema has a role whose search_path leads to no schema in which tables last.
func TestNoSchema(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"''", "nowhere", "pg_catalog, public", "pg_temp, public"} {
		d := databases.Postgres(t)
		sqltest.Execute(t, d, "ALTER ROLE "+d.User+" SET search_path = "+path)
		_, err := open(t.Context(), sdk.Options{URL: d.URL(), Mode: sdk.Create})
		sqltest.Failed(t, err, sdk.PermissionDenied, false, sdk.EffectNone)
		if err != nil && !strings.Contains(err.Error(), "search_path") {
			t.Error(err)
		}
	}
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
