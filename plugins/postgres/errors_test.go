package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// recorded are errors of PostgreSQL 15 that a test cannot bring about, or not
// quickly, as they were recorded or as its sources have them. Those that it can
// are in [TestErrorsOfTheServer].
var recorded = []struct {
	code, message string
	want          sqlbackend.Class
}{
	{"08006", "connection failure", sqlbackend.Class{Kind: sdk.Unavailable}},
	{"08P01", "invalid message format", sqlbackend.Class{Kind: sdk.Unavailable}},
	{"0A000", "cached plan must not change result type", sqlbackend.Class{Kind: sdk.Internal, ServerReplied: true}},
	{"40003", "statement completion unknown", sqlbackend.Class{Kind: sdk.Unavailable}},
	{"53100", `could not extend file "base/16384/16396": No space left on device`, sqlbackend.Class{Kind: sdk.Full, ServerReplied: true}},
	{"53200", "out of memory", sqlbackend.Class{Kind: sdk.Busy, ServerReplied: true, Permanent: true}},
	{"57P02", "terminating connection because of crash of another server process", sqlbackend.Class{Kind: sdk.Unavailable}},
	{"57P03", "the database system is not accepting connections", sqlbackend.Class{Kind: sdk.Unavailable, ServerReplied: true}}, // a standby without hot_standby
	{"57P03", "the database system is starting up", sqlbackend.Class{Kind: sdk.Unavailable, ServerReplied: true}},
	{"57P04", `database "archive" has been dropped`, sqlbackend.Class{Kind: sdk.NoArchive, ServerReplied: true}},
	{"58030", `could not read file "base/16384/16396": Input/output error`, sqlbackend.Class{Kind: sdk.Internal, Permanent: true}},
	{"XX000", "could not open relation with OID 16396", sqlbackend.Class{Kind: sdk.Internal, ServerReplied: true}},
	{"XX002", `index "codex_item_pkey" contains unexpected zero page at block 1`, sqlbackend.Class{Kind: sdk.Corrupt, ServerReplied: true}},
}

func TestClassifyRecorded(t *testing.T) {
	for _, r := range recorded {
		r.want.Native, r.want.Msg = r.code, r.message
		err := fmt.Errorf("put: %w", &pgconn.PgError{Severity: "ERROR", Code: r.code, Message: r.message, Detail: "secret row"})
		if got := classify(err); got != r.want {
			t.Errorf("%s %s: %+v, want %+v", r.code, r.message, got, r.want)
		}
	}
}

func TestErrorsOfTheServer(t *testing.T) {
	suite().Errors(t, []sqltest.ErrorCase{
		sqltest.Case("wrong password", suite().Login(func(d *databases.Database) sdk.Options { return sdk.Options{URL: d.URLAs(d.User, "wrong")} }),
			sqlbackend.Class{Kind: sdk.Unauthenticated, Native: "28P01", ServerReplied: true, Msg: "password authentication failed"}),
		sqltest.Case("no such user", suite().Login(func(d *databases.Database) sdk.Options { return sdk.Options{URL: d.URLAs("nobody", "wrong")} }),
			sqlbackend.Class{Kind: sdk.Unauthenticated, Native: "28P01", ServerReplied: true, Msg: "password authentication failed"}),
		sqltest.Case("no password", suite().Login(func(d *databases.Database) sdk.Options { return sdk.Options{URL: d.URLAs(d.User, "")} }),
			sqlbackend.Class{Kind: sdk.Unauthenticated, Native: "28P01", ServerReplied: true, Msg: "; no password was given"}),
		sqltest.Case("no such database", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: strings.TrimSuffix(d.URL(), d.Name) + "missing"}
		}), sqlbackend.Class{Kind: sdk.NoArchive, Native: "3D000", ServerReplied: true, Msg: `"missing" does not exist; the server's administrator makes it`}),
		sqltest.Case("unknown host", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: "postgres://u:canary@host.invalid/db"}
		}), sqlbackend.Class{Kind: sdk.Unavailable, Msg: "database db on host.invalid:5432: unknown host host.invalid"}),
		sqltest.Case("refused", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: "postgres://u:canary@" + sqltest.ClosedPort(t) + "/db"}
		}), sqlbackend.Class{Kind: sdk.Unavailable, Msg: "connection refused"}),
		sqltest.Case("unknown authority", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: d.URL() + "?sslmode=verify-full&sslrootcert=system"}
		}), sqlbackend.Class{Kind: sdk.Unavailable, Permanent: true, Msg: "certificate signed by unknown authority; sslrootcert names"}),
		sqltest.Case("no table", suite().Script("SELECT * FROM missing"), sqlbackend.Class{Kind: sdk.Schema, Native: "42P01", ServerReplied: true, Msg: `"missing"`}),
		sqltest.Case("no column", suite().Script("SELECT missing FROM pg_class"), sqlbackend.Class{Kind: sdk.Schema, Native: "42703", ServerReplied: true, Msg: `"missing"`}),
		sqltest.Case("no function", suite().Script("SELECT missing()"), sqlbackend.Class{Kind: sdk.Unsupported, Native: "42883", ServerReplied: true, Msg: "no PostgreSQL of 11 or later: "}),
		sqltest.Case("no schema", suite().Script("SET search_path = nowhere", "CREATE TABLE t (n int)"), sqlbackend.Class{Kind: sdk.NoArchive, Native: "3F000", ServerReplied: true, Msg: "schema"}),
		sqltest.Case("syntax", suite().Script("SELEKT"), sqlbackend.Class{Kind: sdk.Internal, Native: "42601", ServerReplied: true, Msg: "syntax error"}),
		sqltest.Case("right", suite().Script("SELECT * FROM pg_authid"), sqlbackend.Class{Kind: sdk.PermissionDenied, Native: "42501", ServerReplied: true, Msg: "permission denied"}),
		sqltest.Case("read-only", suite().Script("SET default_transaction_read_only = on", "CREATE TABLE t (n int)"),
			sqlbackend.Class{Kind: sdk.PermissionDenied, Native: "25006", ServerReplied: true, Msg: "the server is a standby, or this user may only read: cannot execute"}),
		sqltest.Case("duplicate", suite().Script("CREATE TABLE t (n int PRIMARY KEY)", "INSERT INTO t VALUES (1), (1)"),
			sqlbackend.Class{Kind: sdk.Conflict, Native: "23505", ServerReplied: true, Msg: "duplicate key"}),
		sqltest.Case("null", suite().Script("CREATE TABLE t (n int NOT NULL)", "INSERT INTO t VALUES (NULL)"),
			sqlbackend.Class{Kind: sdk.Invalid, Native: "23502", ServerReplied: true, Msg: "not-null"}),
		sqltest.Case("value", suite().Script("SELECT 'x'::int"), sqlbackend.Class{Kind: sdk.Invalid, Native: "22P02", ServerReplied: true, Msg: "invalid input syntax"}),
		sqltest.Case("too large", suite().Script("CREATE TABLE t (x text PRIMARY KEY)", "INSERT INTO t SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) i"),
			sqlbackend.Class{Kind: sdk.Full, Native: "54000", ServerReplied: true, Msg: "index row"}),
		sqltest.Case("statement time-out", suite().Script("SET statement_timeout = 1", "SELECT pg_sleep(10)"),
			sqlbackend.Class{Kind: sdk.Timeout, Native: "57014", ServerReplied: true, Msg: "canceling statement"}),
		sqltest.Case("deadlock", suite().Contend("SELECT 1", "BEGIN", "UPDATE t SET v = 1 WHERE n = 2", "UPDATE t SET v = 2 WHERE n = 1"),
			sqlbackend.Class{Kind: sdk.Busy, Native: "40P01", ServerReplied: true, Deadlock: true, Msg: "deadlock"}),
		sqltest.Case("lock", suite().Contend("SELECT 1", "BEGIN; SET LOCAL lock_timeout = 1", "SELECT 1", "UPDATE t SET v = 2 WHERE n = 1"),
			sqlbackend.Class{Kind: sdk.Busy, Native: "55P03", ServerReplied: true, Msg: "lock timeout"}),
		sqltest.Case("serialization", suite().Contend("SELECT 1", "BEGIN ISOLATION LEVEL REPEATABLE READ", "COMMIT", "UPDATE t SET v = 2 WHERE n = 1"),
			sqlbackend.Class{Kind: sdk.Busy, Native: "40001", ServerReplied: true, Deadlock: true, Msg: "could not serialize"}),
	})
}

// TestUnknownOption names an option that the server does not know. It is no
// parameter of the start, which a pooler would refuse.
func TestUnknownOption(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	for _, mode := range []sdk.Mode{sdk.ReadOnly, sdk.Create} {
		_, err := open(t.Context(), sdk.Options{URL: d.URL() + "?colour=red", Mode: mode})
		sqltest.Failed(t, err, sdk.Invalid, false, sdk.EffectNone)
		if !strings.Contains(fmt.Sprint(err), `"colour"`) {
			t.Errorf("mode %d: %v", mode, err)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	server := databases.NewPostgres(t, "max_connections=5", "superuser_reserved_connections=3")
	d := server.Database(t)
	var err error
	for n := 0; err == nil && n < 5; n++ { // the administrator may have some of them
		db, failed := suite().Dial(t, sdk.Options{URL: d.URL()})
		if err = failed; err == nil {
			sqltest.Connection(t, db)
		}
	}
	suite().Check(t, err, sqlbackend.Class{Kind: sdk.Busy, Native: "53300", ServerReplied: true, Msg: "no connection is free: "})
}

// TestNoConnection holds what is said of a connection that did not come about
// against the whole line: where it led, what happened there, and no more.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	server := databases.NewPostgres(t, "ssl=off")
	d := server.Database(t)
	silent, closed := sqltest.Silence(t), sqltest.ClosedPort(t)
	name, address := d.Name, server.Address()
	where := "database " + name + " on " + address + ": "
	for _, c := range []struct {
		url  string
		want sqlbackend.Class
	}{
		// That there is no TLS is no reason where it is only preferred.
		{d.URLAs(d.User, "wrong"), sqlbackend.Class{Kind: sdk.Unauthenticated, Native: "28P01", ServerReplied: true,
			Msg: where + `password authentication failed for user "` + d.User + `"`}},
		{d.URL() + "?sslmode=require", sqlbackend.Class{Kind: sdk.Unavailable, Permanent: true,
			Msg: where + "the server does not do TLS, and sslmode asks for it"}},
		{d.URL() + "?target_session_attrs=standby", sqlbackend.Class{Kind: sdk.Unavailable,
			Msg: where + "it is the primary, and target_session_attrs asks for another"}},
		{d.URL() + "?target_session_attrs=read-only", sqlbackend.Class{Kind: sdk.Unavailable,
			Msg: where + "it can be written, and target_session_attrs asks for another"}},
		{strings.Replace(d.URL(), address, address+","+closed, 1) + "?target_session_attrs=standby", sqlbackend.Class{Kind: sdk.Unavailable,
			Msg: "database " + name + ": " + address + ": it is the primary, and target_session_attrs asks for another; " +
				closed + ": connection refused"}},
		// Not final: the other host may come back.
		{strings.Replace(d.URL(), address, closed+","+address, 1) + "?sslmode=require", sqlbackend.Class{Kind: sdk.Unavailable,
			Msg: "database " + name + ": " + closed + ": connection refused; " +
				address + ": the server does not do TLS, and sslmode asks for it"}},
		{"postgres://u:canary@a.invalid,b.invalid/db", sqlbackend.Class{Kind: sdk.Unavailable,
			Msg: "database db: unknown host a.invalid; unknown host b.invalid"}},
		{"postgres://u:canary@" + silent + "/db?connect_timeout=1", sqlbackend.Class{Kind: sdk.Timeout,
			Msg: "database db on " + silent + ": no answer in the time allowed"}},
		{"postgres://u:canary@/db?host=/nowhere", sqlbackend.Class{Kind: sdk.Unavailable,
			Msg: "database db on /nowhere: no such file or directory"}},
	} {
		_, err := suite().Dial(t, sdk.Options{URL: c.url})
		if got := classify(err); err == nil || got != c.want {
			t.Errorf("%v\nis %+v\nwant %+v", err, got, c.want)
		}
	}
}

func TestServerStops(t *testing.T) {
	t.Parallel()
	server := databases.NewPostgres(t)
	db, err := suite().Dial(t, sdk.Options{URL: server.Database(t).URL()})
	if err != nil {
		t.Fatal(err)
	}
	c := sqltest.Connection(t, db)
	fails := make(chan error, 1)
	go func() {
		_, err := c.ExecContext(t.Context(), "SELECT pg_sleep(600)")
		fails <- err
	}()
	awaitSleeper(t, server)
	server.Stop(t)
	suite().Check(t, <-fails, sqlbackend.Class{Kind: sdk.Unavailable, Native: "57P01", Msg: "terminating connection"})
	_, err = c.ExecContext(t.Context(), "SELECT 1")
	if k := classify(err).Kind; err == nil || k != 0 && k != sdk.Unavailable {
		t.Errorf("after the stop: %v, want a lost connection", err)
	}
	suite().Check(t, db.PingContext(t.Context()), sqlbackend.Class{Kind: sdk.Unavailable, Msg: "connection refused"})
	server.Start(t)
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("after the start: %v", err)
	}
}

// TestRareErrors brings about what takes a server of its own: one that ends
// sessions, keeps temporary files small, and has a damaged file.
func TestRareErrors(t *testing.T) {
	t.Parallel()
	server := databases.NewPostgres(t, "temp_file_limit=64kB", "work_mem=64kB")
	d := server.Database(t)
	suite().Check(t, suite().Script("SELECT count(*) FROM (SELECT md5(i::text) m FROM generate_series(1, 100000) i ORDER BY 1 OFFSET 0) s")(t, d),
		sqlbackend.Class{Kind: sdk.Full, Native: "53400", ServerReplied: true, Msg: "temp_file_limit"})

	db, err := suite().Dial(t, sdk.Options{URL: d.URL(), Mode: sdk.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	idle := sqltest.Connection(t, db)
	var process int
	if err := idle.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&process); err != nil {
		t.Fatal(err)
	}
	if _, err := idle.ExecContext(t.Context(), "SET idle_session_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	admin := d.Admin(t)
	sqltest.Await(t, admin, fmt.Sprintf("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %d", process))
	_, err = idle.ExecContext(t.Context(), "SELECT 1")
	suite().Check(t, err, sqlbackend.Class{Kind: sdk.Unavailable, Native: "57P05", ServerReplied: true, Msg: "idle-session timeout"})

	var directory, file string
	for _, s := range []string{"CREATE TABLE damaged AS SELECT i FROM generate_series(1, 10) i", "GRANT SELECT ON damaged TO PUBLIC"} {
		if _, err := admin.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := admin.QueryRowContext(t.Context(), "SELECT current_setting('data_directory'), pg_relation_filepath('damaged')").Scan(&directory, &file); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	page, err := os.OpenFile(filepath.Join(directory, file), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	if _, err := page.Write([]byte(strings.Repeat("damage", 100))); err != nil {
		t.Fatal(err)
	}
	server.Start(t)
	suite().Check(t, suite().Script("SELECT * FROM damaged")(t, d), sqlbackend.Class{Kind: sdk.Corrupt, Native: "XX001", ServerReplied: true, Msg: "invalid page"})
}

func TestIdleTransactionEnds(t *testing.T) {
	t.Parallel()
	d := databases.Postgres(t)
	db, err := suite().Dial(t, sdk.Options{URL: d.URL()})
	if err != nil {
		t.Fatal(err)
	}
	c := sqltest.Connection(t, db)
	for _, s := range []string{"SET idle_in_transaction_session_timeout = 1", "BEGIN"} {
		if _, err := c.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	sqltest.Await(t, d.Admin(t), "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'")
	_, err = c.ExecContext(t.Context(), "COMMIT")
	suite().Check(t, err, sqlbackend.Class{Kind: sdk.Unavailable, Native: "25P03", ServerReplied: true, Msg: "idle-in-transaction"})
}

func awaitSleeper(t *testing.T, server *databases.Server) {
	t.Helper()
	sqltest.Await(t, server.Database(t).Admin(t), "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
}
