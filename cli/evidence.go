package main

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

// evidenceCommand groups the commands about the evidence log.
func evidenceCommand(a *app.App) *cli.Command {
	return group("evidence", "read the log of what was done, check it, and sign it", "codex archive evidence COMMAND [flags]",
		evidenceShowCommand(a),
		evidenceVerifyCommand(a),
		evidenceKeygenCommand(a),
		evidenceCheckpointCommand(a),
		evidenceRotateCommand(a),
	)
}

func evidenceLog(c *app.Command) string {
	return filepath.Join(c.Config.Evidence.Dir, evidence.FileName)
}

// logError is the failure to read the log. A part that is missing breaks its
// chain.
func logError(err error) error {
	var missing *evidence.MissingPartError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return output.Errorf(output.Chain, "the evidence log has lost a part: %w", err)
	case errors.As(err, new(*fs.PathError)), errors.As(err, new(*durable.NotRegularError)):
		return output.Errorf(output.Evidence, "the evidence log cannot be used: %w", err)
	}
	return err
}

// fromFlag says whether evidence is read from the log or from the archive.
func fromFlag() cli.Flag {
	return &cli.StringFlag{Name: "from", Usage: "read the `SOURCE`: log, or archive for what all hosts did", Value: "log"}
}

// fromArchive reports whether --from names the archive.
func fromArchive(c *app.Command) (bool, error) {
	switch from := c.Flags.String("from"); from {
	case "log":
		return false, nil
	case "archive":
		return true, nil
	default:
		return false, output.Usagef("--from: found %q, allowed log, archive", from)
	}
}
