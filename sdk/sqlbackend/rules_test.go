package sqlbackend_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/sqlbackend/sqltest"
)

// TestRules runs the contract on the engine.
func TestRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var n atomic.Int64
	backendtest.Run(t, backendtest.Target{
		Name: "example", Version: "1", Schemes: []string{"example"}, Open: open, Options: sdk.Options{Dir: dir},
		URL: func() string { return fmt.Sprintf("example:///%d.db", n.Add(1)) },
	})
}

// tampered is an archive whose file a test changes behind its back.
func tampered(t *testing.T) *sqltest.Archive {
	t.Helper()
	o := sdk.Options{URL: "example:///a.db", Dir: t.TempDir(), Mode: sdk.Create, Parallel: 2}
	archive, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	c, err := dialect().Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return &sqltest.Archive{
		Backend: archive, Admin: sqltest.OpenDB(t, c.Write),
		Cut:  "CAST(substr(data, 1, length(data) - 1) AS BLOB)",
		Zero: "zeroblob(length(data))",
	}
}

func TestWrongSize(t *testing.T) { sqltest.WrongSize(t, tampered) }

func TestUnreadableRows(t *testing.T) { sqltest.UnreadableRows(t, tampered) }

func TestMissingBodies(t *testing.T) { sqltest.MissingBodies(t, tampered, true) }
