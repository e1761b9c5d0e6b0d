package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// purge has one person ask for the purge of samples, and another purge them.
func (a *testArchive) purge(samples ...sample) {
	a.t.Helper()
	p := sdk.Purge{Actor: "bob", At: sdk.Time(time.Now())}
	var events []sdk.Event
	for _, s := range samples {
		events = append(events, sdk.Event{ID: sdk.NewID(), Tombstone: s.Tombstone, Action: sdk.ActionPruneRequest, Actor: "ann", At: p.At})
		p.Items = append(p.Items, sdk.PurgeItem{Tombstone: s.Tombstone, Event: sdk.NewID()})
	}
	if err := a.Append(a.t.Context(), events); err != nil {
		a.t.Fatal(err)
	}
	verdicts, err := a.Purge(a.t.Context(), p)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Outcome != sdk.OutcomePurged {
			a.t.Fatalf("%v is %s: %s", v.Tombstone, v.Outcome, v.Why)
		}
	}
}

// Deleted rows are overwritten: of bodies that were purged no byte is left in the
// file, nor in its log, once the archive is closed.
func TestPurgeErases(t *testing.T) {
	for _, size := range []int{40, 30_000, 3 * sdk.ChunkSize} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			a := openArchive(t, path, dialect(), sdk.Create)
			var all []sample
			for range min(100, 8<<20/size) {
				all = append(all, newSample(size))
			}
			for i := range all { // one by one, so that pages are split at random
				a.put(all[i])
			}
			a.purge(all[:len(all)/2]...)
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			left := 0
			for _, name := range []string{path, path + "-wal"} {
				text, err := os.ReadFile(name)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				for _, s := range all[:len(all)/2] {
					for at := 0; at+32 <= len(s.body); at += 2000 {
						if bytes.Contains(text, s.body[at:at+32]) {
							left++
							break
						}
					}
				}
			}
			if left > 0 {
				t.Errorf("something is left of %d bodies of %d that were purged", left, len(all)/2)
			}
		})
	}
}
