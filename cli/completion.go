package main

import (
	_ "embed"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The scripts ask this program for candidates and fall back to file names; they
// know nothing of the commands themselves and never need to be made anew.
var (
	//go:embed completion/codex.bash
	bashCompletion string
	//go:embed completion/codex.zsh
	zshCompletion string
	//go:embed completion/codex.fish
	fishCompletion string
)

func (p *program) completionCommand() *cli.Command {
	return p.plainCommand(&cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		UsageText: "codex completion bash|zsh|fish",
		Description: "make install puts the scripts where shells look for them. By hand:\n\n" +
			"EXAMPLES:\n" +
			"   source <(codex completion bash)                            in ~/.bashrc\n" +
			"   codex completion zsh > ~/.zfunc/_codex                     a directory of $fpath\n" +
			"   codex completion fish > ~/.config/fish/completions/codex.fish",
	}, p.completion)
}

func (p *program) completion(c *cli.Context) error {
	if err := arguments(c, 1, 1, "bash, zsh or fish"); err != nil {
		return err
	}
	script, shell := "", c.Args().First()
	switch shell {
	case "bash":
		script = bashCompletion
	case "zsh":
		script = zshCompletion
	case "fish":
		script = fishCompletion
	default:
		return usageError("%s: found %q, allowed bash, zsh or fish", c.Command.HelpName, shell)
	}
	if p.json {
		return writeJSON(p.stdout, struct {
			Shell  string `json:"shell"`
			Script string `json:"script"`
		}{shell, script})
	}
	_, err := io.WriteString(p.stdout, script)
	return err
}

// completeWord, as the first argument, asks for candidates: what follows are the
// words after the program's name, the last of them the one being typed.
const completeWord = "__complete"

// complete writes a candidate a line, with a tab and words about it. Nothing
// means that the shell should offer file names. Flags stand anywhere, as
// [arrange] takes them.
func (p *program) complete(typed []string) error {
	if len(typed) == 0 {
		return nil
	}
	before, word := typed[:len(typed)-1], typed[len(typed)-1]
	spot := p.spotAfter(p.app(), before)
	var b strings.Builder
	for _, c := range spot.candidates(p, word) {
		if strings.HasPrefix(c.word, word) {
			about, _, _ := strings.Cut(c.about, "\n")
			b.WriteString(c.word + "\t" + about + "\n")
		}
	}
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

// candidate is one way to go on.
type candidate struct{ word, about string }

// spot is a place on a command line.
type spot struct {
	words    []string // of the command
	commands []*cli.Command
	flags    []cli.Flag
	value    cli.Flag // the flag whose value comes here; nil if none
	ended    bool     // "--" stands before: no flags any more
}

// spotAfter returns the place after these words.
func (p *program) spotAfter(app *cli.App, before []string) spot {
	s := spot{commands: app.Commands, flags: slices.Concat(app.Flags, []cli.Flag{cli.VersionFlag})}
	for _, word := range before {
		switch {
		case s.value != nil:
			s.value = nil
		case s.ended:
		case word == "--":
			s.ended = true
		case isFlag(word):
			if f := findFlag(withBelow(s.flags, s.commands), word); takesValue(f) && !strings.Contains(word, "=") {
				s.value = f
			}
		default:
			if found := findCommand(s.commands, word); found != nil {
				s.words = append(s.words, found.Name)
				s.commands, s.flags = found.Subcommands, found.Flags
			}
		}
	}
	return s
}

func isFlag(word string) bool { return word != "-" && strings.HasPrefix(word, "-") }

func (s spot) candidates(p *program, word string) []candidate {
	name, _, isPair := strings.Cut(word, "=")
	switch {
	case s.value != nil:
		return p.valuesOf(s.value.Names()[0])
	case !s.ended && isFlag(word) && isPair:
		var pairs []candidate
		for _, c := range p.valuesOf(strings.TrimLeft(name, "-")) {
			pairs = append(pairs, candidate{name + "=" + c.word, c.about})
		}
		return pairs
	case !s.ended && isFlag(word):
		return s.flagNames()
	case len(s.commands) > 0:
		var names []candidate
		for _, c := range s.commands {
			if !c.Hidden {
				names = append(names, candidate{c.Name, c.Usage})
			}
		}
		return names
	}
	return p.argumentsOf(strings.Join(s.words, " "))
}

func (s spot) flagNames() []candidate {
	var names []candidate
	for _, f := range append(slices.Clone(s.flags), cli.HelpFlag) {
		about := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			about = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		names = append(names, candidate{"--" + f.Names()[0], about})
	}
	return names
}
