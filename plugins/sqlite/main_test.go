package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/plugin"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// roleVar makes the test binary another program: the plugin itself, or one that
// does something to an archive and is killed or raced with.
const roleVar = "CODEX_TEST_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func() error{
		"plugin": func() error { main(); return nil },
		"store":  storeOne,
		"stage":  stageAndHang,
		"denied": playDenied,
	}
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// program is the test binary as the program.
func program(t testing.TB) *plugin.Command {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &plugin.Command{Path: self, Env: []string{roleVar + "=plugin"}}
}

// TestRules runs the contract on the engine in this process.
func TestRules(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, target(t, open))
}

// TestRulesProcess runs the contract on the program, a process for each handle.
func TestRulesProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts some 500 programs")
	}
	t.Parallel()
	target := target(t, nil)
	target.Program = program(t)
	backendtest.Run(t, target)
}

// target makes archives in files of their own.
func target(t *testing.T, open func(context.Context, sdk.Options) (sdk.Backend, error)) backendtest.Target {
	dir := t.TempDir()
	var n atomic.Int64
	return backendtest.Target{
		Name:    "sqlite",
		Version: version,
		Schemes: []string{"sqlite"},
		Open:    open,
		URL:     func() string { return fmt.Sprintf("sqlite:///archive %d.db", n.Add(1)) },
		Options: sdk.Options{Dir: dir},
		Damage: func(ctx context.Context, url string, content sdk.Digest) error {
			return damage(ctx, filepath.Join(dir, strings.TrimPrefix(url, "sqlite:///")), content)
		},
		Tamper: func(ctx context.Context, url string, what backendtest.Tampering) error {
			db, err := sql.Open("sqlite", writeDSN(filepath.Join(dir, strings.TrimPrefix(url, "sqlite:///"))))
			if err != nil {
				return err
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			if _, err := db.ExecContext(ctx, "PRAGMA foreign_keys = OFF"); err != nil {
				return err
			}
			return sqltest.Tamper(ctx, db, false, what)
		},
	}
}

// damage changes the first byte of a stored body.
func damage(ctx context.Context, path string, content sdk.Digest) error {
	db, err := sql.Open("sqlite", writeDSN(path))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range []string{
		`UPDATE codex_body SET data = CAST((CASE WHEN substr(data, 1, 1) = x'00' THEN x'01' ELSE x'00' END) || substr(data, 2) AS BLOB)
			WHERE artifact = (SELECT id FROM codex_artifact WHERE sha256 = ?)`,
		`UPDATE codex_artifact_chunk SET data = CAST((CASE WHEN substr(data, 1, 1) = x'00' THEN x'01' ELSE x'00' END) || substr(data, 2) AS BLOB)
			WHERE seq = 0 AND upload = (SELECT u.id FROM codex_upload u JOIN codex_artifact a ON a.id = u.artifact WHERE a.sha256 = ?)`,
	} {
		if _, err := db.ExecContext(ctx, statement, content[:]); err != nil {
			return err
		}
	}
	return nil
}
