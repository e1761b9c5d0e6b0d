package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/rivo/uniseg"
	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/metrics"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func metricsCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "metrics",
		Usage:     "count and time what the evidence tells",
		UsageText: "codex archive metrics [flags]",
		Description: "For each action and backend: how often it was done, how often it failed, how often an\n" +
			"attempt was repeated, and how long it took when it went well, with the phases that were\n" +
			"measured. A percentile is a value that was measured. The failures of RESTORE are the lines\n" +
			"RESTORE_FAIL; attempts that were repeated count as retries only. No backend is asked,\n" +
			"unless --from archive counts what all hosts did, by host. The archive has what went well,\n" +
			"and the durations of restores.\n\n" +
			app.TimeHelp + "\n\n" +
			"EXAMPLES:\n" +
			"   codex archive metrics --since 7d\n" +
			"   codex archive metrics --action restore --json | jq '.actions[0].phases'\n" +
			"   codex archive metrics --prometheus > /var/lib/node_exporter/codex.prom",
		Flags: []cli.Flag{
			fromFlag(),
			&cli.StringFlag{Name: "since", Usage: "only what was done at or after `TIME`"},
			&cli.StringFlag{Name: "action", Usage: "only this `ACTION`, such as RESTORE"},
			&cli.StringFlag{Name: "backend", Usage: "only what was done on the backend `NAME`"},
			app.Switch("prometheus", "print the text exposition format of Prometheus"),
		},
	}, app.NoArguments(runMetrics))
}

// metricsView is the result of metrics.
type metricsView struct {
	Log        string       `json:"log"`
	Unreadable int          `json:"unreadable_lines"`
	Actions    []actionView `json:"actions"`
}

type actionView struct {
	Action   string      `json:"action"`
	Backend  string      `json:"backend"`
	Host     string      `json:"host,omitempty"` // with --from archive
	Count    int         `json:"count"`
	Failures int         `json:"failures"`
	Retries  int         `json:"retries"`
	Phases   []phaseView `json:"phases"`
}

type phaseView struct {
	Phase     string       `json:"phase"`
	Count     int          `json:"count"`
	Mean      float64      `json:"mean_ms"`
	P50       float64      `json:"p50_ms"`
	P95       float64      `json:"p95_ms"`
	P99       float64      `json:"p99_ms"`
	Max       float64      `json:"max_ms"`
	Histogram []bucketView `json:"histogram"`
}

type bucketView struct {
	Over  float64 `json:"over_ms"`
	UpTo  float64 `json:"up_to_ms"`
	Count int     `json:"count"`
}

func runMetrics(ctx context.Context, c *app.Command) error {
	if c.JSON && c.Flags.Bool("prometheus") {
		return output.Usagef("--json and --prometheus are two forms of one result: choose")
	}
	since, err := c.Time("since", time.Now())
	if err != nil {
		return err
	}
	action, err := actionFlag(c)
	if err != nil {
		return err
	}
	backend := c.Flags.String("backend")
	if backend != "" && !sdk.ValidBackendName(backend) {
		return output.Usagef("--backend: found %q, allowed the name of a backend, such as sqlite", backend)
	}
	shared, err := fromArchive(c)
	if err != nil {
		return err
	}
	m := metrics.NewCollector(metrics.Filter{Since: since, Action: action, Backend: backend})
	source, take, unit := evidenceLog(c), collect, "line"
	if shared {
		source, take, unit = c.ArchiveName(), collectHistory, "row"
	}
	if err := take(ctx, c, m); err != nil {
		return err
	}
	if m.Unreadable > 0 {
		c.Log.Warn("Left out: "+output.Count(m.Unreadable, unit)+" that cannot be read", "log", source)
	}
	groups := m.Groups()
	switch {
	case c.Flags.Bool("prometheus"):
		return metrics.WritePrometheus(c.Env.Stdout, groups, m.Unreadable)
	case c.JSON:
		return output.WriteJSON(c.Env.Stdout, metricsView{source, m.Unreadable, viewActions(groups)})
	}
	return writeMetrics(c, source, viewActions(groups))
}

// collect reads the log. Where there is none, nothing was done yet. A last line
// without an end is being written, or will be set aside: it does not count.
func collect(ctx context.Context, c *app.Command, m *metrics.Collector) error {
	for line, err := range evidence.Read(evidenceLog(c)) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return logError(err)
		case ctx.Err() != nil:
			return ctx.Err()
		case !line.Torn:
			m.Add(line.Raw)
		}
	}
	return nil
}

// collectHistory reads the events of the archive.
func collectHistory(ctx context.Context, c *app.Command, m *metrics.Collector) error {
	backend, err := c.Reach(ctx)
	if err != nil {
		return err
	}
	for e, err := range events(ctx, backend, evidenceFilter{}) {
		switch {
		case err != nil:
			return err
		case e.err != nil:
			m.Unreadable++
			continue
		}
		m.AddEvent(metrics.Event{
			At: e.event.At, Action: string(e.event.Action), Backend: c.Config.Backend.Type, Host: hostName(e.event.Host),
			Duration: e.event.Detail["duration_ms"], Decompression: e.event.Detail["decompression_ms"], Write: e.event.Detail["write_ms"],
		})
	}
	return nil
}

func viewActions(groups []*metrics.Group) []actionView {
	views := []actionView{}
	for _, g := range groups {
		v := actionView{Action: g.Action, Backend: g.Backend, Host: g.Host, Count: g.Count, Failures: g.Failures, Retries: g.Retries, Phases: []phaseView{}}
		for _, phase := range []struct {
			name   string
			timing *metrics.Timing
		}{{"duration", &g.Duration}, {"decompression", &g.Decompression}, {"write", &g.Write}} {
			if phase.timing.Count() > 0 {
				v.Phases = append(v.Phases, viewPhase(phase.name, phase.timing))
			}
		}
		views = append(views, v)
	}
	return views
}

func viewPhase(name string, t *metrics.Timing) phaseView {
	v := phaseView{
		Phase: name, Count: t.Count(), Mean: t.Mean(), Max: t.Max(),
		P50: t.Percentile(0.50), P95: t.Percentile(0.95), P99: t.Percentile(0.99),
	}
	for _, b := range t.Histogram() {
		v.Histogram = append(v.Histogram, bucketView{b.From, b.To, b.Count})
	}
	return v
}

func writeMetrics(c *app.Command, source string, actions []actionView) error {
	out, width := c.Env.Stdout, output.Width(c.Env.Stdout)
	if len(actions) == 0 {
		_, err := fmt.Fprintf(out, "Nothing to count in %s\n", escape.Text(source))
		return err
	}
	rows := metricsRows(actions)
	text := metricsTable(rows)
	if line, _, _ := strings.Cut(text, "\n"); width > 0 && uniseg.StringWidth(line) > width {
		text = metricsLines(rows, width)
	}
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	for _, a := range actions {
		for _, ph := range a.Phases {
			fmt.Fprintf(out, "\n%s on %s: %s\n", escape.Text(a.Action), escape.Text(a.where()), ph.Phase)
			writeHistogram(out, ph.Histogram, width)
		}
	}
	return nil
}

// where is the backend, and for the archive's history the host.
func (a actionView) where() string {
	if a.Host == "" {
		return a.Backend
	}
	return a.Backend + "/" + a.Host
}

// barWidth is the length of the longest bar, in characters.
const barWidth = 40

// writeHistogram draws a bar for each bucket; one that is not empty has at least
// the thinnest bar. A line fits in width columns, 0 for any.
func writeHistogram(out io.Writer, buckets []bucketView, width int) {
	longest := barWidth
	if width > 0 {
		longest = min(longest, max(width-len("  up to 12345678   1234567"), 1))
	}
	most := 0
	for _, b := range buckets {
		most = max(most, b.Count)
	}
	for _, b := range buckets {
		eighths := b.Count * longest * 8 / most
		if b.Count > 0 {
			eighths = max(eighths, 1)
		}
		bar := strings.Repeat("█", eighths/8) + strings.TrimSpace(string([]rune(" ▏▎▍▌▋▊▉")[eighths%8]))
		_, _ = fmt.Fprintf(out, "  up to %8s  %s %d\n", fmt.Sprintf("%gms", b.UpTo), bar, b.Count) // standard output keeps its error
	}
}
