// Package sqltest is one suite of tests for backends of database servers that
// are built on [sqlbackend]. A backend's own tests say how its database differs,
// in a [Suite], and test what no other database has.
package sqltest

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/plugin"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// Suite is what the tests need to know of one database server and its backend.
type Suite struct {
	Driver  sdk.Driver
	Dialect *sqlbackend.Dialect

	// Database makes an empty database on a server that tests share. NewServer
	// starts a server for one test.
	Database  func(t testing.TB) *databases.Database
	NewServer func(t testing.TB, settings ...string) *databases.Server

	PlainText string    // the option of a URL that turns TLS off
	Commit    string    // COMMIT as it travels, and as nothing else does
	Flips     [2]string // statements that alter one bit of a body, in one row and in chunks; their argument is a SHA-256
	Integer   string    // a type of column
	// FileOptions are options of a URL that name files.
	FileOptions []string
	// Durable are settings of a server that keeps what it acknowledges. Servers of
	// tests do not, because that is faster.
	Durable []string
	// Careless makes the server, for the database's owner, acknowledge before it
	// has written; nil where only the server's administrator can.
	Careless func(d *databases.Database) string
	// KillHard ends every process of a server without a warning.
	KillHard func(t *testing.T, d *databases.Database)
	// Grant returns statements that make a user with rights to the tables of a
	// database, those to come included, and statements that remove the user.
	Grant     func(d *databases.Database, user, rights string) (grant, revoke []string)
	NoteBytes string // query: the bytes of the only note
	Cut, Zero string // see [Archive]
	Measured  bool   // Health measures bodies
	// Discards are ways to discard rows, by name.
	Discards map[string]Discard
	// Foreign are statements after which a database could change, hide or lose
	// rows, by the words that a refusal has for it.
	Foreign map[string][]string
	// Altered are statements after which the tables keep values in another way, or
	// rows twice, by the words that a refusal has for it. Harmless are those that
	// change nothing of this.
	Altered  map[string][]string
	Harmless []string
	// ReadOnly makes the server only read, at least for the database's owner,
	// until the test ends.
	ReadOnly func(t *testing.T, d *databases.Database)
}

// Run runs the tests, each on a database of its own.
func (s *Suite) Run(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"ServerComesAndGoes", s.serverComesAndGoes},
		{"CommitIsCut", s.commitIsCut},
		{"ManyMakeOneArchive", s.manyMakeOneArchive},
		{"LeastRights", s.leastRights},
		{"ReadOnlyServer", s.readOnlyServer},
		{"ForeignTables", s.foreignTables},
		{"OverlappingPuts", s.overlappingPuts},
		{"HealthMeanwhile", s.healthMeanwhile},
		{"FilesOfOptions", s.filesOfOptions},
		{"ServerIsKilled", s.serverIsKilled},
		{"Damage", func(t *testing.T) { Damage(t, s.archive) }},
		{"WrongSize", func(t *testing.T) { WrongSize(t, s.archive) }},
		{"UnreadableRows", func(t *testing.T) { UnreadableRows(t, s.archive) }},
		{"Inspection", func(t *testing.T) { Inspection(t, s.archive) }},
		{"Clocks", s.clocks},
		{"DiscardedRows", s.discardedRows},
		{"Triggers", s.triggers},
		{"ForeignObjects", s.foreignObjects},
		{"AlteredTables", s.alteredTables},
		{"MissingBodies", func(t *testing.T) { MissingBodies(t, s.archive, s.Measured) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// pluginVar makes the test binary the program itself.
const pluginVar = "CODEX_TEST_PLUGIN"

// Main is the TestMain of a backend. The test binary is also the backend's
// program: main is its main function.
func Main(m *testing.M, main func()) {
	if os.Getenv(pluginVar) == "" {
		os.Exit(m.Run())
	}
	main()
}

// Program is the test binary as the program.
func Program(t testing.TB) *plugin.Command {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &plugin.Command{Path: self, Env: []string{pluginVar + "=1"}}
}

// Target makes a database for each archive that the kit asks for. open is nil to
// run the kit on the program.
func (s *Suite) Target(t testing.TB, open func(context.Context, sdk.Options) (sdk.Backend, error)) backendtest.Target {
	var mu sync.Mutex
	made := map[string]*databases.Database{}
	target := backendtest.Target{
		Name: s.Driver.Name, Version: s.Driver.Version, Protocol: sdk.ProtocolVersion, Schemes: s.Driver.Schemes, Capabilities: s.Driver.Capabilities,
		Open: open,
		URL: func() string {
			d := s.Database(t)
			mu.Lock()
			defer mu.Unlock()
			made[d.URL()] = d
			return d.URL()
		},
		Damage: func(ctx context.Context, url string, content sdk.Digest) error {
			mu.Lock()
			admin := made[url].Admin(t)
			mu.Unlock()
			for _, flip := range s.Flips {
				result, err := admin.ExecContext(ctx, flip, content[:])
				if err != nil {
					return err
				}
				if n, err := result.RowsAffected(); n > 0 || err != nil {
					return err
				}
			}
			return errors.New("no such body")
		},
		Tamper: func(ctx context.Context, url string, what backendtest.Tampering) error {
			mu.Lock()
			admin := made[url].Admin(t)
			mu.Unlock()
			return Tamper(ctx, admin, s.Dialect.Statements.Dollar, what)
		},
	}
	if open == nil {
		target.Program = Program(t)
	}
	return target
}

// programGroups are the groups of rules that a process for each handle, or the wire
// to it, can break. Those that others build on run with them.
const programGroups = "^(OPEN|CLOSE|CONTEXT|CONC|SECRET|WIRE|PROC|CRASH|CUT)-|^(HEALTH-01|PUT-26|GET-01)$"

// RulesOfProgram runs the rules of the contract that depend on processes on the
// program. The others look at the engine, whose test runs them in its own process,
// and the kit runs them over the wire on the program for SQLite; make kits runs all
// here, too.
func (s *Suite) RulesOfProgram(t *testing.T) {
	var options backendtest.Options
	if os.Getenv(kitsVariable) != "all" {
		options.Run = regexp.MustCompile(programGroups).MatchString
	}
	report, err := backendtest.RunRules(t.Context(), s.Target(t, nil), options)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.WriteSummary(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	if report.Failed > 0 || report.Passed < 50 {
		t.Errorf("%d rules passed, %d failed", report.Passed, report.Failed)
	}
}

// kitsVariable is set to all by make kits.
const kitsVariable = "CODEX_TEST_KITS"

// Open opens an archive until the test ends.
func (s *Suite) Open(t testing.TB, url string, mode sdk.Mode) sdk.Backend {
	t.Helper()
	archive, err := s.Driver.Open(t.Context(), sdk.Options{URL: url, Mode: mode, Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = archive.Close() }) // the test is over
	return archive
}

// archive makes an archive in a database of its own.
func (s *Suite) archive(t *testing.T) *Archive {
	t.Helper()
	d := s.Database(t)
	return &Archive{Backend: s.Open(t, d.URL(), sdk.Create), Admin: d.Admin(t), Cut: s.Cut, Zero: s.Zero}
}

func (s *Suite) discardedRows(t *testing.T) {
	for name, discard := range s.Discards {
		t.Run(name, func(t *testing.T) { DiscardedRows(t, s.archive, discard) })
	}
}

// triggers has triggers and rules in an archive before it is opened. It is read
// and not written.
func (s *Suite) triggers(t *testing.T) {
	for name, discard := range s.Discards {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := s.Database(t)
			items := contest.Small(1)
			made := s.Open(t, d.URL(), sdk.Create)
			MustPut(t, made, items)
			for _, statement := range discard("UPDATE", "codex_artifact") {
				Execute(t, d, statement)
			}
			archive := s.Open(t, d.URL(), sdk.ReadWrite)
			for range 2 {
				_, err := put(archive, contest.Small(2)[1:])
				if sdk.KindOf(err) != sdk.PermissionDenied || !strings.Contains(err.Error(), name+" lose on codex_artifact") {
					t.Errorf("Put: %v", err)
				}
			}
			if err := contest.Get(t.Context(), archive, items); err != nil {
				t.Errorf("Get: %v", err)
			}
		})
	}
}

func put(archive sdk.Backend, items []contest.Item) ([]sdk.PutResult, error) {
	return archive.Put(context.Background(), contest.Sequence(items))
}

// MustPut stores items.
func MustPut(t testing.TB, archive sdk.Backend, items []contest.Item) {
	t.Helper()
	if _, err := put(archive, items); err != nil {
		t.Fatal(err)
	}
}

// Retrievable compares what Health counts.
func Retrievable(t testing.TB, archive sdk.Backend, want int64) {
	t.Helper()
	if h, err := archive.Health(t.Context()); err != nil || h.Retrievable != want {
		t.Errorf("%d records, %v; want %d", h.Retrievable, err, want)
	}
}

// Failed compares an error with a kind, whether it is temporary, and its effect.
func Failed(t testing.TB, err error, kind sdk.Kind, retry bool, effect sdk.Effect) {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v, want an error of kind %v", err, kind)
	}
	if e.Kind != kind || e.Retry != retry || e.Effect != effect {
		t.Errorf("%v: kind %v, retry %v, effect %v; want %v, %v, %v", err, e.Kind, e.Retry, e.Effect, kind, retry, effect)
	}
}

// Execute runs statements as the server's administrator.
func Execute(t testing.TB, d *databases.Database, statements ...string) {
	t.Helper()
	admin := d.Admin(t)
	for _, statement := range statements {
		if _, err := admin.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
