package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/metrics"
)

func (p *program) metricsCommand() *cli.Command {
	return p.command(&cli.Command{
		Name:      "metrics",
		Usage:     "count and time what the evidence log tells",
		UsageText: "codex archive metrics [flags]",
		Description: "For each action and backend: how often it was done, how often it failed, how often an\n" +
			"attempt was repeated, and how long it took when it went well, with the phases that were\n" +
			"measured. A percentile is a value that was measured. The failures of RESTORE are the lines\n" +
			"RESTORE_FAIL; attempts that were repeated count as retries only. Asks no backend.\n\n" +
			"Times are dates (2025-10-17), RFC 3339 (2025-10-17T13:22:36Z) or ages (90m, 36h, 7d).\n\n" +
			"EXAMPLES:\n" +
			"   codex archive metrics --since 7d\n" +
			"   codex archive metrics --action restore --json | jq '.actions[].phases[0].p95_ms'\n" +
			"   codex archive metrics --prometheus > /var/lib/node_exporter/codex.prom",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "only what was done at or after `TIME`"},
			&cli.StringFlag{Name: "action", Usage: "only this `ACTION`, such as RESTORE"},
			&cli.StringFlag{Name: "backend", Usage: "only what was done on the backend `NAME`"},
			&cli.BoolFlag{Name: "prometheus", Usage: "print the text exposition format of Prometheus", DisableDefaultText: true},
		},
	}, (*session).metrics)
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

func (s *session) metrics(ctx context.Context) error {
	if err := s.arguments(0, 0); err != nil {
		return err
	}
	if s.json && s.flags.Bool("prometheus") {
		return usageError("--json and --prometheus are two forms of one result: choose")
	}
	since, err := parseTime("--since", s.flags.String("since"), time.Now())
	if err != nil {
		return err
	}
	c := metrics.NewCollector(metrics.Filter{Since: since, Action: s.flags.String("action"), Backend: s.flags.String("backend")})
	if err := s.collect(ctx, c); err != nil {
		return err
	}
	if c.Unreadable > 0 {
		s.log.Warn(fmt.Sprintf("%d lines of the evidence log are no records", c.Unreadable), "log", s.evidenceLog())
	}
	groups := c.Groups()
	switch {
	case s.flags.Bool("prometheus"):
		return metrics.WritePrometheus(s.stdout, groups, c.Unreadable)
	case s.json:
		return writeJSON(s.stdout, metricsView{s.evidenceLog(), c.Unreadable, viewActions(groups)})
	}
	return s.writeMetrics(viewActions(groups))
}

func (s *session) evidenceLog() string {
	return filepath.Join(s.config.Evidence.Dir, evidence.FileName)
}

// collect reads the log. Where there is none, nothing was done yet. A last line
// without an end is being written, or will be set aside: it does not count.
func (s *session) collect(ctx context.Context, c *metrics.Collector) error {
	for line, err := range evidence.Read(s.evidenceLog()) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !line.Torn:
			c.Add(line.Raw)
		}
	}
	return nil
}

func viewActions(groups []*metrics.Group) []actionView {
	views := []actionView{}
	for _, g := range groups {
		v := actionView{Action: g.Action, Backend: g.Backend, Count: g.Count, Failures: g.Failures, Retries: g.Retries, Phases: []phaseView{}}
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

func (s *session) writeMetrics(actions []actionView) error {
	if len(actions) == 0 {
		_, err := fmt.Fprintf(s.stdout, "Nothing to count in %s\n", printable(s.evidenceLog()))
		return err
	}
	w := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "ACTION\tBACKEND\tPHASE\tCOUNT\tFAILED\tRETRIES\tMEAN\tP50\tP95\tP99\tMAX\t")
	for _, a := range actions {
		fmt.Fprintf(w, "%s\t%s\t", printable(a.Action), printable(a.Backend))
		if len(a.Phases) == 0 {
			fmt.Fprintf(w, "-\t%d\t%d\t%d\t-\t-\t-\t-\t-\t\n", a.Count, a.Failures, a.Retries)
		}
		for i, ph := range a.Phases {
			count, failures, retries := fmt.Sprint(a.Count), fmt.Sprint(a.Failures), fmt.Sprint(a.Retries)
			if i > 0 {
				fmt.Fprint(w, "\t\t")
				count, failures, retries = fmt.Sprint(ph.Count), "", ""
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.1fms\t%.1fms\t%.1fms\t%.1fms\t%.1fms\t\n",
				ph.Phase, count, failures, retries, ph.Mean, ph.P50, ph.P95, ph.P99, ph.Max)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, a := range actions {
		for _, ph := range a.Phases {
			fmt.Fprintf(s.stdout, "\n%s on %s: %s\n", printable(a.Action), printable(a.Backend), ph.Phase)
			s.writeHistogram(ph.Histogram)
		}
	}
	return nil
}

// barWidth is the length of the longest bar, in characters.
const barWidth = 40

// writeHistogram draws a bar for each bucket; one that is not empty has at least
// the thinnest bar.
func (s *session) writeHistogram(buckets []bucketView) {
	most := 0
	for _, b := range buckets {
		most = max(most, b.Count)
	}
	for _, b := range buckets {
		eighths := b.Count * barWidth * 8 / most
		if b.Count > 0 {
			eighths = max(eighths, 1)
		}
		bar := strings.Repeat("█", eighths/8) + strings.TrimSpace(string([]rune(" ▏▎▍▌▋▊▉")[eighths%8]))
		fmt.Fprintf(s.stdout, "  up to %8s  %s %d\n", fmt.Sprintf("%gms", b.UpTo), bar, b.Count)
	}
}
