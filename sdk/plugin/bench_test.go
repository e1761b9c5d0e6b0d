package plugin

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// BenchmarkSpawn is from nothing to the first reply and to a closed archive.
func BenchmarkSpawn(b *testing.B) {
	c := as(b, "memory")
	var exited []<-chan struct{}
	for b.Loop() {
		p, err := Launch(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Open(b.Context(), sdk.Options{URL: "memory://x", Mode: sdk.Create}); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
		exited = append(exited, p.Exited())
	}
	for _, e := range exited {
		<-e
	}
}

// BenchmarkWire moves bodies through both halves, over a socket between two
// processes; "direct" is the same backend without the wire.
func BenchmarkWire(b *testing.B) {
	_, process := start(b, as(b, "sink"))
	direct, err := driver(sink()).Open(b.Context(), sdk.Options{Mode: sdk.Create})
	if err != nil {
		b.Fatal(err)
	}
	for _, where := range []struct {
		name string
		sdk.Backend
	}{{"wire", process}, {"direct", direct}} {
		b.Run("put 64 MiB/"+where.name, func(b *testing.B) { benchPut(b, where, 1, 64<<20) })
		b.Run("get 64 MiB/"+where.name, func(b *testing.B) { benchGet(b, where, 1, 64<<20) })
		b.Run("put 1000 of 4 KiB/"+where.name, func(b *testing.B) { benchPut(b, where, 1000, 4<<10) })
		b.Run("get 1000 of 4 KiB/"+where.name, func(b *testing.B) { benchGet(b, where, 1000, 4<<10) })
		b.Run("health/"+where.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := where.Health(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchPut(b *testing.B, to sdk.Backend, count, size int) {
	b.SetBytes(int64(count) * int64(size))
	b.ReportAllocs()
	body := make([]byte, size)
	r := record(1, body)
	for b.Loop() {
		_, err := to.Put(b.Context(), func(yield func(sdk.Item, error) bool) {
			for range count {
				if !yield(sdk.Item{Record: r, Body: bytes.NewReader(body)}, nil) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func benchGet(b *testing.B, from sdk.Backend, count, size int) {
	b.SetBytes(int64(count) * int64(size))
	b.ReportAllocs()
	ids := make([]sdk.Tombstone, count)
	for i := range ids {
		binary.BigEndian.PutUint32(ids[i][:], uint32(size))
	}
	for b.Loop() {
		for found, err := range from.Get(b.Context(), ids) {
			if err != nil || found.Err != nil {
				b.Fatal(err, found.Err)
			}
			if _, err := io.Copy(io.Discard, found.Body); err != nil {
				b.Fatal(err)
			}
		}
	}
}
