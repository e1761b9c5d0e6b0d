package sqlbackend

import (
	"context"
	"database/sql/driver"
	"io/fs"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Dialect says how one database differs from others. Texts are SQL; those that
// take arguments use "?". A dialect is used by one or more archives and does
// not change.
//
// The driver must report as affected the rows that a statement matched, changed
// or not.
type Dialect struct {
	// Connect checks the options, without secrets in its errors, and says how
	// to reach the database. It is called once, by Open. Errors that are not
	// of type [sdk.Error] go through Classify.
	Connect func(ctx context.Context, o sdk.Options) (Connection, error)
	// Classify says by native code what an error of the driver means. The
	// zero Class means "not known": connection errors of net and io are then
	// recognised by the engine, anything else is [sdk.Internal].
	Classify func(err error) Class

	Schema     Schema     // how the tables are made
	Server     Server     // what the server says about itself
	Locks      Locks      // transactions, and the locks in them
	Statements Statements // how a statement reaches the driver
	Insert     Insert     // how many rows go into one statement
}

// Schema says how the tables are made.
type Schema struct {
	// Files make the tables, NNNN_name.sql from 0001 without gaps, in one
	// directory, such as an [embed.FS] of "schema/*.sql"; the highest
	// number is the schema's version. Statements end with ";" at the end of a
	// line. The first statement of 0001 creates codex_archive_meta. Where
	// Atomic is not set, every statement can be run again ("IF NOT EXISTS").
	Files fs.FS
	// Atomic says that statements of a schema file can be rolled back together.
	// Otherwise each is recorded by itself.
	Atomic bool
	// Tables lists the names of the tables that begin with "codex_".
	Tables string
	// Obstacle is a query for one text: why this database cannot hold an
	// archive, or "". It runs before a new archive is made. Empty: no check.
	Obstacle string
	// Objects is a query for two texts a row: the name and the definition of each
	// column and unique index of the tables that begin with "codex_". In a row of
	// what could change, hide or lose what is written to them, such as a trigger,
	// the name is "" and the definition says what it is.
	Objects string
	// Definitions are the rows of Objects in an archive of this version, each as
	// "name<TAB>definition". The engine trusts in them: in a type that keeps a value
	// as it was sent, and in a unique index that keeps the second of two rows away.
	Definitions []string
	// TriggersRun is a query for the number of triggers that the statements of this
	// connection have run, where Objects may not show all. Empty: it does.
	TriggersRun string
	// Lock waits for the right to change the schema and returns a row that
	// holds 1 if it was granted; Unlock returns it. With Atomic it comes after
	// Locks.Begin, must end with the transaction, and Unlock is not used. Empty
	// where Locks.Begin itself keeps every other writer out.
	Lock, Unlock string
}

// Server says what is asked about the server.
type Server struct {
	Version  string // query: name and version as one text
	Now      string // expression: the database's clock as microseconds since 1970
	Writable string // query: 1 where rows can be written now, else 0; empty: as Connection says
	// NotDurable is a query for one text: why what the server acknowledges may be
	// lost when it is killed, or "". Empty: it never is.
	NotDurable string
	// WarnNotDurable says that a process which writes logs that reason: no client
	// can change it.
	WarnNotDurable bool
	// Small is a query for one text: why the server takes too little at once for a
	// Put, or "". Empty: it never does. Less is needed for everything else.
	Small string
	// Length is an expression for the length of a stored body in bytes, "?" for
	// the column; empty: lengths are not looked up. LengthReads says that the
	// database reads the body for it.
	Length      string
	LengthReads bool
}

// Locks says how transactions begin and rows are locked.
type Locks struct {
	// Begin starts a transaction that reads what is committed. It may be
	// several statements where the driver sends those together.
	Begin string
	// BeginRead starts a transaction that cannot write. Empty: reads need no
	// transaction.
	BeginRead string
	// ForUpdate ends a query whose rows are to be locked against all others,
	// ForShare against change. Empty where the transaction locks everything.
	ForUpdate, ForShare string
	// OneWriter says that only one transaction writes at a time. Others wait in
	// this process, not in the database.
	OneWriter bool
	// CommitDelay is how long a process that has just committed waits before
	// its next transaction, where the database has no queue for writers.
	CommitDelay time.Duration
	// SlowCommit is what a COMMIT is likely to wait for that takes 5 seconds; it is
	// logged then.
	SlowCommit string
}

// Statements says how a statement reaches the driver.
type Statements struct {
	// Dollar says that placeholders are $1, $2, … instead of "?".
	Dollar bool
	// Unprepared says that statements are not prepared by name: a pooler may
	// give each transaction another connection.
	Unprepared bool
	// IgnoreContext says that statements end by themselves within milliseconds.
	// They then run without a context, which is looked at between them:
	// watching it costs more than the statement.
	IgnoreContext bool
	// Direct says that prepared statements run on the driver's own connection:
	// what database/sql does around one costs as much as a small statement. The
	// driver must take int64, string, []byte and nil as they are, and its rows must
	// hold nothing else.
	Direct bool
	// Query, where not nil, runs queries on the driver's connection instead of
	// database/sql, where that is slower. It calls row for each row, with a
	// function that reads the columns into variables of type int64, uint32,
	// string or a kind of it, []byte, [sql.RawBytes], [sql.NullInt64] and
	// [sql.NullString], and returns the first error, also one of row.
	Query func(ctx context.Context, conn any, query string, args []any, row func(scan func(into ...any) error) error) error
}

// Insert says how many rows go into one statement, and how.
type Insert struct {
	// IgnorePrefix begins, or IgnoreSuffix ends, an INSERT that leaves rows
	// with a taken key alone. With RETURNING it returns only what it inserted.
	IgnorePrefix, IgnoreSuffix string
	// Shapes lists how many rows one INSERT … VALUES may hold, falling, the
	// last being 1; each shape is prepared once. Unused where Array is set.
	Shapes []int
	// Array, where not nil, makes one argument of a column of values, so that
	// INSERT … SELECT FROM unnest and "= ANY" carry any number of rows. Values
	// are int64, string, []byte or nil.
	Array func(t Type, values []any) any
	// Pack, where not nil, says in which order bodies of these sizes fill the
	// pages of codex_body best. It needs Locks.OneWriter: others would take locks
	// in different orders.
	Pack func(sizes []int64) (order []int)
	// ArrayTypes names the array of each Type, such as "bigint[]".
	ArrayTypes [3]string
}

// Type is the type of a column, as far as the engine must tell.
type Type int

// The types.
const (
	Int Type = iota
	Bytes
	Text
)

// Connection is how an archive is reached.
type Connection struct {
	// Write makes connections that may write. nil where nothing can be
	// written: writes are then [sdk.PermissionDenied].
	Write driver.Connector
	// Read makes connections for reading. nil: as Write.
	Read driver.Connector
	// Settings are statements that follow Locks.Begin and Locks.BeginRead in
	// the same text. Where there are any, reads have a transaction too.
	Settings string
	// Place names the archive for people: a path, or host and database. No
	// secrets.
	Place string
	// Writable says that the archive can be written, whether or not this
	// Connection may.
	Writable bool
	// StatementBytes is how many bytes of values one INSERT may carry; 0: 1 MiB.
	StatementBytes int
}

// Class is what an error of a driver means.
type Class struct {
	Kind      sdk.Kind
	Native    string // the database's code
	Permanent bool   // repeating the call is pointless, although errors of this kind are usually temporary
	// ServerReplied says that the database itself refused: a COMMIT that ends so
	// surely did not happen. A lost connection, a time-out and a failing disk
	// are not replies.
	ServerReplied bool
	// Deadlock says that the database undid the transaction for the sake of
	// another: the same transaction may succeed at once.
	Deadlock bool
	// Msg, where not empty, takes the place of the driver's text.
	Msg string
}
