package journal

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// pendingIntents counts the intents.
func (w *world) pendingIntents() int {
	entries, err := os.ReadDir(filepath.Join(w.dir, "evidence/pending"))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(entries)
}

// A project that was moved has another place. What a killed command committed
// there is recorded, and what it did not commit is settled.
func TestMovedProjectIsSettledByIdentity(t *testing.T) {
	w := newWorld(t)
	w.store(w.open(&faultPlan{faults: backendtest.Faults{backendtest.FaultLose: 1}}), []byte("lost"))
	old := w.open(nil)
	if _, err := old.backend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.pendingIntents(); n != 0 {
		t.Fatalf("%d intents; those of the same place are settled", n)
	}

	w.store(w.open(&faultPlan{faults: backendtest.Faults{backendtest.FaultLose: 1}}), []byte("lost, and moved"))
	w.abandonedLongAgo(sdk.ID{})
	if n := w.pendingIntents(); n != 2 {
		t.Fatalf("%d intents", n)
	}
	w.place = sdk.NewID()
	w.check()
	if n := w.pendingIntents(); n != 0 {
		t.Errorf("%d intents are left", n)
	}
}

// An intent about another archive is left for that.
func TestIntentOfAnotherArchiveStays(t *testing.T) {
	w := newWorld(t)
	w.abandonedLongAgo(sdk.NewID())
	w.check()
	if n := w.pendingIntents(); n != 1 {
		t.Errorf("%d intents are left", n)
	}
}

// abandonedLongAgo leaves the intent of a command that was killed before it
// committed anything: in the archive of this world, or in another.
func (w *world) abandonedLongAgo(other sdk.ID) {
	w.t.Helper()
	j := w.open(nil)
	e := j.record(evidence.Restore, evidence.Success)
	p, err := j.file.Begin(evidence.Intent{Backend: "memory", Archive: other, Place: w.place, Time: time.Now().Add(-time.Hour), Records: []*evidence.Record{e}})
	if err != nil {
		w.t.Fatal(err)
	}
	if other.IsZero() {
		backend, err := j.options.Open(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if err := j.file.Identify(sdk.IdentityOf(backend)); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := p.Release(); err != nil {
		w.t.Fatal(err)
	}
}
