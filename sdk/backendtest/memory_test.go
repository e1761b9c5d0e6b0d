package backendtest_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/memory"
)

// memoryTarget is the reference backend, with everything a target can offer.
func memoryTarget() backendtest.Target {
	archives := new(memory.Archives)
	driver := archives.Driver()
	var n atomic.Int64
	return backendtest.Target{
		Name: driver.Name, Version: driver.Version, Protocol: sdk.ProtocolVersion, Schemes: driver.Schemes,
		Open: driver.Open,
		URL:  func() string { return "memory://" + strconv.FormatInt(n.Add(1), 10) },
		Damage: func(_ context.Context, url string, content sdk.Digest) error {
			if !archives.Damage(url, content) {
				return errors.New("no such body")
			}
			return nil
		},
		Tamper: func(_ context.Context, url string, what backendtest.Tampering) error {
			done := false
			switch what.How {
			case backendtest.RemoveBody:
				done = archives.RemoveBody(url, what.Record)
			case backendtest.SpoilRecord:
				done = archives.SpoilRecord(url, what.Record)
			case backendtest.SwapContent:
				done = archives.SwapContent(url, what.Record, what.Other)
			}
			if !done {
				return errors.New("no such record")
			}
			return nil
		},
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, memoryTarget())
}

func BenchmarkMemory(b *testing.B) { backendtest.Benchmark(b, memoryTarget()) }
