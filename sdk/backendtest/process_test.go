//go:build unix

package backendtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/codex-archive/codex/scripts/programs"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
	"github.com/codex-archive/codex/sdk/plugin"
)

// The programs below are backends with one fault each, of the kind that only
// shows in a process. Behind the fault is the program for SQLite, so that
// what is stored outlives the process.

const (
	faultVar  = "CODEX_TEST_FAULT" // makes the test binary the program with this fault
	sqliteVar = "CODEX_TEST_SQLITE"
)

var programFaults = []struct {
	name  string
	rule  string
	play  func()
	clean string // a rule that a program with this fault still passes
}{
	{"sound", "", func() { serve(nil) }, "CRASH-02"},
	{"prints", "PROC-01", func() { serve(wrap[printer]) }, "PROC-02"},
	{"outlives its host", "PROC-02", outlive, "PROC-01"},
	{"keeps what it got when its host goes", "PROC-03", func() { serve(wrap[saver]) }, "PROC-02"},
	{"ends at an interrupt", "PROC-04", endAtInterrupt, "PROC-01"},
	{"says nothing by hand", "PROC-05", silentByHand, "PROC-01"},
	{"holds the bodies that it takes in", "PROC-07", func() { serve(wrap[hoarder]) }, "PROC-01"},
	{"holds the bodies that it returns", "PROC-07", func() { serve(wrap[collector]) }, "PROC-01"},
	{"commits each item by itself", "CRASH-01", func() { serve(wrap[committer]) }, "PROC-01"},
	{"commits in two steps", "CRASH-02", func() { serve(wrap[halver]) }, "CRASH-01"},
	{"answers first and stores later", "CRASH-03", func() { serve(wrap[hasty]) }, "PROC-02"},
	{"appends in two steps", "CRASH-04", func() { serve(wrap[halver]) }, "CRASH-03"},
	{"purges one by one", "CRASH-05", func() { serve(wrap[single]) }, "CRASH-03"},
	{"logs its password", "SECRET-03", func() { serveDriver(talkative()) }, "PROC-01"},
}

func TestMain(m *testing.M) {
	fault := os.Getenv(faultVar)
	for _, f := range programFaults {
		if f.name == fault {
			f.play()
			return
		}
	}
	os.Exit(m.Run())
}

func TestBrokenPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it starts some 200 programs")
	}
	dir := t.TempDir()
	built, remove, err := programs.Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	sqlite := filepath.Join(built, "plugins", "codex-archive-sqlite")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	for _, f := range programFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			target := backendtest.Target{
				Program: &plugin.Command{Path: self, Env: []string{faultVar + "=" + f.name, sqliteVar + "=" + sqlite}},
				URL:     func() string { return "sqlite:///" + strconv.FormatInt(n.Add(1), 10) + ".db" },
				Options: sdk.Options{Dir: dir},
			}
			if f.rule != "" {
				catches(t, target, f.rule)
			}
			if r := runOnly(t, target, f.clean); r.Status != backendtest.Passed {
				t.Errorf("%s, which has nothing to do with the fault: %s\n%s", f.clean, r.Status, r.Why)
			}
		})
	}
}

// serve serves archives that are kept by the program for SQLite, each handle
// wrapped in a fault.
func serve(fault func(sdk.Backend) sdk.Backend) { serveDriver(kept(fault)) }

func serveDriver(d sdk.Driver) { plugin.Serve(d) }

func kept(fault func(sdk.Backend) sdk.Backend) sdk.Driver {
	return sdk.Driver{Name: "faulty", Version: "1", Schemes: []string{"sqlite"}, Open: func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		process, err := plugin.Launch(ctx, plugin.Command{Path: os.Getenv(sqliteVar)})
		if err != nil {
			return nil, err
		}
		b, err := process.Open(ctx, o)
		if err != nil {
			return nil, errors.Join(err, process.Close())
		}
		b = both{b, process}
		if fault != nil {
			b = fault(b)
		}
		return b, nil
	}}
}

// both is a handle that ends its process when it is closed.
type both struct {
	sdk.Backend
	process *plugin.Process
}

func (b both) Close() error { return errors.Join(b.Backend.Close(), b.process.Close()) }

// endless is the writing end of a standard input that does not end.
var endless *os.File

func outlive() {
	os.Stdin, endless, _ = os.Pipe()
	serve(nil)
}

func endAtInterrupt() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	go func() {
		<-signals
		os.Exit(1)
	}()
	serve(nil)
}

func silentByHand() {
	if os.Getenv("CODEX_ARCHIVE_PLUGIN") == "" {
		return
	}
	serve(nil)
}

func talkative() sdk.Driver {
	d := kept(nil)
	open := d.Open
	stderr := os.Stderr // the real one, past what Serve puts in its place
	d.Open = func(ctx context.Context, o sdk.Options) (sdk.Backend, error) {
		fmt.Fprintln(stderr, "opening", o.URL)
		return open(ctx, o)
	}
	return d
}

type printer struct{ inner }

func (b *printer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	fmt.Println("storing")
	return b.Backend.Put(ctx, in)
}

// all reads a sequence into memory.
func all(in items) (read []sdk.Item, err error) {
	for i, err := range in {
		if err != nil {
			return read, err
		}
		if i, err = held(i); err != nil {
			return read, err
		}
		read = append(read, i)
	}
	return read, nil
}

type hoarder struct{ inner }

func (b *hoarder) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	read, err := all(in)
	return b.Backend.Put(ctx, broken(read, err))
}

type collector struct{ inner }

func (b *collector) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return func(yield func(sdk.GetResult, error) bool) {
		for found, err := range b.Backend.Get(ctx, ids) {
			if found.Body != nil {
				body, failed := io.ReadAll(found.Body)
				found.Body = bytes.NewReader(body)
				if failed != nil {
					found.Body = iotest.ErrReader(failed)
				}
			}
			if !yield(found, err) {
				return
			}
		}
	}
}

type saver struct{ inner }

func (b *saver) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	read, err := all(in)
	stored, failed := b.Backend.Put(context.WithoutCancel(ctx), sequence(read))
	return stored, errors.Join(err, failed)
}

// halver does by two calls what should be one.
type halver struct{ inner }

func (b *halver) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	read, err := all(in)
	if err != nil || len(read) < 2 {
		return b.Backend.Put(ctx, broken(read, err))
	}
	half := len(read) / 2
	first, err := b.Backend.Put(ctx, sequence(read[:half]))
	if err != nil {
		return nil, err
	}
	time.Sleep(halfTime)
	second, err := b.Backend.Put(ctx, sequence(read[half:]))
	return append(first, second...), err
}

func (b *halver) Append(ctx context.Context, events []sdk.Event) error {
	half := len(events) / 2
	if err := b.Backend.Append(ctx, events[:half]); err != nil {
		return err
	}
	time.Sleep(halfTime)
	return b.Backend.Append(ctx, events[half:])
}

// halfTime makes what is in two steps last long between them, so that it is
// killed there for sure.
const halfTime = time.Second

type hasty struct{ inner }

func (b *hasty) Put(_ context.Context, in items) ([]sdk.PutResult, error) {
	read, err := all(in)
	if err != nil {
		return nil, err
	}
	var stored []sdk.PutResult
	for _, i := range read {
		stored = append(stored, sdk.PutResult{Tombstone: i.Record.Tombstone, Content: i.Record.Content})
	}
	go func() {
		time.Sleep(halfTime)
		_, _ = b.Backend.Put(context.Background(), sequence(read))
	}()
	return stored, nil
}

type single struct{ inner }

func (b *single) Purge(ctx context.Context, p sdk.Purge) ([]sdk.Verdict, error) {
	var verdicts []sdk.Verdict
	for i, item := range p.Items {
		one := p
		one.Items = []sdk.PurgeItem{item}
		v, err := b.Backend.Purge(ctx, one)
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v...)
		if i == len(p.Items)/2 {
			time.Sleep(halfTime)
		}
	}
	return verdicts, nil
}
