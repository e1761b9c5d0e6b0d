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
			switch store := archives.Store(url); what.How {
			case backendtest.RemoveBody:
				return kvtest.RemoveBody(ctx, store, what.Record)
			case backendtest.SpoilRecord:
				return kvtest.SpoilRecord(ctx, store, what.Record)
			case backendtest.SpoilContent:
				return kvtest.SpoilContent(ctx, store, what.Record)
			case backendtest.RemoveRecord:
				return kvtest.RemoveRecord(ctx, store, what.Record)
			case backendtest.RemoveContent:
				return kvtest.RemoveContent(ctx, store, what.Record)
			case backendtest.FeignPurge:
				return kvtest.FeignPurge(ctx, store, what.Record)
			default:
				return kvtest.SwapContent(ctx, store, what.Record, what.Other)
			}
		},
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, memoryTarget())
}

func BenchmarkMemory(b *testing.B) { backendtest.Benchmark(b, memoryTarget()) }
