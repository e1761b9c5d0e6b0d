package main

import (
	"context"
	_ "embed"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
)

// The scripts ask this program for candidates and fall back to file names. They
// know nothing of the commands, so they need not change with them.
var (
	//go:embed completion/codex.bash
	bashCompletion string
	//go:embed completion/codex.zsh
	zshCompletion string
	//go:embed completion/codex.fish
	fishCompletion string
)

func completionCommand(a *app.App) *cli.Command {
	return a.Plain(&cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		UsageText: "codex completion bash|zsh|fish",
		Description: "make install puts the scripts where shells look for them. By hand:\n\n" +
			"EXAMPLES:\n" +
			"   source <(codex completion bash)                         in ~/.bashrc\n" +
			"   codex completion zsh > ~/.zfunc/_codex                  a directory of $fpath\n" +
			"   codex completion fish > ~/.config/fish/completions/codex.fish",
	}, app.Arguments(runCompletion, "bash, zsh or fish"))
}

func runCompletion(_ context.Context, c *app.Command) error {
	script, shell := "", c.Flags.Args().First()
	switch shell {
	case "bash":
		script = bashCompletion
	case "zsh":
		script = zshCompletion
	case "fish":
		script = fishCompletion
	default:
		return output.Usagef("%s: found %q, allowed bash, zsh or fish", c.Flags.Command.HelpName, shell)
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, struct {
			Shell  string `json:"shell"`
			Script string `json:"script"`
		}{shell, script})
	}
	_, err := io.WriteString(c.Env.Stdout, script)
	return err
}

// completeWord, as the first argument, asks for candidates. The words after the
// program's name follow; the last of them is the one being typed.
const completeWord = "__complete"

// complete writes a candidate a line, with a tab and words about it. Nothing
// means that the shell should offer file names.
func complete(ctx context.Context, env *app.Env, root *cli.App, typed []string) error {
	if len(typed) == 0 {
		return nil
	}
	word := typed[len(typed)-1]
	line := app.Parse(root, typed[:len(typed)-1])
	var b strings.Builder
	for _, c := range candidates(ctx, env, line, word) {
		if strings.HasPrefix(c.word, word) && isHarmless(c.word) {
			about, _, _ := strings.Cut(c.about, "\n")
			b.WriteString(c.word + "\t" + escape.Text(about) + "\n")
		}
	}
	_, err := io.WriteString(env.Stdout, b.String())
	return err
}

// isHarmless reports whether a shell takes a word as it is. A reason or a
// tombstone may be a stranger's, and what is completed is run as it appears.
func isHarmless(word string) bool {
	return strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=:/@%+,") == ""
}

// candidate is one way to go on.
type candidate struct{ word, about string }

// candidates returns what may follow line, where word has been begun.
func candidates(ctx context.Context, env *app.Env, line *app.Line, word string) []candidate {
	name, _, isPair := strings.Cut(word, "=")
	switch {
	case line.Open != nil:
		return valuesOf(ctx, env, line.Open.Names()[0], word)
	case !line.Ended && app.IsFlag(word) && isPair:
		var pairs []candidate
		_, value, _ := strings.Cut(word, "=")
		for _, c := range valuesOfFlag(ctx, env, line.Flags, strings.TrimLeft(name, "-"), value) {
			pairs = append(pairs, candidate{name + "=" + c.word, c.about})
		}
		return pairs
	case !line.Ended && app.IsFlag(word):
		return flagNames(line.Flags)
	case len(line.Commands) > 0:
		var names []candidate
		for _, c := range line.Commands {
			if !c.Hidden {
				names = append(names, candidate{c.Name, c.Usage})
			}
		}
		return names
	}
	return argumentsOf(ctx, env, strings.Join(line.Words[1:], " "), line.Arguments())
}

func flagNames(flags []cli.Flag) []candidate {
	var names []candidate
	for _, f := range append(slices.Clip(flags), cli.HelpFlag) {
		about := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			about = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		names = append(names, candidate{"--" + f.Names()[0], about})
	}
	return names
}
