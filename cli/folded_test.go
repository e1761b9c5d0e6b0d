package main

import (
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/rivo/uniseg"

	"github.com/codex-archive/codex/sdk"
)

// A record is one line, and no wider than a terminal, unless one word is.
func TestFolded(t *testing.T) {
	words := []string{"2025-10-17 13:22:36Z", "RESTORE", "by 漢字かな", "8e3531b9-c839-4a07-9dec-507c36136eb1", "a\u202eb", "-> out"}
	if got, want := folded(words, 0), strings.ReplaceAll(strings.Join(words, "  "), "\u202e", `\u202e`); got != want {
		t.Errorf("no terminal: %q, want %q", got, want)
	}
	for width := 10; width < 120; width++ {
		text := folded(words, width)
		if got := strings.Join(strings.Fields(text), " "); got != strings.ReplaceAll(strings.Join(words, " "), "\u202e", `\u202e`) {
			t.Errorf("%d: %q", width, got)
		}
		for _, line := range strings.Split(text, "\n") {
			if uniseg.StringWidth(line) > max(width, len("    ")+36) {
				t.Errorf("%d: %q is wider", width, line)
			}
		}
	}
}

// TestNarrow: tables fit on a terminal as wide as its widest word and its indent.
func TestNarrow(t *testing.T) {
	actions := []actionView{
		{Action: "BATCH_RESTORE_COMPLETE", Backend: "postgres", Count: 12345, Phases: []phaseView{
			{Phase: "duration", Count: 12345, P50: 99999.9, Histogram: []bucketView{{0, 0.1, 1}, {0.1, 200, 12344}}},
			{Phase: "decompression", Count: 12345},
		}},
		{Action: "STORE", Backend: "sqlite", Host: "a.host"},
	}
	wide, _, _ := strings.Cut(metricsTable(metricsRows(actions)), "\n")
	stats := statsView{Repositories: []groupView{{Name: strings.Repeat("name", 50), Records: 12345, Size: 12345678901}}}
	for _, width := range []int{26, 40, 60, 80, uniseg.StringWidth(wide) - 1} {
		var b strings.Builder
		b.WriteString(metricsLines(metricsRows(actions), width))
		writeHistogram(&b, actions[0].Phases[0].Histogram, width)
		if text := b.String(); strings.Count(text, "BATCH_RESTORE_COMPLETE") != 2 || !strings.Contains(text, "p50 99999.9ms") {
			t.Errorf("%d: %s", width, text)
		}
		if width >= 60 {
			w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
			writeGroups(w, "REPOSITORY", stats.Repositories, width)
			w.Flush()
		}
		list := newTable(width, false)
		list.add(sdk.Entry{Record: sdk.Record{Path: strings.Repeat("p", 200), ArchivedBy: "me", Reason: "dead"}})
		if err := list.flush(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if got := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
				t.Errorf("%d: %q is %d wide", width, line, got)
			}
		}
	}
}
