package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// table is the outcome of one contest. The first row is the measure.
type table struct {
	job  *job
	rows []row
}

type row struct {
	name            string
	times           map[string][]float64 // seconds, by step
	memory          memory
	archive, bodies int64 // bytes
}

func newTable(j *job, contestants []contestant) *table {
	t := &table{job: j, rows: make([]row, len(contestants))}
	for i, c := range contestants {
		t.rows[i] = row{name: c.name, times: map[string][]float64{}}
	}
	return t
}

func median(times []float64) float64 { return slices.Sorted(slices.Values(times))[len(times)/2] }

// cell is the median of a step, and the share of it that the first row takes.
func (t *table) cell(r *row, step string) (seconds, share float64, ok bool) {
	times, measure := r.times[step], t.rows[0].times[step]
	if len(times) == 0 || len(measure) == 0 {
		return 0, 0, false
	}
	return median(times), median(measure) / median(times), true
}

// markdown is the table as docs/performance.md has it.
func (t *table) markdown() string {
	var w strings.Builder
	fmt.Fprintf(&w, "### %s\n\n| median of %d |", t.job.title, t.job.rounds)
	for _, step := range t.job.columns {
		fmt.Fprintf(&w, " %s | share |", step)
	}
	w.WriteString(" archive | memory |\n|---|" + strings.Repeat("--:|--:|", len(t.job.columns)) + "--:|--:|\n")
	for i := range t.rows {
		r := &t.rows[i]
		fmt.Fprintf(&w, "| %s |", r.name)
		for _, step := range t.job.columns {
			if seconds, share, ok := t.cell(r, step); ok {
				fmt.Fprintf(&w, " %s | %.2f |", inWords(seconds), share)
			} else {
				w.WriteString(" | |")
			}
		}
		fmt.Fprintf(&w, " %s | %s |\n", r.size(), r.memory)
	}
	return w.String()
}

func inWords(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.1f ms", seconds*1000)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

func (r *row) size() string {
	switch {
	case r.archive == 0:
		return ""
	case r.bodies == 0:
		return fmt.Sprintf("%.1f MB", float64(r.archive)/1e6)
	}
	return fmt.Sprintf("%.1f MB, %.2f of the bodies", float64(r.archive)/1e6, float64(r.archive)/float64(r.bodies))
}

// String says the peaks in MiB.
func (m memory) String() string {
	switch {
	case m.host == 0:
		return ""
	case m.child == 0:
		return fmt.Sprintf("%d MiB", m.host>>10)
	}
	return fmt.Sprintf("%d + %d MiB", m.host>>10, m.child>>10)
}

// report collects measurements.
type report struct {
	Machine string       `json:"machine"`
	Date    string       `json:"date"`
	Results []resultJSON `json:"results"`
}

type resultJSON struct {
	Contest    string               `json:"contest"`
	Contestant string               `json:"contestant"`
	Seconds    map[string][]float64 `json:"seconds"` // of each round, by step
	Median     map[string]float64   `json:"median"`
	Share      map[string]float64   `json:"share"` // of this median that the first contestant takes
	Archive    int64                `json:"archive_bytes,omitzero"`
	Bodies     int64                `json:"stored_bytes,omitzero"`
	HostKiB    int64                `json:"host_kib,omitzero"`
	ChildKiB   int64                `json:"child_kib,omitzero"`
}

func newReport() *report {
	r := &report{Machine: fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor()), Date: time.Now().UTC().Format(time.DateOnly)}
	_, _ = fmt.Printf("%s, %s\n", r.Date, r.Machine) // as the tables: a reader that went away misses them
	return r
}

// processor is the name of the processor, where the system tells.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	if name := strings.Trim(line, "\t :"); name != "" {
		return name
	}
	return "unknown"
}

// add prints a table and keeps it.
func (r *report) add(t *table) error {
	for i := range t.rows {
		w := &t.rows[i]
		result := resultJSON{
			Contest: t.job.title, Contestant: w.name, Seconds: w.times, Median: map[string]float64{}, Share: map[string]float64{},
			Archive: w.archive, Bodies: w.bodies, HostKiB: w.memory.host, ChildKiB: w.memory.child,
		}
		for step := range w.times {
			result.Median[step], result.Share[step], _ = t.cell(w, step)
		}
		r.Results = append(r.Results, result)
	}
	_, err := fmt.Printf("\n%s", t.markdown())
	return err
}

func (r *report) save(path string) error {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
