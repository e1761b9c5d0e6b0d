package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// typedLine is the command line as it was typed, and more: flags that take the
// place of those with the same name, and their values. Secrets of URLs are left out.
func typedLine(c *app.Command, more ...string) string {
	words := []string{c.Flags.Command.HelpName}
	for _, arg := range c.Flags.Args().Slice() {
		if strings.HasPrefix(arg, "-") && arg != "-" {
			arg = "./" + arg // else it is a flag
		}
		words = append(words, output.ShellWord(arg))
	}
	words = append(words, typedFlags(c, func(name string) bool { return !slices.Contains(more, "--"+name) })...)
	return strings.Join(append(words, more...), " ")
}

// typedFlags are those of the flags that are wanted, as they were typed.
func typedFlags(c *app.Command, wanted func(name string) bool) (words []string) {
	for _, flag := range c.Flags.Command.Flags {
		if name := flag.Names()[0]; c.Flags.IsSet(name) && wanted(name) {
			words = append(words, typedFlag(c.Flags, flag, name)...)
		}
	}
	return words
}

func typedFlag(flags *cli.Context, flag cli.Flag, name string) (words []string) {
	switch flag.(type) {
	case *cli.BoolFlag:
		if flags.Bool(name) {
			return []string{"--" + name}
		}
		return []string{"--" + name + "=false"}
	case *cli.StringSliceFlag:
		for _, value := range flags.StringSlice(name) {
			words = append(words, "--"+name, output.ShellWord(sdk.RedactURL(value)))
		}
		return words
	}
	return []string{"--" + name, output.ShellWord(sdk.RedactURL(flags.String(name)))}
}
