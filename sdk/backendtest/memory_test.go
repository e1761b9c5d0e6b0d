package backendtest_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/kvbackend/kvtest"
	"github.com/codex-archive/codex/sdk/memory"
)

// memoryTarget is the reference backend, with everything a target can offer.
func memoryTarget() backendtest.Target {
	archives := new(memory.Archives)
	driver := archives.Driver()
	var n atomic.Int64
	return backendtest.Target{
		Name: driver.Name, Version: driver.Version, Protocol: sdk.ProtocolVersion, Schemes: driver.Schemes, Capabilities: driver.Capabilities,
		Open: driver.Open,
		URL:  func() string { return "memory://" + strconv.FormatInt(n.Add(1), 10) },
		Damage: func(ctx context.Context, url string, content sdk.Digest) error {
			return kvtest.Damage(ctx, archives.Store(url), content)
		},
		Tamper: func(ctx context.Context, url string, what backendtest.Tampering) error {
			return kvtest.Tamper(ctx, archives.Store(url), string(what.How), what.Record, what.Other)
		},
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, memoryTarget())
}

func BenchmarkMemory(b *testing.B) { backendtest.Benchmark(b, memoryTarget()) }
