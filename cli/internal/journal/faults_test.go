package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/faultfile"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/memory"
)

// acts are the acts of this package. Each is tried with each fault, and what the
// package promises is checked afterwards: a new act is a row.
var acts = []struct {
	name string
	do   func(w *world, j *Journal)
}{
	{"store", func(w *world, j *Journal) { w.store(j, []byte("small "+w.next())) }},
	{"store again", func(w *world, j *Journal) { w.store(j, []byte("the same")) }},
	{"store large", func(w *world, j *Journal) { w.store(j, noise(w.next(), sdk.ChunkSize+1)) }},
	{"restore", func(w *world, j *Journal) { w.restore(j, w.first) }},
	{"restore to standard output", func(w *world, j *Journal) { w.print(j, w.first) }},
	{"restore several", func(w *world, j *Journal) { w.restore(j, w.first, w.second, w.first) }},
}

// faultPlans are what goes wrong: in the archive, on the disk of the log, or both.
func faultPlans() []faultPlan {
	var plans []faultPlan
	for _, attempts := range []int{1, 3} {
		for _, fault := range []backendtest.Fault{backendtest.FaultFail, backendtest.FaultLose, backendtest.FaultCut, backendtest.FaultFlip, backendtest.FaultLie} {
			for every := 1; every <= 3; every++ {
				plans = append(plans, faultPlan{faults: backendtest.Faults{fault: every}, attempts: attempts})
			}
		}
	}
	for at := 1; at <= 4; at++ {
		for _, short := range []bool{false, true} {
			plans = append(plans,
				faultPlan{disk: diskFault{at, 0, syscall.ENOSPC, short}},
				faultPlan{disk: diskFault{at, 1, syscall.EIO, short}},
				faultPlan{disk: diskFault{at, 2, syscall.EIO, short}, faults: backendtest.Faults{backendtest.FaultLose: 2}, attempts: 3})
		}
	}
	return plans
}

type faultPlan struct {
	faults   backendtest.Faults
	attempts int
	disk     diskFault
}

// diskFault is a [faultfile.Plan] for each command.
type diskFault struct {
	at, every int
	err       error
	short     bool
}

func TestPromisesHoldUnderFaults(t *testing.T) {
	for _, plan := range faultPlans() {
		t.Run(fmt.Sprintf("%+v", plan), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, act := range acts {
				act.do(w, w.open(&plan))
				if act.do(w, w.open(&plan)); t.Failed() {
					t.Fatal(act.name)
				}
			}
			w.check()
		})
	}
}

// A backend that hangs ends with the time of the command.
func TestPromisesHoldWhereTheArchiveHangs(t *testing.T) {
	for every := 1; every <= 2; every++ {
		plan := faultPlan{faults: backendtest.Faults{backendtest.FaultHang: every}}
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		w.ctx = ctx
		for range 3 {
			w.store(w.open(&plan), []byte(w.next()))
		}
		w.ctx = t.Context()
		w.check()
	}
}

// world is an archive, a log, and what was acknowledged.
type world struct {
	t        *testing.T
	ctx      context.Context
	dir      string
	driver   sdk.Driver
	place    sdk.ID
	acked    map[sdk.Tombstone][]byte
	outputs  map[string][]byte // of restores: what must be there if anything is
	restored []string          // of these, those that were acknowledged
	n        int

	first, second sdk.Tombstone // stored without faults
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, ctx: t.Context(), dir: t.TempDir(), driver: new(memory.Archives).Driver(), place: sdk.NewID(),
		acked: map[sdk.Tombstone][]byte{}, outputs: map[string][]byte{}}
	w.first = w.store(w.open(nil), []byte("the first"))
	w.second = w.store(w.open(nil), noise("second", 300<<10))
	if len(w.acked) != 2 {
		t.Fatal("nothing works")
	}
	return w
}

// open opens a journal as a command does, with faults.
func (w *world) open(plan *faultPlan) *Journal {
	w.t.Helper()
	driver, policy := w.driver, retry.Policy{}
	if plan != nil {
		driver, policy = plan.faults.Driver(driver), retry.Policy{Attempts: plan.attempts}
	}
	backend, err := driver.Open(w.t.Context(), sdk.Options{URL: "memory://w", Mode: sdk.Create, Parallel: 4})
	if err != nil {
		w.t.Fatal(err)
	}
	j, err := Open(Options{
		Dir: filepath.Join(w.dir, "evidence"), Actor: "tester", Backend: "memory", Place: w.place, Host: "testhost", Started: time.Now(),
		Retry: policy, Log: hclog.NewNullLogger(), Metrics: true, Decompression: true,
		Open: func(context.Context) (sdk.Backend, error) { return backend, nil },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if plan != nil {
		d := plan.disk
		calls := &faultfile.Plan{At: d.at, Every: d.every, Err: d.err, Short: d.short}
		j.file.SetDisk(func(f *os.File) evidence.Disk { return faultfile.File{Plan: calls, Disk: f} })
	}
	return j
}

// next names something anew.
func (w *world) next() string {
	w.n++
	return fmt.Sprint(w.n)
}

func noise(seed string, size int) []byte {
	line := []byte(seed + " is what this file is made of\n")
	return bytes.Repeat(line, size/len(line)+1)[:size]
}

func (w *world) store(j *Journal, content []byte) sdk.Tombstone {
	path := filepath.Join(w.dir, "file"+w.next())
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	r := sdk.Record{
		Tombstone: sdk.NewID(), Event: sdk.NewID(), Set: sdk.NewID(), Repo: "r", Reason: "dead", ContentKind: "code",
		ArchivedBy: "tester", ArchivedAt: sdk.Time(time.Now()), Host: "testhost",
	}
	stored, err := j.Store(w.ctx, &r, func(ctx context.Context) (*archiver.Source, error) {
		compressor, err := archiver.NewCompressor(sdk.None, "default", nil)
		if err != nil {
			return nil, err
		}
		return archiver.Open(ctx, archiver.Request{Path: path, Compressor: compressor})
	})
	if err == nil || stored.Tombstone == r.Tombstone && strings.Contains(err.Error(), "stored, not recorded") {
		w.acked[r.Tombstone] = content
	}
	return r.Tombstone
}

func (w *world) restore(j *Journal, ids ...sdk.Tombstone) {
	var published []*Restore
	for _, id := range ids {
		path := filepath.Join(w.dir, "out"+w.next())
		w.outputs[path] = w.acked[id]
		r := j.NewRestore(Order{Tombstone: id.String(), To: restorer.Destination{Path: path}}, &restorer.Restorer{})
		if r.Publish(w.ctx); r.Err == nil {
			published = append(published, r)
		}
	}
	j.Record(w.ctx, published...)
	for _, r := range published {
		if r.Err == nil {
			w.restored = append(w.restored, r.Done.Path)
		}
	}
}

func (w *world) print(j *Journal, id sdk.Tombstone) {
	var out bytes.Buffer
	r := j.NewRestore(Order{Tombstone: id.String(), To: restorer.Destination{Path: "-"}, Stdout: &out}, &restorer.Restorer{})
	if r.Publish(w.ctx); r.Err == nil {
		j.Record(w.ctx, r)
	}
	if r.Err == nil && !bytes.Equal(out.Bytes(), w.acked[id]) {
		w.t.Errorf("printed %q", out.Bytes())
	}
	if out.Len() > 0 && len(w.lines("-")) == 0 {
		w.t.Error("content was printed without a line of evidence")
	}
}

// check holds the promises: what was acknowledged can be restored, every event of
// the archive has one line and every line its event, the chain is whole, and no
// content is anywhere without a line.
func (w *world) check() {
	w.t.Helper()
	j := w.open(nil)
	backend, err := j.backend(w.t.Context()) // records what the commands before did not
	if err != nil {
		w.t.Fatal(err)
	}
	if rep, err := evidence.Verify(j.file.Path()); err != nil || rep.Broken != 0 || rep.Torn {
		w.t.Errorf("evidence: %+v, %v", rep, err)
	}
	lines := w.successes()
	for entry, err := range backend.List(w.t.Context(), sdk.Query{WithEvents: true}) {
		if err != nil || entry.Err != nil {
			w.t.Fatal(err, entry.Err)
		}
		for _, e := range entry.Events {
			if lines[e.ID] != 1 {
				w.t.Errorf("%s of %v has %d lines", e.Action, e.Tombstone, lines[e.ID])
			}
			if e.Host != "testhost" {
				w.t.Errorf("%s on host %q", e.Action, e.Host)
			}
			delete(lines, e.ID)
		}
	}
	for id, n := range lines {
		w.t.Errorf("%d lines about %v, which is no event of the archive", n, id)
	}
	w.checkContent(backend)
	w.checkOutputs()
}

// checkContent reads back what was acknowledged.
func (w *world) checkContent(backend sdk.Backend) {
	w.t.Helper()
	for id, content := range w.acked {
		for found, err := range backend.Get(w.t.Context(), []sdk.Tombstone{id}) {
			if err = errors.Join(err, found.Err); err != nil {
				w.t.Errorf("%v was acknowledged: %v", id, err)
				break
			}
			var body bytes.Buffer
			_, err = body.ReadFrom(found.Body)
			if err = errors.Join(err, found.Record.CheckDigest()); err != nil || !bytes.Equal(body.Bytes(), content) {
				w.t.Errorf("%v was acknowledged, and holds %.40q: %v", id, body.Bytes(), err)
			}
		}
	}
}

// checkOutputs looks at the files of restores: whole or not there, and each with a
// line.
func (w *world) checkOutputs() {
	w.t.Helper()
	for _, path := range w.restored {
		if _, err := os.Stat(path); err != nil {
			w.t.Error(err)
		}
	}
	for path, want := range w.outputs {
		got, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil || !bytes.Equal(got, want) {
			w.t.Errorf("%s holds %.40q: %v", path, got, err)
		}
		if len(w.lines(path)) == 0 && !w.pending(path) {
			w.t.Errorf("%s was restored without a line of evidence", path)
		}
	}
}

// pending reports whether an intent still waits for its event: the archive may be
// in the commit.
func (w *world) pending(path string) bool {
	files, err := filepath.Glob(filepath.Join(w.dir, "evidence/pending/*.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(path)) {
			return true
		}
	}
	return false
}

// successes counts the lines by the events that they tell of.
func (w *world) successes() map[sdk.ID]int {
	n := map[sdk.ID]int{}
	for _, r := range w.lines("") {
		if r.Status == evidence.Success && r.Action.InArchive() && r.DBEvent == "" {
			n[r.ID]++
		}
	}
	return n
}

// lines returns the records whose output is this; "" returns all.
func (w *world) lines(output string) (records []*evidence.Record) {
	w.t.Helper()
	for line, err := range evidence.Read(filepath.Join(w.dir, "evidence", evidence.FileName)) {
		if err != nil {
			w.t.Fatal(err)
		}
		r, err := line.Record()
		if err != nil {
			continue // torn by a fault; the next command sets it aside
		}
		if output == "" || r.Output == output {
			records = append(records, r)
		}
	}
	return records
}
