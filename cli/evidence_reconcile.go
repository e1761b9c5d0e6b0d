package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/reconcile"
)

// maxShown is how many discrepancies are shown; all are counted.
const maxShown = 1000

// reconcileView is the result of a comparison of log and archive.
type reconcileView struct {
	Matched       int64             `json:"matched"`
	Found         int64             `json:"discrepancies_found"`
	Pending       int64             `json:"pending"`
	Elsewhere     int64             `json:"lines_of_other_archives"`
	Others        map[string]int64  `json:"events_of_other_hosts"`
	Discrepancies []discrepancyView `json:"discrepancies"` // the first maxShown
}

type discrepancyView struct {
	Problem   string `json:"problem"`
	Line      string `json:"line,omitempty"`
	Tombstone string `json:"tombstone,omitempty"`
	Event     string `json:"event,omitempty"`
	Detail    string `json:"detail"`
}

// text names line and row, and says what is wrong.
func (d discrepancyView) text() string {
	var words []string
	if d.Line != "" {
		words = append(words, d.Line)
	}
	if d.Tombstone != "" {
		words = append(words, "row "+d.Tombstone)
	}
	if d.Event != "" {
		words = append(words, "event "+d.Event)
	}
	return fmt.Sprintf("%s: %s: %s", d.Problem, strings.Join(words, ", "), d.Detail)
}

// reconcile compares the log with the archive.
func (v *verification) reconcile(ctx context.Context) error {
	c := v.command
	logs, err := alsoLogs(c)
	if err != nil {
		return err
	}
	backend, err := c.Reach(ctx)
	if err != nil {
		return err
	}
	view := &reconcileView{Discrepancies: []discrepancyView{}}
	progress := c.Progress()
	defer progress.End()
	sum, err := reconcile.Run(ctx, reconcile.Job{
		Logs: append([]string{evidenceLog(c)}, logs...), Backend: backend, Name: c.Config.Backend.Type,
		Hosts:  append([]string{c.Env.Host}, c.Flags.StringSlice("host")...),
		Most:   maxShown,
		Listed: bar(progress),
		Found: func(d reconcile.Discrepancy) error {
			view.Discrepancies = append(view.Discrepancies, discrepancyView{string(d.Problem), d.Line, d.Tombstone, d.Event, d.Detail})
			return nil
		},
	})
	if err != nil {
		return logError(err)
	}
	view.Matched, view.Found, view.Pending, view.Elsewhere, view.Others = sum.Matched, sum.Found, sum.Pending, sum.Elsewhere, sum.Others
	v.view.Reconciled = view
	return nil
}

// bar returns what draws a live bar, nil where there is no terminal for it: there
// are no lines in its place.
func bar(p *output.Progress) func(n, of int64) {
	if !p.Bar {
		return nil
	}
	return func(n, of int64) {
		if n == 1 {
			p.Begin(0, int(of))
		}
		p.Add(int(n) - p.Done())
	}
}

// write prints the discrepancies, and what could not be compared.
func (r *reconcileView) write(out *strings.Builder) {
	for _, d := range r.Discrepancies {
		fmt.Fprintf(out, "Discrepancy: %s\n", escape.Text(d.text()))
	}
	if more := r.Found - int64(len(r.Discrepancies)); more > 0 {
		fmt.Fprintf(out, "And %d more\n", more)
	}
	for _, host := range slices.Sorted(maps.Keys(r.Others)) {
		fmt.Fprintf(out, "Events of %s, whose lines are there: %d\n", escape.Text(hostName(host)), r.Others[host])
	}
	if r.Elsewhere > 0 {
		fmt.Fprintf(out, "Lines about other archives: %d\n", r.Elsewhere)
	}
	if r.Pending > 0 {
		fmt.Fprintf(out, "Events of commands that run or were killed, which the next command records: %d\n", r.Pending)
	}
}

func hostName(host string) string {
	if host == "" {
		return "a host without a name"
	}
	return host
}
