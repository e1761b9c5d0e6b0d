package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/plugin"
)

// pluginVar makes the test binary the program itself.
const pluginVar = "CODEX_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(pluginVar) == "" {
		os.Exit(m.Run())
	}
	main()
}

// program is the test binary as the program.
func program(t testing.TB) *plugin.Command {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &plugin.Command{Path: self, Env: []string{pluginVar + "=1"}}
}

// TestRules runs the contract on the engine in this process.
func TestRules(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, target(t, open))
}

// TestRulesProcess runs the contract on the program, a process for each handle.
func TestRulesProcess(t *testing.T) {
	t.Parallel()
	target := target(t, nil)
	target.Program = program(t)
	backendtest.Run(t, target)
}

func BenchmarkRules(b *testing.B) { backendtest.Benchmark(b, target(b, open)) }

// flips alter one bit of a body.
var flips = []string{
	`UPDATE codex_body SET data = INSERT(data, 501, 1, CHAR(ORD(SUBSTR(data, 501, 1)) ^ 1))
		WHERE artifact = (SELECT id FROM codex_artifact WHERE sha256 = ?)`,
	`UPDATE codex_artifact_chunk SET data = INSERT(data, 501, 1, CHAR(ORD(SUBSTR(data, 501, 1)) ^ 1))
		WHERE seq = 0 AND upload = (SELECT u.id FROM codex_upload u JOIN codex_artifact a ON a.id = u.artifact WHERE a.sha256 = ?)`,
}

// target makes a database for each archive that the kit asks for.
func target(t testing.TB, open func(context.Context, sdk.Options) (sdk.Backend, error)) backendtest.Target {
	var mu sync.Mutex
	made := map[string]*databases.Database{}
	driver := mariadbDriver()
	return backendtest.Target{
		Name: driver.Name, Version: driver.Version, Protocol: sdk.ProtocolVersion, Schemes: driver.Schemes,
		Open: open,
		URL: func() string {
			d := databases.MariaDB(t)
			mu.Lock()
			defer mu.Unlock()
			made[d.URL()] = d
			return d.URL()
		},
		Damage: func(ctx context.Context, url string, content sdk.Digest) error {
			mu.Lock()
			admin := made[url].Admin(t)
			mu.Unlock()
			for _, flip := range flips {
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
	}
}
