package app

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/output"
)

// helpWidth is how many columns a line of help has at most. Examples may have
// more: they must not be broken.
const helpWidth = 80

// helpText is the help of a command. The library's own lets the longest flag
// decide how far to the right all words about flags begin.
func helpText(c *cli.Command, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "NAME:\n%s\n", Wrap(name+" - "+c.Usage, 3))
	fmt.Fprintf(&b, "USAGE:\n   %s\n\n", strings.ReplaceAll(c.UsageText, "\n", "\n   "))
	b.WriteString("DESCRIPTION:\n")
	text, examples, _ := strings.Cut(c.Description, "EXAMPLES:\n")
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString(Wrap(paragraph, 3) + "\n")
	}
	if examples != "" {
		fmt.Fprintf(&b, "EXAMPLES:\n%s\n\n", examples)
	}
	writeFlags(&b, "FLAGS", c, false)
	writeFlags(&b, "COMMON FLAGS", c, true)
	b.WriteString(output.ExitHelp())
	return b.String()
}

func writeFlags(b *strings.Builder, title string, c *cli.Command, common bool) {
	begun := false
	for _, f := range c.Flags {
		if IsCommon(c, f.Names()[0]) != common {
			continue
		}
		if !begun {
			b.WriteString(title + ":\n")
			begun = true
		}
		name, usage := DescribeFlag(f)
		const column = 22
		words := strings.TrimLeft(Wrap(usage, column), " ")
		if pad := column - 3 - len(name); pad > 1 {
			fmt.Fprintf(b, "   %s%s%s", name, strings.Repeat(" ", pad), words)
		} else {
			fmt.Fprintf(b, "   %s\n%s%s", name, strings.Repeat(" ", column), words)
		}
	}
	if begun {
		b.WriteByte('\n')
	}
}

// DescribeFlag returns a flag as it is written, and what it means.
func DescribeFlag(f cli.Flag) (name, usage string) {
	name = "--" + f.Names()[0]
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return name, ""
	}
	usage = d.GetUsage()
	if d.TakesValue() {
		value := "VALUE"
		if _, after, found := strings.Cut(usage, "`"); found {
			value, _, _ = strings.Cut(after, "`")
		}
		name += " " + value
		if text := d.GetDefaultText(); text != "" {
			usage += " (default: " + text + ")"
		} else if text := d.GetValue(); text != "" && text != "[]" {
			usage += " (default: " + text + ")"
		}
	}
	return name, strings.ReplaceAll(usage, "`", "")
}

// Wrap fills lines of text, which is one paragraph, behind an indent.
func Wrap(text string, indent int) string {
	margin := strings.Repeat(" ", indent)
	var b strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		n := len([]rune(word))
		switch {
		case width == 0:
			b.WriteString(margin + word)
			width = indent + n
		case width+1+n > helpWidth:
			b.WriteString("\n" + margin + word)
			width = indent + n
		default:
			b.WriteString(" " + word)
			width += 1 + n
		}
	}
	b.WriteByte('\n')
	return b.String()
}
