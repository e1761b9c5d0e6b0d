package main

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/evidence"
)

// evidenceCommand groups the commands that read the evidence log. None of them
// leaves evidence.
func evidenceCommand(a *app.App) *cli.Command {
	return group("evidence", "read the log of what was done, and check its chain", "codex archive evidence COMMAND [flags]",
		evidenceShowCommand(a),
		evidenceVerifyCommand(a),
	)
}

func evidenceLog(c *app.Command) string {
	return filepath.Join(c.Config.Evidence.Dir, evidence.FileName)
}
