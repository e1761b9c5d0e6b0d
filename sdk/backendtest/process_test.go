//go:build unix

package backendtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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

// programFaults are the mutants that only show in a program.
var programFaults = []struct {
	name  string
	play  func()
	run   string // rules that are tried besides the first that others build on
	want  string // the rules that fail, all of them
	shows string // in the result of the first
}{
	{"sound", func() { serve(nil) }, "^(CRASH-02|PROC-(0[1-5]|1[12])|WIRE-10)", "", ""},
	{"calls itself otherwise", func() { serveDriver(named("sqlite")) }, "^WIRE-", "WIRE-10", `describes itself as "sqlite", want "faulty"`},
	{"prints", func() { serve(wrap[printer]) }, "^PROC-0[12]", "PROC-01", "storing"},
	{"outlives its host", outlive, "^PROC-0[12]", "PROC-02", "with an open archive"},
	{"keeps what it got when its host goes", func() { serve(wrap[saver]) }, "^PROC-0[13]", "PROC-03", ""},
	{"ends at an interrupt", endAtInterrupt, "^PROC-0[14]", "PROC-04", "exit status 1"},
	{"says nothing by hand", silentByHand, "^PROC-0[15]", "PROC-05", "code 0"},
	{"panics in Close", func() { serve(wrap[bomb]) }, "^(PROC-0[18]|GET-02)", "CLOSE-06", "close of nil channel"},
	{"dies in Health", func() { serve(wrap[suicide]) }, "^(HEALTH-0|GET-02)", "HEALTH-01", "exit status 7"},
	{"panics where nothing recovers", func() { serve(wrap[stray]) }, "^(HEALTH-0|GET-02)", "HEALTH-01", "mutant"},
	{"ends with a code of its own", endWithCode, "^PROC-0[18]", "PROC-08", "exit status 3, want exit status 0"},
	{"leaves files open", func() { serve(wrap[opener]) }, "^PROC-(01|10)", "PROC-10", "open files and connections"},
	{"logs without end", logEndlessly, "^PROC-(01|12)", "PROC-12", "in which nothing was asked of it"},
	{"leaves a process behind", leaveProcess, "^PROC-(01|11)", "PROC-11", "after the program that started it has ended"},
	{"holds the bodies that it takes in", func() { serve(wrap[hoarder]) }, "^PROC-0[179]", "PROC-09 PROC-07", "is taken in with"},
	{"holds the bodies that it returns", func() { serve(wrap[collector]) }, "^PROC-0[17]", "PROC-07", "is returned with"},
	{"commits each item by itself", func() { serve(wrap[committer]) }, "^CRASH-01", "CRASH-01", ""},
	{"commits in two steps", func() { serve(wrap[halver]) }, "^CRASH-0[12]", "CRASH-02", "one call is all or nothing"},
	{"answers first and stores later", func() { serve(wrap[hasty]) }, "^CRASH-03$", "GET-01", "no such tombstone"},
	{"answers first", func() { serve(wrap[hasty]) }, "", "CRASH-03", "no such tombstone"}, // that rule alone
	{"appends in two steps", func() { serve(wrap[halver]) }, "^CRASH-04", "CRASH-04", "events are there"},
	{"purges one by one", func() { serve(wrap[single]) }, "^CRASH-05", "CRASH-05", "records are purged"},
	{"logs its password", func() { serveDriver(talkative()) }, "^SECRET-0[13]", "SECRET-03", "it printed the password"},
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
	named := filepath.Join(dir, "codex-archive-faulty")
	if err := os.Symlink(self, named); err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	for _, f := range programFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			target := backendtest.Target{
				Program: &plugin.Command{Path: named, Env: []string{faultVar + "=" + f.name, sqliteVar + "=" + sqlite}},
				URL:     func() string { return "sqlite:///" + strconv.FormatInt(n.Add(1), 10) + ".db" },
				Options: sdk.Options{Dir: dir},
			}
			pattern := regexp.MustCompile(f.run)
			foundations := []string{"OPEN-08", "CLOSE-06", "HEALTH-01", "PUT-26", "GET-01"}
			rep, err := backendtest.RunRules(t.Context(), target, backendtest.Options{Run: func(id string) bool {
				if f.run == "" {
					return id == f.want
				}
				return pattern.MatchString(id) || slices.Contains(foundations, id)
			}})
			if err != nil {
				t.Fatal(err)
			}
			failures := failuresOf(t, rep)
			if got := strings.Join(failures.ids, " "); got != f.want {
				t.Errorf("these rules fail: %q, want %q", got, f.want)
			}
			if f.shows != "" && !strings.Contains(failures.text, f.shows) {
				t.Errorf("the result does not show %q", f.shows)
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

// leaveProcess starts a process that is not of its group and holds its output.
func leaveProcess() {
	c := exec.Command("/bin/sleep", "100")
	c.Stdout, c.Stderr, c.SysProcAttr = os.Stdout, os.Stderr, &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		panic(err)
	}
	serve(nil)
}

func logEndlessly() {
	go func() {
		for {
			fmt.Fprintln(os.Stderr, `{"@level":"info","@message":"still here"}`)
		}
	}()
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

func named(name string) sdk.Driver {
	d := kept(nil)
	d.Name = name
	return d
}

func endWithCode() {
	serve(nil)
	os.Exit(3)
}

// suicide ends the process without a word of Go's.
type suicide struct{ inner }

func (b *suicide) Health(context.Context) (sdk.Health, error) {
	slog.Warn("about to go")
	os.Exit(7)
	return sdk.Health{}, nil
}

// stray panics in a goroutine of its own.
type stray struct{ inner }

func (b *stray) Health(ctx context.Context) (sdk.Health, error) {
	go panic("a mutant's panic")
	<-ctx.Done()
	return sdk.Health{}, ctx.Err()
}

// opener forgets a file that each Get opens.
type opener struct{ inner }

func (b *opener) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	f, _ := os.Open(os.DevNull)
	forgotten.Store(f, true)
	return b.Backend.Get(ctx, ids)
}

// forgotten keeps the files from being closed as garbage.
var forgotten sync.Map

type printer struct{ inner }

func (b *printer) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	fmt.Println("storing")
	return b.Backend.Put(ctx, in)
}

type hoarder struct{ inner }

func (b *hoarder) Put(ctx context.Context, in items) ([]sdk.PutResult, error) {
	read, err := all(in)
	return b.Backend.Put(ctx, broken(read, err))
}

type collector struct{ inner }

func (b *collector) Get(ctx context.Context, ids []sdk.Tombstone) iter.Seq2[sdk.GetResult, error] {
	return changing(b.Backend.Get(ctx, ids), func(found *sdk.GetResult) bool {
		if found.Body != nil {
			body, failed := io.ReadAll(found.Body)
			found.Body = bytes.NewReader(body)
			if failed != nil {
				found.Body = iotest.ErrReader(failed)
			}
		}
		return true
	})
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
