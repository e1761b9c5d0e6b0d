package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

func evidenceShowCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "show",
		Usage:     "print what was done, for people",
		UsageText: "codex archive evidence show [flags]",
		Description: "One line for each record, oldest first, folded where a terminal is narrower; several flags\n" +
			"must all hold. With --json the lines\n" +
			"are those of the log, byte for byte; characters that a terminal obeys are \\u escapes.\n" +
			"--from archive prints the history that all hosts share; --json has the same keys then, as\n" +
			"far as the archive knows them.\n\n" +
			app.TimeHelp + "\n\n" +
			"EXAMPLES:\n" +
			"   codex archive evidence show --since 1d\n" +
			"   codex archive evidence show --tombstone 8e3531b9 --json | jq .\n" +
			"   codex archive evidence show --action restore_fail --by ops",
		Flags: []cli.Flag{
			fromFlag(),
			&cli.StringFlag{Name: "tombstone", Usage: "only about `TOMBSTONE`, or those that begin so"},
			&cli.StringFlag{Name: "action", Usage: "only this `ACTION`, such as RESTORE or RESTORE_FAIL"},
			&cli.StringFlag{Name: "by", Usage: "only what `WHO` did"},
			&cli.StringFlag{Name: "since", Usage: "only what was done at or after `TIME`"},
		},
	}, app.NoArguments(runEvidenceShow))
}

// evidenceFilter says which records are shown. Zero fields let everything pass.
type evidenceFilter struct {
	tombstone, action, by string
	since                 time.Time
}

func (f evidenceFilter) passes(r *evidence.Record) bool {
	return strings.HasPrefix(strings.ToLower(r.Tombstone), f.tombstone) &&
		(f.action == "" || string(r.Action) == f.action) &&
		(f.by == "" || r.Actor == f.by) && !r.Time.Before(f.since)
}

func runEvidenceShow(ctx context.Context, c *app.Command) error {
	action, err := actionFlag(c)
	if err != nil {
		return err
	}
	f := evidenceFilter{tombstone: strings.ToLower(c.Flags.String("tombstone")), action: action, by: app.Person(c.Flags.String("by"))}
	if f.since, err = c.Time("since", time.Now()); err != nil {
		return err
	}
	shared, err := fromArchive(c)
	if err != nil {
		return err
	}
	show := showEvidence
	if shared {
		show = showHistory
	}
	out := bufio.NewWriter(c.Env.Stdout)
	if err := show(ctx, c, out, f); err != nil {
		return errors.Join(out.Flush(), err)
	}
	return out.Flush()
}

// actionFlag returns the action that --action names, in its own spelling, "" if
// it is not given.
func actionFlag(c *app.Command) (string, error) {
	text := c.Flags.String("action")
	var words []string
	for _, a := range evidence.Actions() {
		if text == "" || strings.EqualFold(text, string(a)) {
			return strings.ToUpper(text), nil
		}
		words = append(words, string(a))
	}
	return "", output.Usagef("--action: found %q, allowed %s", text, strings.Join(words, ", "))
}

func showEvidence(ctx context.Context, c *app.Command, out io.Writer, f evidenceFilter) error {
	for line, err := range evidence.Read(evidenceLog(c)) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.Log.Info("There is no evidence yet: " + evidenceLog(c))
			return nil
		case err != nil:
			return logError(err)
		case ctx.Err() != nil:
			return ctx.Err()
		case line.Torn:
			continue // being written, or set aside by the next command
		}
		record, err := line.Record()
		if err != nil {
			c.Log.Warn("Evidence: " + escape.Text(err.Error()))
			continue
		}
		if !f.passes(record) {
			continue
		}
		if c.JSON {
			_, err = io.WriteString(out, escape.JSON(string(line.Raw))+"\n")
		} else {
			_, err = io.WriteString(out, folded(evidenceWords(record), output.Width(c.Env.Stdout))+"\n")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// evidenceWords is a record as people read it.
func evidenceWords(r *evidence.Record) []string {
	words := []string{output.Stamp(r.Time), string(r.Action)}
	if r.Status != evidence.Success {
		words = append(words, string(r.Status))
	}
	if r.Attempt > 0 {
		words = append(words, fmt.Sprintf("attempt %d", r.Attempt))
	}
	words = append(words, "by "+r.Actor, "on "+r.Backend, r.Duration.String())
	if r.Tombstone != "" {
		words = append(words, r.Tombstone)
	}
	tree := evidence.Tree{}
	if r.Tree != nil {
		tree = *r.Tree
		words = append(words, output.Count(tree.Lines, "line"))
	}
	for _, part := range []struct{ before, text string }{
		{"root: ", tree.Root}, {"closed: ", tree.Closed}, {"checkpoint: ", tree.Checkpoint},
		{"", r.Repo}, {"", r.Path}, {"-> ", r.Output}, {"reason: ", r.Reason}, {"case ", r.Case}, {"until ", stampOf(r.Until)}, {"note: ", r.Note},
		{"verdict: ", r.Verdict}, {"plan ", r.Plan}, {"certificate ", r.Certificate}, {"error: ", r.Error}, {"set aside: ", r.SetAside},
	} {
		if part.text != "" {
			words = append(words, part.before+part.text)
		}
	}
	if b := r.Batch; b != nil {
		words = append(words, fmt.Sprintf("%s, %d succeeded, %d failed, %d skipped", output.Count(b.Processed, "item"), b.Succeeded, b.Failed, b.Skipped), b.ResultsFile)
	}
	if t := r.Transfer; t != nil {
		words = append(words, fmt.Sprintf("%s of %s to %s: %d copied, %d updated, %d present, %d left out", t.Scope, output.Count(t.Records, "record"), t.ToURL, t.Copied, t.Updated, t.Present, t.Left))
	}
	if t := r.Recrypted; t != nil {
		words = append(words, fmt.Sprintf("%s (%s): %d contents stored anew, %d failed, recipients: %s", t.Scope, t.Selected, t.Contents, t.Failed, t.Recipients))
	}
	if r.Repaired {
		words = append(words, "(recorded later)")
	}
	return words
}

// stampOf is [output.Stamp], "" for the zero time.
func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return output.Stamp(t)
}
