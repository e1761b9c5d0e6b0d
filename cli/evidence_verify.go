package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
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
		Description: "Each line holds the hash of the line before it and a number without a gap. The first\n" +
			"line that does not fit is named, and the command ends with 5. The chain alone cannot show\n" +
			"that lines were cut off at its end, or that the log was deleted or written anew. --last\n" +
			"shows it: keep the hash that verify printed elsewhere. The archive is asked whether it\n" +
			"knows events without a line here, and a WARN says so. Others who share the archive have\n" +
			"such events too. The output says what was checked and what was not.\n\n" +
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
	Log        string   `json:"log"`
	Exists     bool     `json:"log_exists"`
	Lines      int64    `json:"lines"`
	Last       string   `json:"last"`
	Torn       bool     `json:"torn"`
	Events     int64    `json:"events"`                   // lines that the archive has an event for
	InArchive  *int64   `json:"archive_events,omitempty"` // nil: the archive could not be asked
	Checked    []string `json:"checked"`
	NotChecked []string `json:"not_checked"`
}

func runEvidenceVerify(ctx context.Context, c *app.Command) error {
	if err := c.Arguments(0, 0); err != nil {
		return err
	}
	last := strings.ToLower(c.Flags.String("last"))
	if c.Flags.IsSet("last") && (len(last) != 64 || strings.Trim(last, "0123456789abcdef") != "") {
		return output.Usagef("--last: found %q, allowed a SHA-256, 64 hex digits", last)
	}
	report, err := evidence.Verify(evidenceLog(c))
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		return err
	case report.Broken > 0:
		return chainError("%s: the chain is broken: %s", evidenceLog(c), report.Why)
	}
	v := verifyView{
		Log: evidenceLog(c), Exists: !missing, Lines: report.Lines, Last: report.Last.String(), Torn: report.Torn, Events: report.Events,
		Checked: []string{report.Checked()}, NotChecked: []string{report.NotChecked()},
	}
	if last != "" {
		if err := findLine(ctx, c, last); err != nil {
			return err
		}
		v.Checked = append(v.Checked, "Checked: the line with the hash of --last is there.")
	}
	if err := v.compare(ctx, c, report); err != nil {
		return err
	}
	if c.JSON {
		return output.WriteJSON(c.Env.Stdout, v)
	}
	return writeVerified(c.Env.Stdout, v)
}

// compare asks the archive whether it knows more events than the log.
func (v *verifyView) compare(ctx context.Context, c *app.Command, report evidence.Report) error {
	n, err := archiveEvents(ctx, c)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		v.NotChecked = append(v.NotChecked, "Not checked: whether the archive knows more events, because it could not be asked: "+output.Words(err))
		if sdk.KindOf(err) != sdk.NoArchive {
			c.Log.Warn("The archive could not be asked for its events: " + output.Words(err))
		}
		return nil
	}
	v.InArchive = &n
	if more := report.Missing(n); more != "" {
		c.Log.Warn("Evidence: " + more)
	} else {
		v.Checked = append(v.Checked, fmt.Sprintf("Checked: the archive knows no more events than the log (%d and %d).", n, report.Events))
	}
	v.NotChecked = append(v.NotChecked, "Not checked: whether the events of the archive and the lines are the same.")
	return nil
}

// archiveEvents counts the events of the archive that a log has lines for.
func archiveEvents(ctx context.Context, c *app.Command) (n int64, err error) {
	archive, err := c.Dial(ctx, sdk.ReadOnly)
	if err != nil {
		return 0, err
	}
	backend, err := archive.Backend(ctx)
	if err != nil {
		return 0, err
	}
	for _, q := range []sdk.Query{{WithEvents: true}, {OfArchive: true}} {
		for entry, err := range backend.List(ctx, q) {
			if err != nil {
				return n, err
			}
			for _, e := range entry.Events {
				if evidence.Action(e.Action).InArchive() {
					n++
				}
			}
		}
	}
	return n, nil
}

func writeVerified(out io.Writer, v verifyView) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Evidence: %s\n", escape.Text(v.Log))
	switch {
	case !v.Exists:
		b.WriteString("Lines: 0, there is no log\n")
	case v.Lines == 0:
		b.WriteString("Lines: 0, the log is empty\n")
	default:
		fmt.Fprintf(&b, "Lines: %d, chained without a gap\nLast: %s\n", v.Lines, v.Last)
	}
	if v.Torn {
		b.WriteString("The last line has no end yet: it is being written, or the next command sets it aside\n")
	}
	for _, sentence := range slices.Concat(v.Checked, v.NotChecked) {
		b.WriteString(escape.Text(sentence) + "\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
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
