package main

import (
	"strings"
	"testing"

	"github.com/rivo/uniseg"
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
