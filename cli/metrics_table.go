package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/codex-archive/codex/cli/internal/escape"
)

// metricsRows are the lines of the table, the titles first.
func metricsRows(actions []actionView) [][]string {
	rows := [][]string{{"ACTION", "BACKEND", "PHASE", "COUNT", "FAILED", "RETRIES", "MEAN", "P50", "P95", "P99", "MAX"}}
	for _, a := range actions {
		begin := []string{escape.Text(a.Action), escape.Text(a.where())}
		counts := []string{fmt.Sprint(a.Count), fmt.Sprint(a.Failures), fmt.Sprint(a.Retries)}
		if len(a.Phases) == 0 {
			rows = append(rows, slices.Concat(begin, []string{"-"}, counts, []string{"-", "-", "-", "-", "-"}))
		}
		for i, ph := range a.Phases {
			if i > 0 {
				begin, counts = []string{"", ""}, []string{fmt.Sprint(ph.Count), "", ""}
			}
			row := slices.Concat(begin, []string{ph.Phase}, counts)
			for _, ms := range []float64{ph.Mean, ph.P50, ph.P95, ph.P99, ph.Max} {
				row = append(row, fmt.Sprintf("%.1fms", ms))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func metricsTable(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	_ = w.Flush() // to memory
	return b.String()
}

// metricsLines has a line for each row, with what its values are, folded where a
// terminal is narrower.
func metricsLines(rows [][]string, width int) string {
	var b strings.Builder
	group := []string{"", ""}
	for _, row := range rows[1:] {
		if row[0] != "" {
			group = row[:2]
		}
		words := slices.Clone(group)
		for i, value := range row[2:] {
			switch {
			case value == "" || value == "-":
			case i == 0:
				words = append(words, value)
			default:
				words = append(words, strings.ToLower(rows[0][i+2])+" "+value)
			}
		}
		b.WriteString(folded(words, width) + "\n")
	}
	return b.String()
}
