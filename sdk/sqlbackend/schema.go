package sqlbackend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// meta is the row of codex_archive_meta.
type meta struct {
	archive sdk.ID
	version int // schema files done; 0 while the first is under way
	step    int // statements done of the next file, where each is recorded
}

// openSchema learns the archive's identity and brings its schema to what this
// program knows, as far as the mode allows. For a current schema that is one
// statement.
func (b *Backend) openSchema(ctx context.Context) error {
	files, err := b.d.files()
	if err != nil {
		return err
	}
	m, err := b.findMeta(ctx)
	if err != nil {
		return err
	}
	if err := b.checkVersion(m, len(files)); err != nil {
		return err
	}
	if m == nil || m.version < len(files) {
		if m, err = b.migrate(ctx, files); err != nil {
			return err
		}
	}
	b.archive, b.schema = m.archive, m.version
	return nil
}

// files returns the names of the schema files in order.
func (d *Dialect) files() ([]string, error) {
	var files []string
	err := fs.WalkDir(d.Schema.Files, ".", func(name string, _ fs.DirEntry, err error) error {
		if path.Ext(name) == ".sql" {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for i, name := range files {
		if !strings.HasPrefix(path.Base(name), fmt.Sprintf("%04d_", i+1)) {
			return nil, sdk.Errorf(sdk.Internal, "schema file %s: its number should be %04d", name, i+1)
		}
	}
	return files, nil
}

// checkVersion says whether the mode allows what m needs. m is nil where there is no
// archive.
func (b *Backend) checkVersion(m *meta, known int) error {
	switch {
	case (m == nil || m.version == 0) && b.mode < sdk.Create:
		return sdk.Errorf(sdk.NoArchive, "there is no archive in %s; make one with: codex archive init", b.place)
	case m == nil || m.version == 0 || m.version == known:
		return nil
	case m.version > known:
		return sdk.Errorf(sdk.Schema, "the archive has schema version %d, this program knows %d: use a newer program", m.version, known)
	case b.mode < sdk.Upgrade:
		return sdk.Errorf(sdk.Schema, "the archive has schema version %d, this program needs %d; bring it up with: codex archive init --upgrade", m.version, known)
	}
	return nil
}

// findMeta returns nil where the database has no tables of ours.
func (b *Backend) findMeta(ctx context.Context) (*meta, error) {
	pool := b.readers
	if b.mode > sdk.ReadOnly && b.writers != nil {
		pool = b.writers // the connection that the first call is likely to need
	}
	db, err := pool.acquire(ctx)
	if err != nil {
		return nil, err
	}
	m, err := db.readMeta(ctx)
	pool.release(db, reusable(err))
	return m, err
}

// readMeta reads the row, or finds out why it cannot: by the list of tables,
// because not every database has a code for a missing one. Each look has a
// transaction of its own: PostgreSQL ends one in which a statement fails.
func (db *conn) readMeta(ctx context.Context) (m *meta, err error) {
	if m, err = look(ctx, db, selectMeta); err == nil {
		if m == nil && db.b.d.Schema.Atomic { // else the process that made the table may have been killed
			err = sdk.Errorf(sdk.Corrupt, "the table codex_archive_meta of %s has lost its row, which says which archive this is: restore it from a backup of the database", db.b.place)
		}
		return m, err
	}
	if exists, err := look(ctx, db, metaExists); err != nil || !exists {
		return nil, err
	}
	// Another program may have made the table between the two looks.
	if m, err = look(ctx, db, selectMeta); err == nil {
		return m, nil
	}
	if ours, columnsErr := look(ctx, db, metaIsOurs); columnsErr == nil && !ours {
		err = sdk.Errorf(sdk.NoArchive, "%s has a table codex_archive_meta that no archive has: it belongs to something else; use another database", db.b.place)
	}
	return nil, err
}

// look reads something in a transaction of its own.
func look[T any](ctx context.Context, db *conn, read func(context.Context, *conn) (T, error)) (found T, err error) {
	err = db.reading(ctx, func(ctx context.Context, db *conn) (err error) {
		found, err = read(ctx, db)
		return err
	})
	return found, err
}

// metaColumns are what selectMeta reads.
var metaColumns = []string{"archive", "schema_version", "schema_step"}

// metaIsOurs looks at the columns of codex_archive_meta. An error of a
// statement would not do: it may have other causes.
func metaIsOurs(ctx context.Context, db *conn) (bool, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT * FROM codex_archive_meta WHERE 1 = 0")
	if err != nil {
		return false, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return false, err
	}
	for _, name := range metaColumns {
		if !slices.Contains(columns, name) {
			return false, nil
		}
	}
	return true, rows.Err()
}

// selectMeta returns nil where the table has no row: the process that made it
// was killed before it wrote the row.
func selectMeta(ctx context.Context, db *conn) (*meta, error) {
	var m meta
	var archive []byte
	err := db.queryRow(ctx, "SELECT "+strings.Join(metaColumns, ", ")+" FROM codex_archive_meta", &archive, &m.version, &m.step)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case len(archive) != len(m.archive):
		return nil, sdk.Errorf(sdk.Corrupt, "the archive's identity in codex_archive_meta has length %d instead of %d", len(archive), len(m.archive))
	}
	m.archive = sdk.ID(archive)
	switch {
	case m.archive.IsZero():
		return nil, sdk.Errorf(sdk.Corrupt, "the archive's identity in codex_archive_meta is zero: restore it from a backup of the database")
	case m.version < 0, m.version == 0 && db.b.d.Schema.Atomic: // else a process that made the tables may have been killed
		return nil, sdk.Errorf(sdk.Corrupt, "the schema version %d in codex_archive_meta is none", m.version)
	}
	return &m, nil
}

// metaExists looks for codex_archive_meta. Tables of our prefix without it
// belong to another application.
func metaExists(ctx context.Context, db *conn) (bool, error) {
	names, err := tables(ctx, db)
	if err == nil && len(names) > 0 && !slices.Contains(names, "codex_archive_meta") {
		err = sdk.Errorf(sdk.NoArchive, "%s has a table %s but no codex_archive_meta: it belongs to something else; use another database", db.b.place, names[0])
	}
	return len(names) > 0, err
}

func tables(ctx context.Context, db *conn) (names []string, err error) {
	err = db.queryOnce(ctx, db.b.d.Schema.Tables, nil, func(scan scan) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// migrate runs what is missing under the database's lock. It reads the state
// again first: another process may have done the work meanwhile.
func (b *Backend) migrate(ctx context.Context, files []string) (*meta, error) {
	if b.writers == nil {
		return nil, sdk.Errorf(sdk.PermissionDenied, "%s cannot be written", b.place)
	}
	db, err := b.writers.acquire(ctx)
	if err != nil {
		return nil, err
	}
	healthy := false
	defer func() { b.writers.release(db, healthy) }()
	if err := db.checkObstacle(ctx); err != nil {
		return nil, err
	}
	if !b.d.Schema.Atomic {
		if err := db.lock(ctx); err != nil {
			return nil, err
		}
		defer db.unlock()
	}
	m, err := b.runFiles(ctx, db, files)
	healthy = err == nil
	return m, err
}

// checkObstacle refuses a database that cannot hold an archive, before anything
// is written.
func (db *conn) checkObstacle(ctx context.Context) error {
	if db.b.d.Schema.Obstacle == "" {
		return nil
	}
	var why string
	if err := db.queryRow(ctx, db.b.d.Schema.Obstacle, &why); err != nil {
		return err
	}
	if why != "" {
		return sdk.Errorf(sdk.PermissionDenied, "%s cannot hold an archive: %s", db.b.place, why)
	}
	return nil
}

// lock takes the lock of the dialect. Where there is none, each file's
// transaction is the lock.
func (db *conn) lock(ctx context.Context) error {
	if db.b.d.Schema.Lock == "" {
		return nil
	}
	var granted sql.NullInt64
	if err := db.queryRow(ctx, db.b.d.Schema.Lock, &granted); err != nil {
		return err
	}
	if granted.Int64 != 1 {
		return sdk.Errorf(sdk.Busy, "another program is changing the schema")
	}
	return nil
}

// unlock is best effort: the lock also ends with the connection.
func (db *conn) unlock() {
	if db.b.d.Schema.Unlock == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	var done sql.NullInt64
	_ = db.queryRow(ctx, db.b.d.Schema.Unlock, &done)
}

// runFiles runs the missing files in order and returns the row at the end.
func (b *Backend) runFiles(ctx context.Context, db *conn, files []string) (*meta, error) {
	for {
		m, err := b.runNext(ctx, db, files)
		if err != nil || m != nil {
			return m, err
		}
	}
}

// runNext does the next file, or returns the row when nothing is left to do.
func (b *Backend) runNext(ctx context.Context, db *conn, files []string) (*meta, error) {
	if b.d.Schema.Atomic {
		return b.runAtomic(ctx, db, files)
	}
	return b.runFile(ctx, db, files)
}

// runAtomic does the next file in a transaction, which holds the lock.
func (b *Backend) runAtomic(ctx context.Context, db *conn, files []string) (*meta, error) {
	if err := db.command(ctx, b.beginWrite); err != nil {
		return nil, err
	}
	if err := db.lock(ctx); err != nil {
		return nil, errors.Join(err, db.rollback())
	}
	m, err := b.runFile(ctx, db, files)
	if err != nil || m != nil {
		return m, errors.Join(err, db.rollback())
	}
	return nil, db.commit(ctx)
}

// runFile runs the statements of the next file that are not yet done.
func (b *Backend) runFile(ctx context.Context, db *conn, files []string) (*meta, error) {
	m, err := lockedMeta(ctx, db)
	if err != nil {
		return nil, err
	}
	if m.version >= len(files) {
		return m, b.checkVersion(m, len(files))
	}
	text, err := fs.ReadFile(b.d.Schema.Files, files[m.version])
	if err != nil {
		return nil, err
	}
	statements := split(string(text))
	for ; m.step < len(statements); m.step++ {
		if err := db.command(ctx, statements[m.step]); err != nil {
			return nil, fmt.Errorf("%s, statement %d: %w", files[m.version], m.step+1, err)
		}
		if err := db.record(ctx, m.version, m.step+1); err != nil {
			return nil, err
		}
	}
	return nil, db.record(ctx, m.version+1, 0)
}

// lockedMeta is readMeta for inside a transaction, where a statement that fails
// may end the transaction. It returns a zero meta where there is no row.
func lockedMeta(ctx context.Context, db *conn) (*meta, error) {
	exists, err := metaExists(ctx, db)
	if err != nil || !exists {
		return &meta{}, err
	}
	m, err := selectMeta(ctx, db)
	if m == nil {
		m = &meta{}
	}
	return m, err
}

// record notes what is done. The row itself is made after the first statement
// of the first file has made its table; its archive gets its identity then.
func (db *conn) record(ctx context.Context, version, step int) error {
	n, err := db.exec(ctx, "UPDATE codex_archive_meta SET schema_version = ?, schema_step = ?", version, step)
	if err != nil || n > 0 {
		return err
	}
	id := sdk.NewID()
	return db.change(ctx, 1, `INSERT INTO codex_archive_meta (id, archive, schema_version, schema_step, created_at)
		VALUES (1, ?, ?, ?, `+db.b.d.Server.Now+`)`, id[:], version, step)
}

// split cuts a schema file into its statements, without comment lines.
func split(text string) []string {
	var statements []string
	var b strings.Builder
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "--") {
			continue
		}
		b.WriteString(line)
		if strings.HasSuffix(trimmed, ";") {
			statements = append(statements, strings.TrimSuffix(strings.TrimSpace(b.String()), ";"))
			b.Reset()
		}
	}
	return statements
}
