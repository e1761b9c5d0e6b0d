package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

func evidenceRotateCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "rotate",
		Usage:     "close the evidence log with a checkpoint, and begin its next part",
		UsageText: "codex archive evidence rotate --by WHO [flags]",
		Description: "The log becomes archive_ops.000001.jsonl, or the next number, with a signed checkpoint\n" +
			"beside it, and archive_ops.jsonl goes on with a line ROTATE that names the hash of the last\n" +
			"line. All parts are one chain and one Merkle tree: evidence verify and show, and metrics,\n" +
			"read all of them, so leave them in the directory. A kill at any moment leaves the old state\n" +
			"or the new one. A log without lines behind ROTATE stays as it is.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive evidence rotate --by cron\n" +
			"   codex archive evidence rotate --by cron --dry-run",
		Flags: []cli.Flag{
			app.ByFlag(),
			privateKeyFlag(),
			app.Switch("dry-run", "say what would be closed, and close nothing"),
		},
	}, app.NoArguments(runEvidenceRotate))
}

// rotateView is the result of evidence rotate.
type rotateView struct {
	DryRun     bool   `json:"dry_run,omitempty"`
	Closed     string `json:"closed"` // name of the part, "" where there was nothing to close
	Checkpoint string `json:"checkpoint"`
	Lines      int64  `json:"lines"` // of all parts
	Root       string `json:"root"`
	Key        string `json:"key"`
}

func runEvidenceRotate(_ context.Context, c *app.Command) error {
	key, who, err := signer(c)
	if err != nil {
		return err
	}
	var done evidence.Rotation
	if c.Flags.Bool("dry-run") {
		if done, err = evidence.NextRotation(evidenceLog(c)); err != nil {
			return rotateError(err)
		}
	} else {
		j, err := openSigned(c, who)
		if err != nil {
			return err
		}
		if done, err = j.Rotate(key); err != nil {
			return rotateError(err)
		}
	}
	v := rotateView{c.Flags.Bool("dry-run"), done.Closed, done.Checkpoint, done.Tree.N, done.Tree.Hash.String(), key.Name()}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	return writeRotation(c.Env.Stdout, v)
}

// rotateError is the failure of a rotation, or of looking what it would do.
func rotateError(err error) error {
	if errors.Is(err, evidence.ErrChain) {
		return chainError("%w", err)
	}
	return logError(err)
}

func writeRotation(out io.Writer, v rotateView) error {
	word := "Closed"
	if v.DryRun {
		word = "Would close"
	}
	text := "Nothing to close\n"
	if v.Closed != "" {
		text = fmt.Sprintf("%s: %s\nCheckpoint: %s, %s, root %s\n", word, v.Closed, v.Checkpoint, output.Count(v.Lines, "line"), v.Root)
	}
	_, err := io.WriteString(out, text)
	return err
}
