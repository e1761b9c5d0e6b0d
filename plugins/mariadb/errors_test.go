package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// recorded are errors of MariaDB that a test cannot bring about, or not
// quickly, as they were recorded or as its sources have them. Those that it can
// are in [TestErrorsOfTheServer].
var recorded = []struct {
	number  uint16
	message string
	want    sqlbackend.Class
}{
	{1020, "Record has changed since last read in table 'codex_item'", sqlbackend.Class{Kind: sdk.Busy, ServerReplied: true}},
	{1021, "Disk full (/tmp/#sql-temptable-1-2-3.MAI); waiting for someone to free some space...", sqlbackend.Class{Kind: sdk.Full}},
	{1026, "Error writing file './binlog.000001' (errno: 28 \"No space left on device\")", sqlbackend.Class{Kind: sdk.Full}},
	{1030, "Got error 5 \"Input/output error\" from storage engine InnoDB", sqlbackend.Class{Kind: sdk.Internal, Permanent: true}},
	{1034, "Index for table 'codex_item' is corrupt; try to repair it", sqlbackend.Class{Kind: sdk.Corrupt, ServerReplied: true}},
	{1041, "Out of memory.", sqlbackend.Class{Kind: sdk.Busy, ServerReplied: true, Permanent: true}},
	{1047, "WSREP has not yet prepared node for application use", sqlbackend.Class{Kind: sdk.Unavailable, ServerReplied: true}},
	{1053, "Server shutdown in progress", sqlbackend.Class{Kind: sdk.Unavailable}},
	{1105, "Parameter of prepared statement which is set through mysql_send_long_data() is longer than 'max_allowed_packet' bytes", sqlbackend.Class{Kind: sdk.Internal, ServerReplied: true}},
	{1180, "Got error 28 \"No space left on device\" during COMMIT", sqlbackend.Class{Kind: sdk.Unavailable}},
	{1615, "Prepared statement needs to be re-prepared", sqlbackend.Class{Kind: sdk.Busy, ServerReplied: true}},
	{1712, "Index codex_item is corrupted", sqlbackend.Class{Kind: sdk.Corrupt, ServerReplied: true}},
	{1836, "Running in read-only mode", sqlbackend.Class{Kind: sdk.PermissionDenied, ServerReplied: true}},
}

func TestClassifyRecorded(t *testing.T) {
	for _, r := range recorded {
		r.want.Native, r.want.Msg = fmt.Sprint(r.number), r.message
		err := fmt.Errorf("put: %w", &mysql.MySQLError{Number: r.number, Message: r.message})
		if got := classify(err); got != r.want {
			t.Errorf("%d %s: %+v, want %+v", r.number, r.message, got, r.want)
		}
	}
}

func TestErrorsOfTheServer(t *testing.T) {
	suite().Errors(t, []sqltest.ErrorCase{
		sqltest.Case("wrong password", suite().Login(func(d *databases.Database) sdk.Options { return sdk.Options{URL: d.URLAs(d.User, "wrong")} }),
			sqlbackend.Class{Kind: sdk.Unauthenticated, Native: "1045", ServerReplied: true, Msg: "Access denied"}),
		sqltest.Case("no such user", suite().Login(func(d *databases.Database) sdk.Options { return sdk.Options{URL: d.URLAs("nobody", "wrong")} }),
			sqlbackend.Class{Kind: sdk.Unauthenticated, Native: "1045", ServerReplied: true, Msg: "Access denied"}),
		sqltest.Case("foreign database", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: strings.TrimSuffix(d.URL(), d.Name) + "mysql"}
		}), sqlbackend.Class{Kind: sdk.PermissionDenied, Native: "1044", ServerReplied: true, Msg: "the database is not there, or this user has no right to it: Access denied"}),
		sqltest.Case("unknown host", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: "mysql://u:canary@host.invalid/db"}
		}), sqlbackend.Class{Kind: sdk.Unavailable, Msg: "database db on host.invalid:3306: unknown host host.invalid"}),
		sqltest.Case("refused", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: "mysql://u:canary@" + sqltest.ClosedPort(t) + "/db"}
		}), sqlbackend.Class{Kind: sdk.Unavailable, Msg: ": connection refused"}),
		sqltest.Case("hangs", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: "mysql://u:canary@" + sqltest.Silence(t) + "/db?connect-timeout=1"}
		}), sqlbackend.Class{Kind: sdk.Timeout, Msg: ": no answer in the time allowed"}),
		sqltest.Case("no socket", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: "mysql://u:canary@localhost/db?socket=/nowhere"}
		}), sqlbackend.Class{Kind: sdk.Unavailable, Msg: "database db on /nowhere: no such file or directory"}),
		sqltest.Case("unknown authority", suite().Login(func(d *databases.Database) sdk.Options {
			return sdk.Options{URL: d.URL() + "?tls=true"}
		}), sqlbackend.Class{Kind: sdk.Unavailable, Permanent: true, Msg: "certificate signed by unknown authority; ssl-ca names"}),
		sqltest.Case("TLS wanted by the server", func(t *testing.T, d *databases.Database) error {
			_, err := suite().Dial(t, sdk.Options{URL: certified(t, d) + "?tls=false"})
			return err
		}, sqlbackend.Class{Kind: sdk.Unauthenticated, Native: "1045", ServerReplied: true, Msg: "Access denied"}),
		sqltest.Case("no table", suite().Script("SELECT * FROM missing"), sqlbackend.Class{Kind: sdk.Schema, Native: "1146", ServerReplied: true, Msg: "missing"}),
		sqltest.Case("no column", suite().Script("SELECT missing FROM information_schema.tables"), sqlbackend.Class{Kind: sdk.Schema, Native: "1054", ServerReplied: true, Msg: "missing"}),
		sqltest.Case("no variable", suite().Script("SET missing = 1"), sqlbackend.Class{Kind: sdk.Unsupported, Native: "1193", ServerReplied: true, Msg: "no MariaDB of 10.5 or later: "}),
		sqltest.Case("syntax", suite().Script("SELEKT"), sqlbackend.Class{Kind: sdk.Internal, Native: "1064", ServerReplied: true, Msg: "syntax"}),
		sqltest.Case("right", suite().Script("SELECT * FROM mysql.global_priv"), sqlbackend.Class{Kind: sdk.PermissionDenied, Native: "1142", ServerReplied: true, Msg: "denied"}),
		sqltest.Case("read-only", suite().Script("CREATE TABLE t (n INT)", "SET SESSION TRANSACTION READ ONLY", "INSERT INTO t VALUES (1)"),
			sqlbackend.Class{Kind: sdk.PermissionDenied, Native: "1792", ServerReplied: true, Msg: "READ ONLY"}),
		sqltest.Case("duplicate", suite().Script("CREATE TABLE t (n INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (1)"),
			sqlbackend.Class{Kind: sdk.Conflict, Native: "1062", ServerReplied: true, Msg: "Duplicate"}),
		sqltest.Case("null", suite().Script("CREATE TABLE t (n INT NOT NULL)", "INSERT INTO t VALUES (NULL)"),
			sqlbackend.Class{Kind: sdk.Invalid, Native: "1048", ServerReplied: true, Msg: "null"}),
		sqltest.Case("too long", suite().Script("CREATE TABLE t (x VARBINARY(3))", "INSERT INTO t VALUES ('1234')"),
			sqlbackend.Class{Kind: sdk.Invalid, Native: "1406", ServerReplied: true, Msg: "too long"}),
		sqltest.Case("out of range", suite().Script("CREATE TABLE t (x TINYINT)", "INSERT INTO t VALUES (1000)"),
			sqlbackend.Class{Kind: sdk.Invalid, Native: "1264", ServerReplied: true, Msg: "range"}),
		sqltest.Case("full", suite().Script("SET max_heap_table_size = 16384", "CREATE TABLE t (x CHAR(200)) ENGINE=MEMORY", "INSERT INTO t SELECT 'x' FROM seq_1_to_1000"),
			sqlbackend.Class{Kind: sdk.Full, Native: "1114", ServerReplied: true, Msg: "The table 't' is full"}),
		sqltest.Case("statement time-out", suite().Script("SET max_statement_time = 0.01", "SELECT SLEEP(10)"),
			sqlbackend.Class{Kind: sdk.Timeout, Native: "1969", ServerReplied: true, Msg: "max_statement_time"}),
		sqltest.Case("packet", suite().Script("SELECT '"+strings.Repeat("x", maxPacket)+"'"), sqlbackend.Class{Kind: sdk.Internal, Msg: "1 MiB"}),
		sqltest.Case("deadlock", suite().Contend("DO 0", "START TRANSACTION", "UPDATE t SET v = 1 WHERE n = 2", "UPDATE t SET v = 2 WHERE n = 1"),
			sqlbackend.Class{Kind: sdk.Busy, Native: "1213", ServerReplied: true, Deadlock: true, Msg: "Deadlock"}),
		sqltest.Case("lock", suite().Contend("SET innodb_lock_wait_timeout = 0", "START TRANSACTION", "DO 0", "UPDATE t SET v = 2 WHERE n = 1"),
			sqlbackend.Class{Kind: sdk.Busy, Native: "1205", ServerReplied: true, Msg: "Lock wait"}),
	})
}

// TestMissingDatabase needs a user with rights to databases that are not there:
// others are told 1044.
func TestMissingDatabase(t *testing.T) {
	t.Parallel()
	d := databases.MariaDB(t)
	if _, err := d.Admin(t).ExecContext(t.Context(), "GRANT ALL ON `missing_%`.* TO "+d.User); err != nil {
		t.Fatal(err)
	}
	_, err := suite().Dial(t, sdk.Options{URL: strings.TrimSuffix(d.URL(), d.Name) + "missing_db"})
	suite().Check(t, err, sqlbackend.Class{Kind: sdk.NoArchive, Native: "1049", ServerReplied: true, Msg: "Unknown database 'missing_db'; the server's administrator makes it"})
}

func TestServerSaysNo(t *testing.T) {
	t.Parallel()
	server := databases.NewMariaDB(t, "skip_ssl")
	d := server.Database(t)
	admin := d.Admin(t)
	set := func(setting string) {
		t.Helper()
		if _, err := admin.ExecContext(t.Context(), "SET GLOBAL "+setting); err != nil {
			t.Fatal(err)
		}
	}
	_, err := suite().Dial(t, sdk.Options{URL: d.URL() + "?tls=skip-verify"})
	suite().Check(t, err, sqlbackend.Class{Kind: sdk.Unavailable, Permanent: true, Msg: "does not do TLS"})

	db, err := suite().Dial(t, sdk.Options{URL: d.URL(), Mode: sdk.ReadWrite})
	if err != nil {
		t.Fatalf("without TLS: %v", err)
	}
	set("read_only = 1")
	_, err = db.ExecContext(t.Context(), "CREATE TABLE t (n INT)")
	suite().Check(t, err, sqlbackend.Class{Kind: sdk.PermissionDenied, Native: "1290", ServerReplied: true, Msg: "read-only"})
	set("read_only = 0")

	for _, s := range []string{"ALTER USER " + d.User + " WITH MAX_USER_CONNECTIONS 1", "FLUSH USER_RESOURCES"} {
		if _, err := admin.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	db.Close() // connections from before the limit do not count
	if db, err = suite().Dial(t, sdk.Options{URL: d.URL()}); err != nil {
		t.Fatal(err)
	}
	sqltest.Connection(t, db)
	_, err = suite().Dial(t, sdk.Options{URL: d.URL()})
	suite().Check(t, err, sqlbackend.Class{Kind: sdk.Busy, Native: "1226", ServerReplied: true, Msg: "max_user_connections"})
	if _, err := admin.ExecContext(t.Context(), "ALTER USER "+d.User+" WITH MAX_USER_CONNECTIONS 0"); err != nil {
		t.Fatal(err)
	}
}

func TestServerStops(t *testing.T) {
	t.Parallel()
	server := databases.NewMariaDB(t)
	d := server.Database(t)
	db, err := suite().Dial(t, sdk.Options{URL: d.URL(), Mode: sdk.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	sleep := func() <-chan error {
		c := sqltest.Connection(t, db)
		fails := make(chan error, 1)
		go func() {
			_, err := c.ExecContext(t.Context(), "SELECT SLEEP(600)")
			fails <- err
		}()
		sqltest.Await(t, d.Admin(t), "SELECT COUNT(*) > 0 FROM information_schema.processlist WHERE state = 'User sleep'")
		return fails
	}
	kill := func(what string) {
		t.Helper()
		_, err := d.Admin(t).ExecContext(t.Context(), "KILL "+what+" USER "+d.User)
		if err != nil {
			t.Fatal(err)
		}
	}
	fails := sleep()
	kill("HARD CONNECTION")
	if err := <-fails; classify(err).Kind != sdk.Unavailable || classify(err).ServerReplied {
		t.Errorf("a killed connection: %v is %+v", err, classify(err))
	}
	fails = sleep()
	server.Kill(t)
	suite().Check(t, <-fails, sqlbackend.Class{Kind: sdk.Unavailable, Msg: "lost"})
	server.Start(t)
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("after the start: %v", err)
	}
}
