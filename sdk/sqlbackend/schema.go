package sqlbackend

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
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
	if err := b.judge(m, len(files)); err != nil {
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
	files, err := fs.Glob(d.Schema, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for i, name := range files {
		if !strings.HasPrefix(name, fmt.Sprintf("%04d_", i+1)) {
			return nil, sdk.Errorf(sdk.Internal, "schema file %s: its number should be %04d", name, i+1)
		}
	}
	return files, nil
}

// judge says whether the mode allows what m needs. m is nil where there is no
// archive.
func (b *Backend) judge(m *meta, known int) error {
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
	s, err := pool.acquire(ctx)
	if err != nil {
		return nil, err
	}
	m, err := readMeta(ctx, s)
	pool.release(s, reusable(err))
	return m, err
}

// readMeta reads the row, or finds out why it cannot: by the list of tables,
// because not every database has a code for a missing one.
func readMeta(ctx context.Context, s *session) (*meta, error) {
	if m, err := selectMeta(ctx, s); err == nil {
		return m, nil
	}
	if exists, listErr := metaExists(ctx, s); listErr != nil || !exists {
		return nil, listErr
	}
	// Another program may have made the table between the two looks.
	m, err := selectMeta(ctx, s)
	if err != nil && isStatement(s.b.classify(err)) {
		err = sdk.Errorf(sdk.NoArchive, "%s has a table codex_archive_meta that no archive has: it belongs to something else; use another database", s.b.place)
	}
	return m, err
}

// isStatement reports whether the database did not understand a statement: it
// has other tables or columns, for which not every database has a code.
func isStatement(c Class) bool {
	return c.Kind == sdk.Schema || c.Kind == sdk.Internal && c.ServerReplied
}

// selectMeta returns nil where the table has no row: whoever made it was killed
// before the row was written.
func selectMeta(ctx context.Context, s *session) (*meta, error) {
	var m meta
	var archive []byte
	err := s.queryRow(ctx, "SELECT archive, schema_version, schema_step FROM codex_archive_meta", nil, &archive, &m.version, &m.step)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case len(archive) != len(m.archive):
		return nil, sdk.Errorf(sdk.Corrupt, "the archive's identity in codex_archive_meta has %d bytes instead of %d", len(archive), len(m.archive))
	}
	m.archive = sdk.ID(archive)
	return &m, nil
}

// metaExists looks for codex_archive_meta. Tables of our prefix without it
// belong to somebody else.
func metaExists(ctx context.Context, s *session) (bool, error) {
	names, err := tables(ctx, s)
	if err == nil && len(names) > 0 && !slices.Contains(names, "codex_archive_meta") {
		err = sdk.Errorf(sdk.NoArchive, "%s has a table %s but no codex_archive_meta: it belongs to something else; use another database", s.b.place, names[0])
	}
	return len(names) > 0, err
}

func tables(ctx context.Context, s *session) (names []string, err error) {
	err = s.queryOnce(ctx, s.b.d.Tables, nil, func(scan scan) error {
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
	s, err := b.writers.acquire(ctx)
	if err != nil {
		return nil, err
	}
	healthy := false
	defer func() { b.writers.release(s, healthy) }()
	if !b.d.AtomicSchema {
		if err := s.lock(ctx); err != nil {
			return nil, err
		}
		defer s.unlock()
	}
	m, err := b.runFiles(ctx, s, files)
	healthy = err == nil
	return m, err
}

// lock takes the lock of the dialect. Where there is none, each file's
// transaction is the lock.
func (s *session) lock(ctx context.Context) error {
	if s.b.d.Lock == "" {
		return nil
	}
	var given sql.NullInt64
	if err := s.queryRow(ctx, s.b.d.Lock, nil, &given); err != nil {
		return err
	}
	if given.Int64 != 1 {
		return sdk.Errorf(sdk.Busy, "another program is changing the schema")
	}
	return nil
}

// unlock is best effort: the lock also ends with the connection.
func (s *session) unlock() {
	if s.b.d.Unlock == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	var done sql.NullInt64
	_ = s.queryRow(ctx, s.b.d.Unlock, nil, &done)
}

// runFiles brings the schema up file by file and returns what stands then.
func (b *Backend) runFiles(ctx context.Context, s *session, files []string) (*meta, error) {
	for {
		m, err := b.runNext(ctx, s, files)
		if err != nil || m != nil {
			return m, err
		}
	}
}

// runNext does the next file, or returns the row when nothing is left to do.
func (b *Backend) runNext(ctx context.Context, s *session, files []string) (*meta, error) {
	if b.d.AtomicSchema {
		return b.runAtomic(ctx, s, files)
	}
	return b.runFile(ctx, s, files)
}

// runAtomic does the next file in a transaction, which holds the lock.
func (b *Backend) runAtomic(ctx context.Context, s *session, files []string) (*meta, error) {
	if err := s.command(ctx, b.d.Begin); err != nil {
		return nil, err
	}
	if err := s.lock(ctx); err != nil {
		return nil, errors.Join(err, s.rollback())
	}
	m, err := b.runFile(ctx, s, files)
	if err != nil || m != nil {
		return m, errors.Join(err, s.rollback())
	}
	return nil, s.commit()
}

// runFile runs the statements of the next file that are not yet done.
func (b *Backend) runFile(ctx context.Context, s *session, files []string) (*meta, error) {
	m, err := lockedMeta(ctx, s)
	if err != nil {
		return nil, err
	}
	if m.version >= len(files) {
		return m, b.judge(m, len(files))
	}
	text, err := fs.ReadFile(b.d.Schema, files[m.version])
	if err != nil {
		return nil, err
	}
	statements := split(string(text))
	for ; m.step < len(statements); m.step++ {
		if err := s.command(ctx, statements[m.step]); err != nil {
			return nil, fmt.Errorf("%s, statement %d: %w", files[m.version], m.step+1, err)
		}
		if err := s.record(ctx, m.version, m.step+1); err != nil {
			return nil, err
		}
	}
	return nil, s.record(ctx, m.version+1, 0)
}

// lockedMeta is readMeta for inside a transaction, where a statement that fails
// may end the transaction. It returns a zero meta where there is no row.
func lockedMeta(ctx context.Context, s *session) (*meta, error) {
	exists, err := metaExists(ctx, s)
	if err != nil || !exists {
		return &meta{}, err
	}
	m, err := selectMeta(ctx, s)
	if m == nil {
		m = &meta{}
	}
	return m, err
}

// record notes what is done. The row itself is made after the first statement
// of the first file has made its table; its archive gets its identity then.
func (s *session) record(ctx context.Context, version, step int) error {
	n, err := s.exec(ctx, "UPDATE codex_archive_meta SET schema_version = ?, schema_step = ?", version, step)
	if err != nil || n > 0 {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO codex_archive_meta (id, archive, schema_version, schema_step, created_at)
		VALUES (1, ?, ?, ?, `+s.b.d.Now+`)`, newID(), version, step)
	return err
}

// newID returns a UUID, version 4.
func newID() []byte {
	var id [16]byte
	rand.Read(id[:]) // never fails: crypto/rand
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id[:]
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
