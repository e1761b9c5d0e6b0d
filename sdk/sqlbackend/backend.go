package sqlbackend

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// Backend is an archive in a SQL database.
type Backend struct {
	d        *Dialect
	place    string
	mode     sdk.Mode
	writable bool // the archive itself can be written
	archive  sdk.ID
	schema   int

	beginRead  string // empty: reads need no transaction
	beginWrite string

	writers     *pool // nil: nothing can be written
	readers     *pool // the same as writers where the database has one kind of connection
	names       keyCache[string]
	directories keyCache[directory]
	origins     keyCache[origin]
	limits      limits
	secrets     []string // for [sdk.Scrub]

	closing context.Context // done from Close on
	close   context.CancelFunc
	broken  atomic.Pointer[sdk.Error] // set once: a commit ended in doubt, this process must not go on
	swept   sync.Once
	warned  sync.Once
	plain   atomic.Bool // the tables were seen without triggers
	roomy   atomic.Bool // the server was seen to take enough at once
}

var _ sdk.Backend = (*Backend)(nil)

// limits are the sizes that follow from the options.
type limits struct {
	chunkRows      int // chunk rows read by one statement
	statementBytes int // of values in one INSERT
}

// Memory that one Get may hold for chunks: 16 rows are 4 MiB; all Gets at once
// hold no more than 16 MiB.
const (
	maxChunkRows = 16
	allChunkRows = 64
)

// Open opens the archive that o names, and makes or upgrades its schema where
// o.Mode allows it.
func Open(ctx context.Context, d *Dialect, o sdk.Options) (sdk.Backend, error) {
	b := &Backend{d: d, mode: o.Mode, secrets: []string{o.URL, "://:" + o.Password + "@"}} // Scrub knows URLs only
	b.closing, b.close = context.WithCancel(context.Background())
	if err := b.open(ctx, o); err != nil {
		_ = b.Close() // the first error says more
		return nil, b.wrap(ctx, "open", err)
	}
	return b, nil
}

func (b *Backend) open(ctx context.Context, o sdk.Options) error {
	conn, err := b.d.Connect(ctx, o)
	if err != nil {
		return err
	}
	b.place, b.writable = conn.Place, conn.Writable
	parallel := min(max(o.Parallel, 1), 32)
	b.limits = limits{
		chunkRows:      min(maxChunkRows, max(1, allChunkRows/parallel)),
		statementBytes: conn.StatementBytes,
	}
	if b.limits.statementBytes == 0 {
		b.limits.statementBytes = 1 << 20
	}
	b.beginWrite = b.d.Locks.Begin + conn.Settings
	if b.mode == sdk.ReadOnly || conn.Settings != "" {
		b.beginRead = b.d.Locks.BeginRead
		if b.beginRead != "" {
			b.beginRead += conn.Settings
		}
	}
	b.openPools(conn, parallel)
	return b.openSchema(ctx)
}

// openPools makes the pools; nothing connects yet.
func (b *Backend) openPools(conn Connection, parallel int) {
	if conn.Write != nil {
		n := parallel + 1 // one more, so that Health answers while all others work
		if b.d.Locks.OneWriter {
			n = 1
		}
		b.writers = newPool(b, sql.OpenDB(conn.Write), n)
		b.readers = b.writers
	}
	if conn.Read != nil {
		b.readers = newPool(b, sql.OpenDB(conn.Read), parallel+1)
	}
}

// Close ends what is under way and frees the connections. A COMMIT that is out
// is waited for. Writers go last: SQLite's last connection tidies up its log,
// which one for reading may not.
func (b *Backend) Close() error {
	b.close()
	var err error
	if b.readers != nil && b.readers != b.writers {
		err = b.readers.close()
	}
	if b.writers != nil {
		err = errors.Join(err, b.writers.close())
	}
	if err != nil {
		return b.wrap(context.Background(), "close", err)
	}
	return nil
}

// alive reports why a call must not begin, or go on.
func (b *Backend) alive(ctx context.Context, op string) error {
	if b.closing.Err() != nil {
		return &sdk.Error{Kind: sdk.Invalid, Op: op, Msg: "the archive is closed"}
	}
	if e := b.broken.Load(); e != nil {
		again := *e
		again.Op, again.Effect = op, sdk.EffectNone
		again.Msg = "an earlier commit failed, the archive must be opened again: " + e.Msg
		return &again
	}
	if ended := ctx.Err(); ended != nil {
		return b.ended(op, ended)
	}
	return nil
}

// begin returns the context of a call, which ends with ctx or with Close.
func (b *Backend) begin(ctx context.Context, op string) (context.Context, context.CancelFunc, error) {
	if err := b.alive(ctx, op); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.closing, cancel)
	return ctx, func() { stop(); cancel() }, nil
}

// read runs fn with a connection for reading. fn does not call out.
func (b *Backend) read(ctx context.Context, op string, fn func(ctx context.Context, db *conn) error) error {
	ctx, done, err := b.begin(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	from, db, err := b.acquireReader(ctx)
	if err != nil {
		return b.wrap(ctx, op, err)
	}
	err = db.reading(ctx, fn)
	from.release(db, reusable(err))
	return b.wrap(ctx, op, err)
}

// acquireReader takes a writer that is idle before it connects once more: SQLite
// reads the whole schema for each connection, and most processes read little.
func (b *Backend) acquireReader(ctx context.Context) (from *pool, db *conn, err error) {
	if b.writers != nil && b.readers != b.writers {
		for _, from := range []*pool{b.readers, b.writers} {
			if db := from.acquireIdle(); db != nil {
				return from, db, nil
			}
		}
	}
	db, err = b.readers.acquire(ctx)
	return b.readers, db, err
}

// mayWrite refuses what this Backend was not opened for, or cannot do.
func (b *Backend) mayWrite(op string) error {
	switch {
	case b.mode == sdk.ReadOnly:
		return &sdk.Error{Kind: sdk.PermissionDenied, Op: op, Msg: "the archive was opened for reading only"}
	case b.writers == nil:
		return &sdk.Error{Kind: sdk.PermissionDenied, Op: op, Msg: b.place + " cannot be written"}
	}
	return nil
}

// commitTime bounds a COMMIT and a ROLLBACK, which nothing else ends. A caller
// whose deadline is later gives a COMMIT more.
const commitTime = 30 * time.Second

// writeAttempts is how often a transaction begins before deadlocks end the call.
const writeAttempts = 3

// write runs fn in a transaction. fn does not call out. Where the database undoes
// the transaction for the sake of another, fn runs again: what it leaves outside
// the database is that of its last run.
func (b *Backend) write(ctx context.Context, op string, fn func(ctx context.Context, db *conn) error) error {
	if err := b.mayWrite(op); err != nil {
		return err
	}
	ctx, done, err := b.begin(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	for range writeAttempts {
		var undone bool
		if undone, err = b.tryWrite(ctx, op, fn); !undone {
			break
		}
	}
	return err
}

// tryWrite is write, once. It reports whether the database undid the transaction.
func (b *Backend) tryWrite(ctx context.Context, op string, fn func(ctx context.Context, db *conn) error) (undone bool, err error) {
	db, err := b.writers.acquire(ctx)
	if err != nil {
		return false, b.wrap(ctx, op, err)
	}
	healthy := false
	defer func() { b.writers.release(db, healthy) }()

	if err := b.waitTurn(ctx, db); err != nil {
		return false, b.wrap(ctx, op, err)
	}
	if err := db.command(ctx, b.beginWrite); err != nil {
		return false, b.wrap(ctx, op, err)
	}
	if err := b.checked(ctx, op, db, fn); err != nil {
		healthy = db.rollback() == nil && reusable(err)
		return b.classify(err).Deadlock, b.wrap(ctx, op, err)
	}
	if err := ctx.Err(); err != nil {
		healthy = db.rollback() == nil
		return false, b.wrap(ctx, op, err)
	}
	if err := db.commit(ctx); err != nil {
		return b.classify(err).Deadlock, b.commitFailed(op, err)
	}
	db.committed = time.Now()
	healthy = true
	return false, nil
}

// checked calls fn, between the checks of a transaction that writes.
func (b *Backend) checked(ctx context.Context, op string, db *conn, fn func(ctx context.Context, db *conn) error) error {
	if err := b.refuseForeign(ctx, db); err != nil {
		return err
	}
	if err := b.warnNotDurable(ctx, db); err != nil {
		return err
	}
	if op == "put" {
		if err := b.refuseSmall(ctx, db); err != nil {
			return err
		}
	}
	if err := fn(ctx, db); err != nil {
		return err
	}
	return db.refuseTriggersRun(ctx)
}

// waitTurn waits until Locks.CommitDelay is over since the last commit.
func (b *Backend) waitTurn(ctx context.Context, db *conn) error {
	wait := b.d.Locks.CommitDelay - time.Since(db.committed)
	if wait <= 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reusable reports whether a connection on which err happened can go back to
// its pool: after our own verdicts, never after an error of the driver.
func reusable(err error) bool {
	var e *sdk.Error
	return err == nil || errors.As(err, &e)
}

// now returns the database's clock.
func (b *Backend) now(ctx context.Context, db *conn) (time.Time, error) {
	var us int64
	err := db.queryRow(ctx, "SELECT "+b.d.Server.Now, &us)
	return time.UnixMicro(us).UTC(), err
}

// Identity implements [sdk.Identified].
func (b *Backend) Identity() sdk.ID { return b.archive }

// Health measures the archive.
func (b *Backend) Health(ctx context.Context) (sdk.Health, error) {
	h := sdk.Health{Archive: b.archive, Schema: b.schema, Writable: b.writable}
	err := b.read(ctx, "health", func(ctx context.Context, db *conn) error {
		if err := db.queryRow(ctx, b.d.Server.Version, &h.Server); err != nil {
			return err
		}
		clock, err := b.now(ctx, db)
		if err != nil {
			return err
		}
		h.Clock = clock
		if h.Writable && b.d.Server.Writable != "" {
			if err := db.queryRow(ctx, b.d.Server.Writable, &h.Writable); err != nil {
				return err
			}
		}
		if h.NotDurable, err = db.notDurable(ctx); err != nil {
			return err
		}
		h.Durable = h.NotDurable == ""
		return db.count(ctx, &h)
	})
	return h, err
}

// notDurable says why the server may lose what it has acknowledged, or "".
func (db *conn) notDurable(ctx context.Context) (why string, err error) {
	if db.b.d.Server.NotDurable == "" {
		return "", nil
	}
	err = db.queryRow(ctx, db.b.d.Server.NotDurable, &why)
	return why, err
}

// refuseSmall asks once whether the server takes what a Put sends. It may break the
// connection at a statement that is too large, so that its answer is lost.
func (b *Backend) refuseSmall(ctx context.Context, db *conn) error {
	if b.roomy.Load() {
		return nil
	}
	if b.d.Server.Small != "" {
		var why string
		if err := db.queryRow(ctx, b.d.Server.Small, &why); err != nil {
			return err
		}
		if why != "" {
			return sdk.Errorf(sdk.Full, "%s cannot take files: %s", b.place, why)
		}
	}
	b.roomy.Store(true)
	return nil
}

// warnNotDurable logs once what no client can change about the server.
func (b *Backend) warnNotDurable(ctx context.Context, db *conn) (err error) {
	if !b.d.Server.WarnNotDurable {
		return nil
	}
	b.warned.Do(func() {
		var why string
		if why, err = db.notDurable(ctx); why != "" {
			slog.Warn("what is stored may be lost when the server is killed", "reason", why)
		}
	})
	return err
}
