package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// commands is the command tree.
func commands(a *app.App) *cli.App {
	return &cli.App{
		Name:      "codex",
		Usage:     "retire source files, and get each of them back",
		UsageText: "codex archive COMMAND [arguments] [flags]",
		Description: "codex archive store puts a file into a database and prints its tombstone;\n" +
			"codex archive restore brings it back, verified. Every act leaves a line of\nevidence.",
		Version:                   fmt.Sprintf("%s (protocol %d, commit %s)", version, sdk.ProtocolVersion, commit),
		HideVersion:               true, // the library would call its flag -v; --version is below
		HideHelpCommand:           true,
		Reader:                    a.Env.Stdin,
		Writer:                    a.Env.Stdout,
		ErrWriter:                 a.Env.Stderr,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              app.UsageError,
		CustomAppHelpTemplate:     cli.AppHelpTemplate + "\n" + output.ExitHelp(),
		Action:                    runRoot,
		DisableSliceFlagSeparator: true,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "print version, protocol and commit", DisableDefaultText: true},
			app.JSONFlag(),
		},
		Commands: []*cli.Command{
			group("archive", "store, find and restore archived files", "codex archive COMMAND [arguments] [flags]",
				initCommand(a),
				trustCommand(a),
				storeCommand(a),
				restoreCommand(a),
				batchRestoreCommand(a),
				copyCommand(a),
				listCommand(a),
				showCommand(a),
				holdCommand(a),
				releaseCommand(a),
				retainCommand(a),
				pruneRequestCommand(a),
				purgeCommand(a),
				statsCommand(a),
				verifyCommand(a),
				repairCommand(a),
				recryptCommand(a),
				healthCheckCommand(a),
				configShowCommand(a),
				metricsCommand(a),
				evidenceCommand(a),
			),
			pluginCommand(a),
			explainCommand(a),
			completionCommand(a),
			manCommand(a),
		},
	}
}

// group is a word that only groups commands.
func group(name, usage, usageText string, commands ...*cli.Command) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, UsageText: usageText, HideHelpCommand: true, Subcommands: commands,
		OnUsageError: app.UsageError, Action: cli.ShowSubcommandHelp,
	}
}

// versionView is the result of --version.
type versionView struct {
	Version  string `json:"version"`
	Protocol int    `json:"protocol"`
	Commit   string `json:"commit"`
}

// runRoot is codex without a command.
func runRoot(c *cli.Context) error {
	switch {
	case !c.Bool("version"):
		return cli.ShowAppHelp(c)
	case c.Bool("json"):
		return output.WriteJSON(c.App.Writer, versionView{version, sdk.ProtocolVersion, commit})
	}
	_, err := fmt.Fprintf(c.App.Writer, "codex version %s\n", c.App.Version)
	return err
}
