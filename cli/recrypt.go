package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/recrypter"
)

func recryptCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "recrypt",
		Usage:     "encrypt what is stored to the present recipients",
		UsageText: "codex archive recrypt TOMBSTONE...|--all|selectors --by WHO [flags]",
		Description: "The content of the records is read back and checked, then stored once more, encrypted to the\n" +
			"recipients of archive.recipients_file: content that was not encrypted, too. All records that\n" +
			"have a content get the new body. What is encrypted now is read with archive.identity_file.\n" +
			"Records, digests and history stay as they are. At any moment a content has its old body or\n" +
			"its new one.\n\n" +
			"Whom a body is encrypted to does not show, so each is made anew. The results file says how\n" +
			"far a run came, also after a signal or a kill; --resume goes on from there.\n" +
			"--decrypt stores what is encrypted without encryption.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive recrypt --all --by me\n" +
			"   codex archive recrypt --all --by me --resume\n" +
			"   codex archive recrypt --repo my-repo --until 2026-01-01 --by me --dry-run\n" +
			"   codex archive recrypt 8e3531b9 --decrypt --by me",
		Flags: append([]cli.Flag{
			app.ByFlag(),
			app.Switch("all", "the content of all records"),
			app.Switch("decrypt", "store without encryption"),
			app.Switch("resume", "go on where the newest results file of the same selection ends"),
			&cli.StringFlag{Name: "results", Usage: "write results to `FILE`, not recrypt_TIME.json"},
			app.Switch("dry-run", "say what would be stored anew, and change nothing"),
		}, actingSelectors()...),
	}, runRecrypt)
}

func runRecrypt(ctx context.Context, c *app.Command) error {
	if _, err := c.Actor(); err != nil {
		return err
	}
	t, err := readTargetsOrAll(c)
	switch {
	case err != nil:
		return err
	case c.Flags.Bool("dry-run") && (c.Flags.Bool("resume") || c.Flags.IsSet("results")):
		return output.Usagef("--dry-run has no results file")
	}
	if err := checkResultsFlag(c); err != nil {
		return err
	}
	r := &recryptRun{
		command: c, targets: t, progress: c.Progress(),
		done: map[[16]byte]struct{}{}, sharing: map[[16]byte][]target{},
	}
	if r.way, err = recryptWay(c); err != nil {
		return err
	}
	if err := r.openResults(); err != nil {
		return err
	}
	if r.archive, r.journal, err = openActing(ctx, c, actingMode(c)); err != nil {
		return err
	}
	return r.run(ctx)
}

// recryptWay reads the keys.
func recryptWay(c *app.Command) (w recrypter.Way, err error) {
	if w.Identities, err = c.Identities(); err != nil {
		return w, err
	}
	w.Identities = w.Identities.For(nil) // whom content is encrypted to now is another question than to whom it will be
	if c.Flags.Bool("decrypt") {
		return w, nil
	}
	if w.Recipients, err = c.Recipients(); err != nil {
		return w, err
	}
	if w.Recipients == nil {
		return w, output.Errorf(output.Config, "whom to encrypt to? archive.recipients_file names no recipients").
			WithHint("set archive.recipients_file or CODEX_ARCHIVE_RECIPIENTS_FILE; --decrypt stores without encryption")
	}
	w.Compressor, err = newCompressor(c)
	return w, err
}

// openResults begins new results, or reads those that --resume goes on with.
func (r *recryptRun) openResults() error {
	c := r.command
	r.results = newRecryptResults(selectionWords(c, &r.targets), r.way.Recipients.Names(), c.Flags.Bool("decrypt"))
	if !c.Flags.Bool("resume") {
		return nil
	}
	earlier, name, err := resultsToResume(c, batch.RecryptForm, func(text []byte) *recryptResults {
		if e := parseRecryptResults(text); e != nil && e.Selected == r.results.Selected && e.Decrypt == r.results.Decrypt {
			return e
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case earlier == nil:
		return output.Usagef("--resume: no results file of the same selection was found in %s", c.Env.Dir).
			WithHint("without --resume it begins at the first record; --results names a results file elsewhere")
	case !slices.Equal(earlier.Recipients, r.results.Recipients):
		return output.Usagef("--resume: %s is about other recipients", name).WithHint("without --resume everything is encrypted to the present ones")
	case earlier.Complete && len(earlier.Failures) == 0:
		return output.Usagef("--resume: %s is complete", name).WithHint("without --resume everything is stored anew again")
	}
	r.goOn(earlier, name)
	return nil
}
