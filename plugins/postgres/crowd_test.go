package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/codex-archive/codex/scripts/bench/contest"
	"github.com/codex-archive/codex/sdk"
)

// TestOverlappingPuts stores groups that share contents and names from several
// handles at once. Locks are taken in one order, so no group may end in a
// deadlock.
func TestOverlappingPuts(t *testing.T) {
	t.Parallel()
	const handles, puts, size, contents = 8, 15, 50, 200
	url := target(t, open).URL()
	shared := contest.Small(contents)
	var wait sync.WaitGroup
	for n := range uint64(handles) {
		wait.Go(func() {
			archive, err := open(t.Context(), sdk.Options{URL: url, Mode: sdk.Create, Parallel: 1})
			if err != nil {
				t.Error(err)
				return
			}
			defer archive.Close()
			random := rand.New(rand.NewPCG(n, 0))
			for range puts {
				group := make([]contest.Item, size)
				for i := range group {
					group[i] = shared[random.IntN(contents)]
					r := &group[i].Record
					r.Commit = fmt.Sprint(random.IntN(contents))
					fill(random, r.Tombstone[:])
					fill(random, r.Event[:])
				}
				if _, err := archive.Put(t.Context(), contest.Sequence(group)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	archive, err := open(t.Context(), sdk.Options{URL: url, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if h, err := archive.Health(t.Context()); err != nil || h.Retrievable != handles*puts*size {
		t.Errorf("%d records, %v; want %d", h.Retrievable, err, handles*puts*size)
	}
}

func fill(random *rand.Rand, id []byte) {
	for i := range id {
		id[i] = byte(random.Uint32())
	}
}
