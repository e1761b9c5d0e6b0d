package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

func evidenceVerifyCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "verify",
		Usage:     "check that no line of the evidence log was changed or cut out",
		UsageText: "codex archive evidence verify [flags]",
		Description: "Each line holds the hash of the line before it and a number without a gap. The first line\n" +
			"that does not fit is named (exit code 5). Lines cut off at the end cannot be noticed from\n" +
			"the log alone: keep the hash of the last line elsewhere and give it with --last.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive evidence verify\n" +
			"   codex archive evidence verify --last 5f0c…",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "last", Usage: "a line with this `HASH` must be there: what verify printed earlier"},
		},
	}, runEvidenceVerify)
}

// verifyView is the result of evidence verify.
type verifyView struct {
	Log   string `json:"log"`
	Lines int64  `json:"lines"`
	Last  string `json:"last"`
	Torn  bool   `json:"torn"`

	Checked    string `json:"checked"`
	NotChecked string `json:"not_checked"`
}

func runEvidenceVerify(ctx context.Context, c *app.Command) error {
	if err := c.Arguments(0, 0); err != nil {
		return err
	}
	last := strings.ToLower(c.Flags.String("last"))
	if last != "" && (len(last) != 64 || strings.Trim(last, "0123456789abcdef") != "") {
		return output.Usagef("--last: found %q, allowed a SHA-256, 64 hex digits", last)
	}
	report, err := evidence.Verify(evidenceLog(c))
	switch {
	case errors.Is(err, fs.ErrNotExist): // nothing was done yet: a chain without lines
	case err != nil:
		return err
	case report.Broken > 0:
		return chainError("%s: the chain is broken: %s", evidenceLog(c), report.Why)
	}
	if last != "" && last != report.Last.String() {
		if err := findLine(ctx, c, last); err != nil {
			return err
		}
	}
	v := verifyView{evidenceLog(c), report.Lines, report.Last.String(), report.Torn, report.Checked(), report.NotChecked()}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	fmt.Fprintf(c.Env.Stdout, "Evidence: %s\nLines: %d, chained without a gap\nLast: %s\n", escape.Text(v.Log), v.Lines, v.Last)
	if v.Torn {
		fmt.Fprintln(c.Env.Stdout, "The last line has no end yet: it is being written, or the next command sets it aside")
	}
	fmt.Fprintf(c.Env.Stdout, "%s\n%s\n", v.Checked, v.NotChecked)
	return nil
}

// findLine looks for the line with this hash in a log whose chain is whole.
func findLine(ctx context.Context, c *app.Command, hash string) error {
	for line, err := range evidence.Read(evidenceLog(c)) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !line.Torn && sdk.Digest(sha256.Sum256(line.Raw)).String() == hash:
			return nil
		}
	}
	return chainError("%s: no line has the hash %s: lines were cut off, or the log is another one", evidenceLog(c), hash)
}

func chainError(format string, args ...any) error {
	return output.Errorf(output.Chain, format, args...).WithHint("compare with the events in the database: codex archive show TOMBSTONE")
}
