package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
)

// TestHelpFits: no line of a help page is longer than a terminal of 80 columns.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	var walk func(words []string, commands []*cli.Command)
	walk = func(words []string, commands []*cli.Command) {
		p := newProject(t)
		r := p.run(append(append([]string{}, words...), "--help")...)
		for _, line := range strings.Split(r.stdout, "\n") {
			if n := utf8.RuneCountInString(line); n > 80 {
				t.Errorf("codex %s --help: %d columns: %s", strings.Join(words, " "), n, line)
			}
		}
		if r.code != 0 || !strings.Contains(r.stdout, "USAGE") {
			t.Errorf("codex %s --help: exit code %d\n%s%s", strings.Join(words, " "), r.code, r.stdout, r.stderr)
		}
		for _, c := range commands {
			walk(append(append([]string{}, words...), c.Name), c.Subcommands)
		}
	}
	walk(nil, commands(&app.App{Env: &app.Env{}}).Commands)
}
