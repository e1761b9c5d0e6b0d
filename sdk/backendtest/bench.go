package backendtest

import (
	"context"
	"io"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// Benchmark measures Put and Get of a thousand small items in one call, in
// items/s, and of one of 64 MiB, in bytes/s. Numbers only: nothing fails
// because it is slow.
func Benchmark(b *testing.B, target Target) {
	ctx := context.Background()
	handle, err := target.open(ctx, sdk.Options{URL: target.URL(), Mode: sdk.Create}, setup{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = handle.Close() }() // the rules are about Close
	t := &T{ctx: ctx, target: &target, rule: Rule{ID: "BENCH-01"}}
	small := func() []sample {
		all := make([]sample, sdk.MaxItems)
		for i := range all {
			all[i] = t.item(2000)
		}
		return all
	}
	large := func() []sample { return []sample{t.item(64 << 20)} }
	b.Run("Put1000", func(b *testing.B) { benchPut(b, handle, small) })
	b.Run("Get1000", func(b *testing.B) { benchGet(b, handle, small()) })
	b.Run("Put64MiB", func(b *testing.B) { benchPut(b, handle, large) })
	b.Run("Get64MiB", func(b *testing.B) { benchGet(b, handle, large()) })
}

func benchPut(b *testing.B, handle sdk.Backend, samples func() []sample) {
	var items, size int64
	for b.Loop() {
		b.StopTimer()
		s := samples()
		items, size = int64(len(s)), total(s)
		b.StartTimer()
		if _, err := handle.Put(b.Context(), sequence(s...)); err != nil {
			b.Fatal(err)
		}
	}
	rates(b, items, size)
}

func benchGet(b *testing.B, handle sdk.Backend, s []sample) {
	if _, err := handle.Put(b.Context(), sequence(s...)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for found, err := range handle.Get(b.Context(), tombstones(s...)) {
			if err == nil {
				err = found.Err
			}
			if err == nil {
				_, err = io.Copy(io.Discard, found.Body)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	rates(b, int64(len(s)), total(s))
}

func total(s []sample) (n int64) {
	for _, one := range s {
		n += int64(len(one.body))
	}
	return n
}

func rates(b *testing.B, items, size int64) {
	b.SetBytes(size)
	b.ReportMetric(float64(items)*float64(b.N)/b.Elapsed().Seconds(), "items/s")
}
