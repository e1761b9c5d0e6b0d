package main

import "github.com/urfave/cli/v2"

// evidenceCommand groups what looks at the evidence log. None of it asks a
// backend, and none of it leaves evidence.
func (p *program) evidenceCommand() *cli.Command {
	return &cli.Command{
		Name:            "evidence",
		Usage:           "read the log of what was done, and check its chain",
		UsageText:       "codex archive evidence COMMAND [flags]",
		HideHelpCommand: true,
		Action:          groupHelp,
		Subcommands: []*cli.Command{
			p.evidenceShowCommand(),
			p.evidenceVerifyCommand(),
		},
	}
}
