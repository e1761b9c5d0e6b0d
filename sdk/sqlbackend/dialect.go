package sqlbackend

import (
	"context"
	"database/sql/driver"
	"io/fs"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Dialect says how one database differs from others. Texts are SQL; those that
// take arguments use "?", which becomes "$1" where Dollar is set. A dialect is
// used by one or more archives and does not change.
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

	// Schema holds the files that make the tables, NNNN_name.sql from 0001
	// without gaps; the highest number is the schema's version. Statements end
	// with ";" at the end of a line. The first statement of 0001 creates
	// codex_archive_meta. Where AtomicSchema is not set, every statement can be
	// run again ("IF NOT EXISTS").
	Schema fs.FS
	// AtomicSchema says that statements of a schema file can be rolled back
	// together. Otherwise each is recorded by itself.
	AtomicSchema bool
	// Tables lists the names of the tables that begin with "codex_".
	Tables string
	// Lock waits for the right to change the schema and returns a row that
	// holds 1 if it was given; Unlock returns it. With AtomicSchema it comes
	// after Begin, must end with the transaction, and Unlock is not used. Empty
	// where Begin itself keeps every other writer out.
	Lock, Unlock string

	Version  string // query: the server's name and version as one text
	Now      string // expression: the database's clock as microseconds since 1970
	Writable string // query: 1 where rows can be written now, else 0; empty: as Connection says

	Begin string // starts a transaction that reads what is committed
	// ForUpdate ends a query whose rows are to be locked against everybody,
	// ForShare against change. Empty where the transaction locks all.
	ForUpdate, ForShare string
	OneWriter           bool // only one transaction writes at a time: others wait here, not in the database
	// CommitDelay is how long a process that has just committed lets others go
	// first, where the database has no queue for writers.
	CommitDelay time.Duration
	// IgnoreContext says that statements end by themselves within milliseconds. They
	// then run without a context, which is looked at between them: watching
	// it costs more than the statement.
	IgnoreContext bool

	// Query, where not nil, runs queries on the driver's connection instead of
	// database/sql, where that is slower. It calls row for each row, with a
	// function that reads the columns into variables of type int64, uint32,
	// string or a kind of it, []byte, [sql.RawBytes] and [sql.NullInt64], and
	// returns the first error, also one of row.
	Query func(ctx context.Context, conn any, query string, args []any, row func(scan func(into ...any) error) error) error

	Dollar bool // placeholders are $1, $2, …
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
	Permanent bool   // the same call will not do better, though errors of this kind often pass
	// ServerReplied says that the database itself refused: a COMMIT that ends so
	// surely did not happen. A lost connection, a time-out and a failing disk
	// are not answers.
	ServerReplied bool
	// Msg, where not empty, takes the place of the driver's text.
	Msg string
}
