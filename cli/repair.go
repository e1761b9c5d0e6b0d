package main

import (
	"context"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/sources"
	"github.com/codex-archive/codex/sdk"
)

func repairCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "repair",
		Usage:     "put damaged or missing content back from elsewhere",
		UsageText: "codex archive repair TOMBSTONE...|--all|selectors --from PLACE --by WHO",
		Description: "The content of the records is read back as codex archive verify does. What is damaged or\n" +
			"missing is looked for by its SHA-256 in a directory, in a git repository (in its files and in\n" +
			"the objects of any commit), or in another archive. What was found is stored and read back.\n" +
			"A repair that was stopped is run again: it does what is left. A record that was changed\n" +
			"cannot be repaired, only its content can.\n\n" +
			"URL has no password: use CODEX_ARCHIVE_FROM_URL, --from-password-file or --from-config.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive repair --all --from ~/old-checkout --by me\n" +
			"   codex archive repair 8e3531b9 --from . --by me\n" +
			"   codex archive repair --all --from sqlite:////mnt/a.sqlite --dry-run --by me",
		Flags: append([]cli.Flag{
			app.ByFlag(),
			app.Switch("all", "look at all records"),
			&cli.StringFlag{Name: "from", Usage: "`DIR`, git repository or URL of an archive that has the bytes"},
			&cli.StringFlag{Name: "from-config", Usage: "the configuration `FILE` names the archive that has the bytes"},
			&cli.StringFlag{Name: "from-password-file", Usage: "`FILE` whose one line is the password of that archive"},
			app.Switch("dry-run", "say what would be repaired, and change nothing"),
		}, actingSelectors()...),
	}, runRepair)
}

// repairSource is where content is looked for.
type repairSource struct {
	dir     string       // "": none
	tree    *git.Tree    // nil: dir is no repository
	archive *app.Archive // nil: it is no archive
	name    string       // for people and evidence, without secrets
}

func runRepair(ctx context.Context, c *app.Command) error {
	if _, err := c.Actor(); err != nil {
		return err
	}
	t, err := readTargetsOrAll(c)
	if err != nil {
		return err
	}
	r := &repairRun{command: c, targets: t, report: newRepairReport(c)}
	if r.opener, err = newOpener(c); err != nil {
		return err
	}
	if r.source, err = openRepairSource(ctx, c); err != nil {
		return err
	}
	if r.archive, r.journal, err = openActing(ctx, c, actingMode(c)); err != nil {
		return err
	}
	return r.run(ctx)
}

// openRepairSource reads --from. An archive is opened for reading only.
func openRepairSource(ctx context.Context, c *app.Command) (s repairSource, err error) {
	from := c.Flags.String("from")
	if from == "" || strings.Contains(from, "://") {
		second, err := c.Second(ctx, app.Place{Name: "from", Forms: "DIR|REPOSITORY|URL", Variable: "CODEX_ARCHIVE_FROM_URL"})
		if err != nil {
			return s, err
		}
		s.name = second.RedactedURL()
		s.archive, err = second.Dial(ctx, sdk.ReadOnly)
		return s, err
	}
	if c.Flags.IsSet("from-config") || c.Flags.IsSet("from-password-file") {
		return s, output.Usagef("--from names a directory, which has neither configuration nor password")
	}
	info, err := os.Stat(from)
	if err != nil {
		return s, durable.NamedFile("--from", from, err, "--from names a directory, a git repository or the URL of an archive")
	}
	if !info.IsDir() {
		return s, output.Usagef("--from: found %q, allowed a directory, a git repository or the URL of an archive", from)
	}
	s.dir, s.name = from, from
	if s.tree, err = git.Repository(from); err != nil {
		return s, output.Usagef("--from: %w", err)
	}
	return s, nil
}

// look searches the source. A repository's files come first: they are the
// cheapest.
func (s *repairSource) look(ctx context.Context, search *sources.Search, opener restorer.Opener) error {
	if s.archive != nil {
		backend, err := s.archive.Reach(ctx)
		if err != nil {
			return err
		}
		return search.Archive(ctx, backend, opener.Extract)
	}
	if err := search.Directory(ctx, s.dir); err != nil || s.tree == nil || len(search.Left()) == 0 {
		return err
	}
	return search.Repository(ctx, s.tree)
}
