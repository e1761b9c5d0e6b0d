package main

import (
	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
)

// pluginCommand groups the commands for people who install, ship or test
// backends. None of them opens an archive of the configuration.
func pluginCommand(a *app.App) *cli.Command {
	return group("plugin", "look at backend programs, and say which may be run", "codex plugin COMMAND [arguments] [flags]",
		pluginListCommand(a),
		pluginInspectCommand(a),
		pluginTestCommand(a),
		pluginLockCommand(a),
		pluginInstallCommand(a),
		pluginRemoveCommand(a),
	)
}
