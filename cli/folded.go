package main

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/codex-archive/codex/cli/internal/escape"
)

// folded puts words on one line, or, where a terminal has fewer columns, on several
// that are indented from the second on. A word is not cut.
func folded(words []string, width int) string { return fold(words, "  ", width) }

// foldedText is folded for a sentence.
func foldedText(text string, width int) string { return fold(strings.Fields(text), " ", width) }

func fold(words []string, between string, width int) string {
	const indent = "    "
	var b strings.Builder
	used := 0
	for i, word := range words {
		word = escape.Text(word)
		columns := uniseg.StringWidth(word)
		switch {
		case i == 0:
		case width > 0 && used+len(between)+columns > width:
			b.WriteString("\n" + indent)
			used = len(indent)
		default:
			b.WriteString(between)
			used += len(between)
		}
		b.WriteString(word)
		used += columns
	}
	return b.String()
}
