package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/output"
)

func manCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "man",
		Usage:     "print the manual page, made from the same commands as the help",
		UsageText: "codex man",
		Description: "make install puts it where man looks.\n\n" +
			"EXAMPLES:\n" +
			"   codex man | man -l -",
	}, app.NoArguments(func(_ context.Context, c *app.Command) error {
		if c.JSON {
			return output.WriteJSON(c.Env.Stdout, struct {
				Page string `json:"page"`
			}{manPage(c.Flags.App)})
		}
		_, err := io.WriteString(c.Env.Stdout, manPage(c.Flags.App))
		return err
	}))
}

// manPage returns the page in roff, with the man macros. The library's own
// page leaves descriptions, examples and exit codes out.
func manPage(root *cli.App) string {
	var m roff
	m.line(".TH CODEX 1 \"\" " + quoteRoff("codex "+root.Version) + " \"User Commands\"")
	m.section("SH", "NAME")
	m.text(root.Name + " - " + root.Usage)
	m.section("SH", "SYNOPSIS")
	m.verbatim(root.UsageText)
	m.section("SH", "DESCRIPTION")
	m.text(root.Description)
	m.section("SH", "COMMANDS")
	m.commands(root.Commands, root.Name)
	m.section("SH", "COMMON FLAGS")
	m.text("Flags are taken before and after arguments; -- ends them. Those below are flags of every archive command.")
	m.flags(app.CommonFlags())
	m.section("SH", "ENVIRONMENT")
	m.text("Each variable sets a key of the configuration, which files and flags may set too. A file wins over the environment, a flag over both.")
	for _, k := range config.Keys() {
		m.item(k.Variable, fmt.Sprintf("%s: %s Allowed: %s. Default: %s.", k.Name, k.Doc, k.Allowed, k.Default))
	}
	for _, v := range otherVariables() {
		m.item(v.name, v.meaning)
	}
	m.section("SH", "FILES")
	for _, f := range files() {
		m.item(f.name, f.meaning)
	}
	m.section("SH", "EXIT STATUS")
	for _, c := range output.Codes() {
		m.item(fmt.Sprint(c.Code), strings.ReplaceAll(c.Meaning, "\n", " "))
	}
	m.text("codex explain CODE tells usual causes, and what to do.")
	return m.page.String()
}

// meant is a name and what it means.
type meant struct{ name, meaning string }

// otherVariables are those that set no key.
func otherVariables() []meant {
	return []meant{
		{"CODEX_ARCHIVE_CONFIG", "The file that --config names."},
		{"CODEX_ACTOR", "Who acts, where --by is not given."},
		{"CODEX_ARCHIVE_TO_URL", "Where copy puts records, where --to is not given."},
		{"CODEX_ARCHIVE_FROM_URL", "The archive that repair takes content from, where --from is not given."},
		{"CODEX_ARCHIVE_PLUGIN_PATH", "Directories in which backends are looked for, after those of --plugin-dir."},
		{"NO_COLOR", "If it is not empty, log lines have no colours."},
		{"TZ", "The zone of dates that are given without one."},
		{"XDG_DATA_HOME", "Below it, in codex/plugins, backends are looked for. Default: ~/.local/share."},
		{"XDG_RUNTIME_DIR, TMPDIR", "Where sockets and temporary files are made."},
		{"PGPASSWORD, MYSQL_PWD", "The password of a database server."},
	}
}

// files are what the program reads and writes, relative to the project root.
func files() []meant {
	return []meant{
		{".codex/archive.toml", "The configuration of the project."},
		{".codex/archive.sqlite", "The archive, where the configuration names no other."},
		{".codex/evidence/archive_ops.jsonl", "The evidence log: a line for everything that was done. Closed parts are beside it."},
		{"~/.config/codex/evidence.key", "The private key that signs checkpoints and receipts; evidence.pub is the public one."},
		{".codex/plugins.lock", "The backends that may run, by their hashes."},
		{"batch_restore_YYYYMMDD_HHMMSS.json", "The results of a batch-restore, in the current directory."},
	}
}

// roff builds a page.
type roff struct {
	page  strings.Builder
	begun bool // a section has just begun, and with it a paragraph
}

func (m *roff) line(s string) { m.page.WriteString(s + "\n") }

func (m *roff) section(macro, title string) {
	m.line("." + macro + " " + quoteRoff(title))
	m.begun = true
}

func (m *roff) paragraph() {
	if !m.begun {
		m.line(".PP")
	}
	m.begun = false
}

func (m *roff) commands(commands []*cli.Command, path string) {
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		if name := path + " " + c.Name; len(c.Subcommands) > 0 {
			m.commands(c.Subcommands, name)
		} else {
			m.command(c, name)
		}
	}
}

func (m *roff) command(c *cli.Command, name string) {
	m.section("SS", name)
	m.text(strings.ToUpper(c.Usage[:1]) + c.Usage[1:] + ".")
	m.verbatim(c.UsageText)
	text, examples, _ := strings.Cut(c.Description, "EXAMPLES:\n")
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		m.text(paragraph)
	}
	if examples != "" {
		m.verbatim("EXAMPLES:\n" + strings.ReplaceAll("\n"+examples, "\n   ", "\n")[1:])
	}
	var own []cli.Flag
	for _, f := range c.Flags {
		if !app.IsCommon(c, f.Names()[0]) {
			own = append(own, f)
		}
	}
	m.flags(own)
}

func (m *roff) flags(flags []cli.Flag) {
	for _, f := range flags {
		if f.Names()[0] == "help" { // the library adds it to the command that runs
			continue
		}
		name, usage := app.DescribeFlag(f)
		m.item(name, usage)
	}
}

// item is a term in bold and what it means.
func (m *roff) item(term, meaning string) {
	m.begun = false
	m.line(".TP\n.B " + quoteRoff(term) + "\n" + escapeRoff(meaning))
}

// text is a paragraph that is filled.
func (m *roff) text(s string) {
	m.paragraph()
	m.line(escapeRoff(s))
}

// verbatim is a paragraph whose lines stay.
func (m *roff) verbatim(s string) {
	m.paragraph()
	m.line(".nf\n" + escapeRoff(strings.Trim(s, "\n")) + "\n.fi")
}

// escapeRoff makes s mean itself, in ASCII: not every formatter reads UTF-8.
func escapeRoff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	var b strings.Builder
	for _, r := range strings.Join(lines, "\n") {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}

// quoteRoff makes s one argument of a macro.
func quoteRoff(s string) string {
	return `"` + strings.ReplaceAll(escapeRoff(s), `"`, `\(dq`) + `"`
}
