package main

import "github.com/urfave/cli/v2"

// pluginCommand groups what is for people who install, ship or test backends.
// None of it opens an archive of the configuration.
func (p *program) pluginCommand() *cli.Command {
	return &cli.Command{
		Name:            "plugin",
		Usage:           "look at backend programs, and say which may be run",
		UsageText:       "codex plugin COMMAND [arguments] [flags]",
		HideHelpCommand: true,
		Action:          groupHelp,
		Subcommands: []*cli.Command{
			p.pluginListCommand(),
			p.pluginInspectCommand(),
			p.pluginTestCommand(),
			p.pluginLockCommand(),
		},
	}
}
