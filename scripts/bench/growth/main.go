// Command growth fills an archive and measures at several sizes what Put, and
// each question that people ask, costs there. It prints ratios to the smallest
// size as a table, and as JSON with -json.
//
// It talks to the backend's program as the host does. The time of a process that
// starts is not part of what is measured: it would hide what grows.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/plugin"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("growth: ")
	program := flag.String("program", "bin/plugins/codex-archive-sqlite", "the backend's program")
	url := flag.String("url", "sqlite:///growth.db", "an archive that does not exist yet; a relative file is made in a temporary directory")
	sizes := flag.String("sizes", "10000,100000,1000000", "how many records there are when questions are asked")
	body := flag.Int("body", 600, "bytes of each body")
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()
	marks, err := parseSizes(*sizes)
	if err == nil {
		err = run(context.Background(), *program, *url, marks, *body, *asJSON)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func parseSizes(text string) (marks []int, err error) {
	for _, field := range strings.Split(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < runRecords || n%groupRecords != 0 {
			return nil, fmt.Errorf("-sizes: %q is not a multiple of %d from %d on", field, groupRecords, runRecords)
		}
		marks = append(marks, n)
	}
	slices.Sort(marks)
	return marks, nil
}

// measured is what was found at one size.
type measured struct {
	Records    int                `json:"records"`
	PutPerSec  float64            `json:"put_records_per_second"` // of the last tenth, at least 10,000 records
	FileBytes  int64              `json:"file_bytes,omitempty"`   // SQLite only
	BodyBytes  int64              `json:"body_bytes"`
	PluginCPU  float64            `json:"put_plugin_cpu_us,omitempty"`   // a record; Linux only
	Written    float64            `json:"put_bytes_written,omitempty"`   // by the plugin, a record; Linux only
	PluginPeak int64              `json:"plugin_peak_rss_kib,omitempty"` // Linux only
	Millis     map[string]float64 `json:"milliseconds"`                  // medians
	questions  []string           // in order
}

func run(ctx context.Context, program, url string, marks []int, body int, asJSON bool) error {
	dir, err := os.MkdirTemp("", "codex-growth-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system clears its temporary directory
	process, err := plugin.Launch(ctx, plugin.Command{Path: program, Env: os.Environ()})
	if err != nil {
		return err
	}
	defer func() { _ = process.Close() }() // it was measured
	archive, err := process.Open(ctx, sdk.Options{URL: url, Dir: dir, Mode: sdk.Create, Parallel: 5})
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }() // what was measured is not kept
	f := &filler{archive: archive, pid: process.Pid(), maker: newMaker(body)}
	var results []*measured
	for _, mark := range marks {
		log.Printf("filling to %d records", mark)
		m, err := f.measure(ctx, mark)
		if err != nil {
			return err
		}
		m.FileBytes = fileSize(url, dir)
		m.PluginPeak = peak(process.Pid())
		results = append(results, m)
	}
	if asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(results)
	}
	return printTable(results)
}

// fileSize is that of the archive in a file, with its log; 0 for a server.
func fileSize(url, dir string) (sum int64) {
	path, ok := strings.CutPrefix(url, "sqlite:///")
	if !ok {
		return 0
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// printTable prints a line for each question and a column for each size, with
// the ratio to the first.
func printTable(results []*measured) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(what string, unit string, value func(*measured) float64) {
		first := value(results[0])
		fmt.Fprintf(w, "%s\t", what)
		for _, m := range results {
			fmt.Fprintf(w, "%.*f %s\t%.2f\t", decimals(value(m)), value(m), unit, value(m)/first)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "records\t")
	for _, m := range results {
		fmt.Fprintf(w, "%d\tratio\t", m.Records)
	}
	fmt.Fprintln(w)
	line("put", "/s", func(m *measured) float64 { return m.PutPerSec })
	if results[0].PluginCPU > 0 {
		line("put, plugin's processor", "µs a record", func(m *measured) float64 { return m.PluginCPU })
		line("put, written", "B a record", func(m *measured) float64 { return m.Written })
	}
	if results[0].FileBytes > 0 {
		line("file by bodies", "×", func(m *measured) float64 { return float64(m.FileBytes) / float64(m.BodyBytes) })
		line("file beside the bodies", "B a record", func(m *measured) float64 { return float64(m.FileBytes-m.BodyBytes) / float64(m.Records) })
	}
	if results[0].PluginPeak > 0 {
		line("plugin's peak", "MiB", func(m *measured) float64 { return float64(m.PluginPeak) / 1024 })
	}
	for _, q := range results[0].questions {
		line(q, "ms", func(m *measured) float64 { return m.Millis[q] })
	}
	return w.Flush()
}

func decimals(v float64) int {
	if v >= 100 {
		return 0
	}
	return 2
}

// filler puts records into an archive and asks it.
type filler struct {
	archive sdk.Backend
	pid     int // of the plugin
	maker   *maker
	stored  int
	known   []known // one record in a thousand
}

// known is a record that questions are asked about.
type known struct {
	index     int
	tombstone sdk.Tombstone
	set       sdk.ID
}

const groupRecords = 1000 // of one Put

// fill stores groups until there are n records, making the next while one is
// stored, and measures the last ones.
func (f *filler) fill(ctx context.Context, n int) (*measured, error) {
	ahead := make(chan *group, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	count := (n - f.stored) / groupRecords
	go func() {
		defer close(ahead)
		for range count {
			select {
			case ahead <- f.maker.group(groupRecords):
			case <-ctx.Done():
				return
			}
		}
	}()
	last := max(n/10, min(n, runRecords))
	var start time.Time
	var before usage
	for g := range ahead {
		if f.stored >= n-last && start.IsZero() {
			start, before, last = time.Now(), usageOf(f.pid), n-f.stored
		}
		if _, err := f.archive.Put(ctx, g.items()); err != nil {
			return nil, err
		}
		r := &g.records[0]
		f.known = append(f.known, known{f.stored, r.Tombstone, r.Set})
		f.stored += groupRecords
	}
	took, used := time.Since(start), usageOf(f.pid).minus(before)
	return &measured{
		Records: n, PutPerSec: float64(last) / took.Seconds(), BodyBytes: int64(n) * int64(f.maker.body),
		PluginCPU: used.cpu.Seconds() * 1e6 / float64(last), Written: float64(used.written) / float64(last),
		Millis: map[string]float64{},
	}, nil
}

// measure fills the archive and asks everything.
func (f *filler) measure(ctx context.Context, n int) (*measured, error) {
	m, err := f.fill(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, q := range f.questions() {
		took, err := f.median(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
		m.questions = append(m.questions, q.name)
		m.Millis[q.name] = float64(took.Microseconds()) / 1000
	}
	return m, nil
}

// rounds is how often each question is asked, about another record each time.
const rounds = 21

func (f *filler) median(ctx context.Context, q question) (time.Duration, error) {
	var times []time.Duration
	n := rounds
	if q.whole {
		n = 3
	}
	for i := range n {
		k := f.known[(len(f.known)-1)*i/max(n-1, 1)]
		start := time.Now()
		err := q.ask(ctx, k)
		times = append(times, time.Since(start))
		if err != nil {
			return 0, err
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

var errUnexpected = errors.New("the answer has another number of records than there are")
