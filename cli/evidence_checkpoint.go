package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
)

func evidenceCheckpointCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "checkpoint",
		Usage:     "sign size and Merkle root of the evidence log",
		UsageText: "codex archive evidence checkpoint --by WHO [flags]",
		Description: "Prints a signed note (C2SP tlog-checkpoint) with the number of lines and the root of the\n" +
			"Merkle tree over them. Keep it where those who can write the log cannot: evidence verify\n" +
			"--checkpoint then shows whether the log is an extension of it. The chain is checked first.\n" +
			"A line CHECKPOINT follows in the log.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive evidence checkpoint --by audit --output 2025-10.checkpoint\n" +
			"   codex archive evidence checkpoint --by cron | mail auditor@example.com",
		Flags: []cli.Flag{
			app.ByFlag(),
			privateKeyFlag(),
			&cli.StringFlag{Name: "output", Usage: "write the note to `FILE`, which must not exist"},
			app.Switch("dry-run", "say what would be signed, and sign nothing"),
		},
	}, app.NoArguments(runEvidenceCheckpoint))
}

// checkpointView is the result of evidence checkpoint.
type checkpointView struct {
	DryRun bool   `json:"dry_run,omitempty"`
	Lines  int64  `json:"lines"`
	Root   string `json:"root"`
	Key    string `json:"key"`
	File   string `json:"file,omitempty"`
	Note   string `json:"note,omitempty"`
}

func runEvidenceCheckpoint(_ context.Context, c *app.Command) error {
	key, who, err := signer(c)
	if err != nil {
		return err
	}
	v := checkpointView{DryRun: c.Flags.Bool("dry-run"), Key: key.Name(), File: c.Flags.String("output")}
	if v.File != "" {
		if err := durable.NewFile("--output", v.File); err != nil {
			return err
		}
	}
	var j *journal.Journal
	if !v.DryRun {
		if j, err = openSigned(c, who); err != nil {
			return err
		}
	}
	var checker evidence.Checker
	if err := checkChain(c, &checker, nil); err != nil {
		return err
	}
	tree := checker.Tree()
	v.Lines, v.Root = tree.N, tree.Hash.String()
	if !v.DryRun {
		signed, err := key.SignTree(tree)
		if err != nil {
			return err
		}
		v.Note = string(signed)
		if err := writeNew("--output", v.File, signed); err != nil {
			return err
		}
		if err := j.Checkpoint(evidence.Tree{Lines: v.Lines, Root: v.Root, Key: v.Key, Checkpoint: v.File}); err != nil {
			return err
		}
	}
	return writeCheckpoint(c, v)
}

// signer returns the key that signs and who acts.
func signer(c *app.Command) (*evidence.PrivateKey, string, error) {
	who, err := c.Actor()
	if err != nil {
		return nil, "", err
	}
	key, err := privateKey(c)
	return key, who, err
}

// openSigned opens the evidence of a command that uses no archive.
func openSigned(c *app.Command, who string) (*journal.Journal, error) {
	c.Acts = true
	return journal.Open(journal.Options{
		Dir: c.Config.Evidence.Dir, Actor: who, Backend: c.Config.Backend.Type, Host: c.Env.Host, Started: c.Started, Log: c.Log,
	})
}

// checkChain checks the chain of the log; a broken one is an error. A log that is
// missing has no lines.
func checkChain(c *app.Command, checker *evidence.Checker, each func(evidence.Line) error) error {
	err := checker.Run(evidenceLog(c), each)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return logError(err)
	case checker.Report.Broken > 0:
		return chainError("%s: the chain is broken: %s", evidenceLog(c), checker.Report.Why)
	}
	return nil
}

// writeNew writes a note to a new file, if the flag names one.
func writeNew(flag, path string, note []byte) error {
	if path == "" {
		return nil
	}
	return durable.NamedFile(flag, path, durable.CreateFile(path, 0o644, func(w io.Writer) error {
		_, err := w.Write(note)
		return err
	}), "")
}

func writeCheckpoint(c *app.Command, v checkpointView) error {
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	text := v.Note
	switch {
	case v.DryRun:
		text = fmt.Sprintf("Would sign with %s: %s, root %s\n", v.Key, output.Count(v.Lines, "line"), v.Root)
	case v.File != "":
		text = fmt.Sprintf("Signed with %s: %s, root %s\nCheckpoint: %s\n", v.Key, output.Count(v.Lines, "line"), v.Root, escape.Text(v.File))
	}
	_, err := io.WriteString(c.Env.Stdout, text)
	return err
}
