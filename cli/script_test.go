package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/codex-archive/codex/scripts/databases"
	build "github.com/codex-archive/codex/scripts/programs"
	"github.com/codex-archive/codex/scripts/soak"

	_ "modernc.org/sqlite"
)

// programs is the directory of codex and the backends, laid out as make build
// does it.
var programs string

// TestMain provides the real programs: every test of this package runs them as
// processes.
func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, remove, err := build.Dir()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	programs = dir
	return m.Run()
}

// TestScripts runs every script of testdata/script on SQLite.
func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, scriptDatabase{backend: "sqlite", blob: "x'%x'", url: func() string { return "" }})
}

// TestScriptsPostgres runs the scripts, unchanged, on PostgreSQL.
func TestScriptsPostgres(t *testing.T) {
	t.Parallel()
	runScripts(t, onServer(t, databases.Postgres(t).Server(), scriptDatabase{backend: "postgres", blob: `'\x%x'::bytea`}))
}

// TestScriptsMariaDB runs the scripts, unchanged, on MariaDB.
func TestScriptsMariaDB(t *testing.T) {
	t.Parallel()
	runScripts(t, onServer(t, databases.MariaDB(t).Server(), scriptDatabase{backend: "mariadb", blob: "x'%x'"}))
}

// pooled are the scripts that run through a pooler in every test run: between them
// they read and write every table. Under make soak all scripts do.
var pooled = []string{"store_restore", "batch_query", "custody", "purge", "health_check", "evidence_history", "stats", "records_damaged"}

// TestScriptsPoolerSoak runs scripts, unchanged, on PostgreSQL behind a PgBouncer
// in transaction mode.
func TestScriptsPoolerSoak(t *testing.T) {
	t.Parallel()
	server := databases.Postgres(t).Server()
	d := scriptDatabase{backend: "postgres", blob: `'\x%x'::bytea`, admin: &sync.Map{}}
	d.url = func() string {
		database := server.Database(t)
		url := database.NewPooler(t).URL()
		d.admin.Store(url, database.Admin(t))
		return url
	}
	if os.Getenv(soak.Variable) == "" {
		for _, name := range pooled {
			d.only = append(d.only, filepath.Join("testdata/script", name+".txtar"))
		}
	}
	runScripts(t, d)
}

// scriptDatabase is where the archives of scripts are. The condition [sqlite]
// tells scripts, or parts of them, that are about SQLite's file or about no
// database at all.
type scriptDatabase struct {
	backend string
	blob    string        // how SQL writes bytes, as a format
	url     func() string // of a fresh archive; "": the default
	admin   *sync.Map     // url to connections; nil: the file of the default
	only    []string      // scripts; nil: all
}

func onServer(t *testing.T, server *databases.Server, d scriptDatabase) scriptDatabase {
	d.admin = &sync.Map{}
	d.url = func() string {
		database := server.Database(t)
		d.admin.Store(database.URL(), database.Admin(t))
		return database.URL()
	}
	return d
}

// open returns connections to the archive of a script.
func (d scriptDatabase) open(ts *testscript.TestScript) *sql.DB {
	if d.admin != nil {
		db, _ := d.admin.Load(ts.Getenv("CODEX_ARCHIVE_URL"))
		return db.(*sql.DB)
	}
	db, err := sql.Open("sqlite", ts.MkAbs(".codex/archive.sqlite"))
	ts.Check(err)
	ts.Defer(func() { db.Close() })
	return db
}

func runScripts(t *testing.T, d scriptDatabase) {
	dir := "testdata/script"
	if d.only != nil {
		dir = ""
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Files:               d.only,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			if url := d.url(); url != "" {
				env.Setenv("CODEX_ARCHIVE_URL", url)
			}
			env.Setenv("BACKEND", d.backend)
			return setupScript(env)
		},
		Condition: func(cond string) (bool, error) {
			if cond != "sqlite" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return d.backend == "sqlite", nil
		},
		Cmds: scriptCommands(d),
	})
}

// setupScript makes an environment of its own for a script: a home, a PATH with
// codex before everything else, and no setting from outside.
func setupScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"HOME": home, "USER": "tester", "TMPDIR": filepath.Join(env.WorkDir, "tmp"),
		"PATH":                     programs + string(os.PathListSeparator) + os.Getenv("PATH"),
		"PROGRAMS":                 programs,
		"CODEX_ARCHIVE_LOG_FORMAT": "text",
		"GIT_AUTHOR_NAME":          "tester", "GIT_AUTHOR_EMAIL": "tester@example.com",
		"GIT_COMMITTER_NAME": "tester", "GIT_COMMITTER_EMAIL": "tester@example.com",
	} {
		env.Setenv(name, value)
	}
	return os.Mkdir(filepath.Join(env.WorkDir, "tmp"), 0o700)
}

// scriptCommands are what scripts have besides testscript's own commands.
func scriptCommands(d scriptDatabase) map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"field":    scriptField,
		"evidence": scriptEvidence,
		"code":     scriptCode,
		"tamper":   d.tamper,
		"sql":      d.sql,
		"random":   scriptRandom,
		"mode":     scriptMode,
		"manifest": scriptManifest,
		"aged":     scriptAged,
		"sign":     scriptSign,
	}
}

// scriptField is "field NAME KEY": puts the value that KEY has in the JSON
// document on stdout into the variable NAME.
func scriptField(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field NAME KEY")
	}
	var document map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &document))
	value, ok := document[args[1]]
	if !ok {
		ts.Fatalf("stdout has no %q", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}

// scriptCode is "code N PROGRAM ARGS...": runs a program and holds its exit
// code against N. stdout and stderr are as after exec.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// scriptEvidence is "evidence N KEY=VALUE...": the log holds N lines with all
// these values. Every line is checked to be whole and chained.
func scriptEvidence(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: evidence N key=value...")
	}
	found := 0
	prev := strings.Repeat("0", 64)
	for i, line := range evidenceLines(ts) {
		var record map[string]any
		ts.Check(json.Unmarshal(line, &record))
		if record["prev"] != prev || record["seq"] != float64(i+1) {
			ts.Fatalf("line %d is not chained: %s", i+1, line)
		}
		prev = sha256Hex(line)
		if _, ok := record["duration_ms"].(float64); !ok {
			ts.Fatalf("line %d has no duration_ms: %s", i+1, line)
		}
		if hasAll(record, args[1:]) {
			found++
		}
	}
	if fmt.Sprint(found) != args[0] {
		ts.Fatalf("%d lines with %v, want %s:\n%s", found, args[1:], args[0], bytes.Join(evidenceLines(ts), []byte("\n")))
	}
}

func evidenceLines(ts *testscript.TestScript) [][]byte {
	data, err := os.ReadFile(ts.MkAbs(".codex/evidence/archive_ops.jsonl"))
	ts.Check(err)
	lines := bytes.Split(data, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) != 0 {
		ts.Fatalf("the last line has no end: %s", lines[last])
	}
	return lines[:len(lines)-1]
}

func hasAll(record map[string]any, pairs []string) bool {
	for _, pair := range pairs {
		key, want, _ := strings.Cut(pair, "=")
		value, ok := record[key]
		if !ok || fmt.Sprint(value) != want {
			return false
		}
	}
	return true
}

// tamper is "tamper FILE": puts the content of FILE in the place of the only
// small body in the database. "tamper -crc FILE" does so with its checksum.
func (d scriptDatabase) tamper(ts *testscript.TestScript, neg bool, args []string) {
	crc := len(args) == 2 && args[0] == "-crc"
	if neg || len(args) != 1 && !crc {
		ts.Fatalf("usage: tamper [-crc] FILE")
	}
	content := []byte(ts.ReadFile(args[len(args)-1]))
	db := d.open(ts)
	statement := "UPDATE codex_body SET data = " + fmt.Sprintf(d.blob, content)
	if crc {
		sum := crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
		statement = fmt.Sprintf("UPDATE codex_artifact SET crc32c = %d", sum)
	}
	result, err := db.Exec(statement)
	ts.Check(err)
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		ts.Fatalf("%s: changed %d rows, %v", statement, n, err)
	}
}

// sql is "sql STATEMENT...": changes at least one row of the archive. A word in
// braces is bytes.
func (d scriptDatabase) sql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: sql STATEMENT")
	}
	statement := regexp.MustCompile(`\{[a-z.]+\}`).ReplaceAllStringFunc(strings.Join(args, " "), func(word string) string {
		return fmt.Sprintf(d.blob, strings.Trim(word, "{}"))
	})
	result, err := d.open(ts).Exec(statement)
	ts.Check(err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("%s: changed %d rows, %v", statement, n, err)
	}
}

// scriptRandom is "random FILE BYTES": writes bytes that do not compress.
func scriptRandom(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: random FILE BYTES")
	}
	var n int64
	if _, err := fmt.Sscan(args[1], &n); err != nil {
		ts.Fatalf("%v", err)
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = io.CopyN(f, newNoise(args[0]), n)
	ts.Check(err)
	ts.Check(f.Close())
}

// scriptMode is "mode FILE 0644": checks the permission bits.
func scriptMode(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); (got == args[1]) == neg {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}

// scriptManifest is "manifest FILE N TOMBSTONE [K=TOMBSTONE]": writes a manifest
// of N items, which all restore TOMBSTONE to out/1 and so on, but for item K.
func scriptManifest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: manifest FILE N TOMBSTONE [K=TOMBSTONE]")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	other, instead := "", ""
	if len(args) == 4 {
		other, instead, _ = strings.Cut(args[3], "=")
	}
	var b strings.Builder
	b.WriteString("tombstone,output\n")
	for i := 1; i <= n; i++ {
		id := args[2]
		if strconv.Itoa(i) == other {
			id = instead
		}
		fmt.Fprintf(&b, "%s,out/%d\n", id, i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}
