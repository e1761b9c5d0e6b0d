package metrics

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/codex-archive/codex/cli/internal/escape"
)

// seconds are the ends of the buckets that Prometheus is shown.
var seconds = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300}

// WritePrometheus writes groups in the text exposition format, for the textfile
// collector of a node exporter. unreadable is [Collector.Unreadable].
func WritePrometheus(w io.Writer, groups []*Group, unreadable int) error {
	e := exposition{bufio.NewWriter(w)}
	e.head("codex_archive_operations_total", "counter", "Actions in the evidence log, by how they ended.")
	for _, g := range groups {
		e.sample("codex_archive_operations_total", e.labels(g, "status", "success"), float64(g.Count-g.Failures))
		e.sample("codex_archive_operations_total", e.labels(g, "status", "failed"), float64(g.Failures))
	}
	e.head("codex_archive_retries_total", "counter", "Attempts that failed and were followed by another.")
	for _, g := range groups {
		e.sample("codex_archive_retries_total", e.labels(g), float64(g.Retries))
	}
	e.head("codex_archive_operation_duration_seconds", "histogram", "How long actions took, by how they ended.")
	for _, g := range groups {
		e.histogram("codex_archive_operation_duration_seconds", e.labels(g, "status", "success"), &g.Duration)
		e.histogram("codex_archive_operation_duration_seconds", e.labels(g, "status", "failed"), &g.Failed)
	}
	e.head("codex_archive_decompression_duration_seconds", "histogram", "How long content took to decompress.")
	for _, g := range groups {
		e.histogram("codex_archive_decompression_duration_seconds", e.labels(g), &g.Decompression)
	}
	e.head("codex_archive_write_duration_seconds", "histogram", "How long files took to write.")
	for _, g := range groups {
		e.histogram("codex_archive_write_duration_seconds", e.labels(g), &g.Write)
	}
	e.head("codex_archive_evidence_unreadable_lines", "gauge", "Lines of the evidence log that are no records.")
	e.sample("codex_archive_evidence_unreadable_lines", "", float64(unreadable))
	return e.w.Flush()
}

// exposition writes the format. Errors of the writer come with its Flush.
type exposition struct{ w *bufio.Writer }

func (e exposition) head(name, kind, help string) {
	e.w.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// labels returns those of g and the pairs, without braces.
func (e exposition) labels(g *Group, pairs ...string) string {
	own := []string{"action", g.Action, "backend", g.Backend}
	if g.Host != "" {
		own = append(own, "host", g.Host)
	}
	pairs = append(own, pairs...)
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i] + `="` + labelValue(pairs[i+1]) + `"`)
	}
	return b.String()
}

// labelValue escapes what the format escapes, and before that what is not safe to
// print. The format itself has an escape for the end of a line.
func labelValue(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(escape.Text(line))
	}
	return strings.Join(lines, `\n`)
}

func (e exposition) sample(name, labels string, value float64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	e.w.WriteString(name + labels + " " + number(value) + "\n")
}

// histogram writes nothing for a phase that was never measured.
func (e exposition) histogram(name, labels string, t *Timing) {
	if t.Count() == 0 {
		return
	}
	for _, end := range seconds {
		// The end in milliseconds is exact: a value of 2.5 is in the bucket 0.0025.
		ms, _ := strconv.ParseFloat(strconv.FormatFloat(end*1000, 'g', 12, 64), 64)
		e.sample(name+"_bucket", labels+`,le="`+number(end)+`"`, float64(t.UpTo(ms)))
	}
	e.sample(name+"_bucket", labels+`,le="+Inf"`, float64(t.Count()))
	e.sample(name+"_sum", labels, t.Sum()/1000)
	e.sample(name+"_count", labels, float64(t.Count()))
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
