package main

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/sdk"
)

// Without an order, rows of this size leave an eighth of their pages empty.
func TestBodiesFillTheirPages(t *testing.T) {
	a := newArchive(t)
	random := rand.New(rand.NewPCG(1, 2))
	records := contest.Small(1000)
	var bodies int64
	for i := range records {
		r := &records[i].Record
		data := make([]byte, 100+random.IntN(8000))
		for j := range data {
			data[j] = byte(random.Uint32())
		}
		r.Content = sdk.Content{SHA256: r.Content.SHA256, Size: int64(len(data)), Codec: "other"}.WithBody(data)
		r.Digest = r.ComputeDigest()
		records[i].Body = data
		bodies += int64(len(data))
	}
	if err := contest.Put(t.Context(), a, records); err != nil {
		t.Fatal(err)
	}
	var size int64
	if err := a.raw().QueryRow("SELECT sum(pgsize) FROM dbstat WHERE name = 'codex_body'").Scan(&size); err != nil {
		t.Fatal(err)
	}
	if share := float64(size) / float64(bodies); share > 1.04 {
		t.Errorf("%d bytes of bodies take %d bytes, %.3f times as many", bodies, size, share)
	}
}

func TestPackKeepsEveryRow(t *testing.T) {
	for _, sizes := range [][]int64{nil, {0}, {5, 5, 5}, {0, 64 << 10, 4056, 4057, 4061, 4062, 1, 9000, 200}} {
		order := pack(sizes)
		slices.Sort(order)
		for i, row := range order {
			if row != i {
				t.Fatalf("pack(%d) = %d, sorted", sizes, order)
			}
		}
		if len(order) != len(sizes) {
			t.Errorf("pack(%d) has %d rows", sizes, len(order))
		}
	}
}
