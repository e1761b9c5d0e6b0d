package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// arrange puts a command line into the order that urfave/cli understands:
// command words, flags, "--", arguments. People write flags before, between and
// after arguments, and the library silently takes what follows the first
// argument as arguments. "--" ends the flags; "-" is an argument. Wrong flags
// are reported here, where both the flags of the command and what was typed are
// known.
func arrange(app *cli.App, args []string) ([]string, error) {
	words := []string{app.Name}
	commands, known := app.Commands, append(app.Flags, cli.VersionFlag)
	var flags [][]string // each with its value, where it takes one
	var rest []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case arg != "-" && strings.HasPrefix(arg, "-"):
			flag := []string{arg}
			// Before the command is known nobody can say which flags take a
			// value, so the flags of all commands below count.
			below := withBelow(known, commands)
			if takesValue(findFlag(below, arg)) && !strings.Contains(arg, "=") {
				if i+1 == len(args) {
					return nil, usageError("flag %s needs a value", arg)
				}
				i++
				if forgotten(below, args[i]) {
					err := usageError("flag %s needs a value: found the flag %s", arg, args[i])
					err.hint = fmt.Sprintf("if that is the value: %s=%s", arg, args[i])
					return nil, err
				}
				flag = append(flag, args[i])
			}
			flags = append(flags, flag)
		case len(commands) > 0:
			found := findCommand(commands, arg)
			if found == nil && arg == "help" {
				flags = append(flags, []string{"--help"})
				continue
			}
			if found == nil {
				return nil, unknownCommand(words, commands, arg)
			}
			commands, known = found.Subcommands, found.Flags
			words = append(words, found.Name)
		default:
			rest = append(rest, arg)
		}
	}
	out := slices.Clone(words)
	for _, flag := range flags {
		found := findFlag(append(known, cli.HelpFlag), flag[0])
		if found == nil {
			return nil, unknownFlag(words, known, flag[0])
		}
		if err := checkValue(found, flag); err != nil {
			return nil, err
		}
		out = append(out, flag...)
	}
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out, nil
}

func withBelow(flags []cli.Flag, commands []*cli.Command) []cli.Flag {
	flags = slices.Clone(flags)
	for _, c := range commands {
		flags = append(withBelow(flags, c.Subcommands), c.Flags...)
	}
	return flags
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(name) })
	if i < 0 {
		return nil
	}
	return commands[i]
}

func findFlag(flags []cli.Flag, arg string) cli.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return nil
	}
	return flags[i]
}

func takesValue(flag cli.Flag) bool {
	f, ok := flag.(cli.DocGenerationFlag)
	return ok && f.TakesValue()
}

// forgotten reports whether what stands in the place of a flag's value is the
// next flag: "--by --force" is a slip, and not somebody's name.
func forgotten(flags []cli.Flag, value string) bool {
	return strings.HasPrefix(value, "--") && findFlag(append(flags, cli.HelpFlag), value) != nil
}

// checkValue reports a value that the library would refuse, in our words.
func checkValue(flag cli.Flag, typed []string) error {
	name, value, given := strings.Cut(typed[0], "=")
	if len(typed) > 1 {
		value, given = typed[1], true
	}
	if !given {
		return nil
	}
	switch flag.(type) {
	case *cli.BoolFlag:
		if _, err := strconv.ParseBool(value); err != nil {
			return usageError("%s: found %q, allowed true or false", name, value)
		}
	case *cli.IntFlag:
		if _, err := strconv.Atoi(value); err != nil {
			return usageError("%s: found %q, allowed a whole number", name, value)
		}
	}
	return nil
}

func unknownCommand(words []string, commands []*cli.Command, typed string) error {
	names := make([]string, 0, len(commands))
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	err := usageError("unknown command %q", strings.Join(append(slices.Clone(words), typed), " "))
	err.hint = "commands: " + strings.Join(names, ", ")
	if near := nearest(typed, names); near != "" {
		err.hint = fmt.Sprintf("did you mean %q?", strings.Join(append(slices.Clone(words), near), " "))
	}
	return err
}

func unknownFlag(words []string, flags []cli.Flag, typed string) error {
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()[0])
	}
	name, _, _ := strings.Cut(typed, "=")
	err := usageError("%s has no flag %s", strings.Join(words, " "), name)
	err.hint = "see " + strings.Join(words, " ") + " --help"
	if near := nearest(strings.TrimLeft(name, "-"), names); near != "" {
		err.hint = "did you mean --" + near + "?"
	}
	return err
}

// nearest returns the candidate that is at most two edits away from typed, or
// "".
func nearest(typed string, candidates []string) string {
	best, distance := "", 3
	for _, c := range candidates {
		if d := smetrics.WagnerFischer(typed, c, 1, 1, 1); d < distance {
			best, distance = c, d
		}
	}
	return best
}
