package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// TestRules runs the contract on the engine in this process.
func TestRules(t *testing.T) {
	backendtest.Run(t, target(t, open))
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
	}
}

// damage turns the first byte of a stored body around.
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
