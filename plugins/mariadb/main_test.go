package main

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/codex-archive/codex/scripts/databases"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// flips alter one bit of a body.
var flips = []string{
	`UPDATE codex_body SET data = INSERT(data, 501, 1, CHAR(ORD(SUBSTR(data, 501, 1)) ^ 1))
		WHERE artifact = (SELECT id FROM codex_artifact WHERE sha256 = ?)`,
	`UPDATE codex_artifact_chunk SET data = INSERT(data, 501, 1, CHAR(ORD(SUBSTR(data, 501, 1)) ^ 1))
		WHERE seq = 0 AND upload = (SELECT u.id FROM codex_upload u JOIN codex_artifact a ON a.id = u.artifact WHERE a.sha256 = ?)`,
}

// target makes a database for each archive that the kit asks for.
func target(t testing.TB) backendtest.Target {
	var mu sync.Mutex
	made := map[string]*databases.Database{}
	driver := Driver()
	return backendtest.Target{
		Name: driver.Name, Version: driver.Version, Protocol: sdk.ProtocolVersion, Schemes: driver.Schemes,
		Open: driver.Open,
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

func TestContract(t *testing.T) { backendtest.Run(t, target(t)) }

func BenchmarkContract(b *testing.B) { backendtest.Benchmark(b, target(b)) }
