package main

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

func storeCommand(a *app.App) *cli.Command {
	return a.Command(&cli.Command{
		Name:      "store",
		Usage:     "archive files and print their tombstone, or their set",
		UsageText: "codex archive store REPO PATH... --by WHO --reason CLASS [flags]",
		Description: "Puts the file PATH of the repository REPO into the archive, with who retired it, when and\n" +
			"why, and prints what was stored as JSON. Once this command has answered, the content is\n" +
			"durable in the database and the file may be deleted; codex archive restore brings it back.\n" +
			"The file itself is not touched, unless --remove is given. PATH - reads standard input and\n" +
			"needs --path.\n" +
			"Directories are stored with all that is below, but for .git, .codex and the archive itself;\n" +
			"symbolic links in them are stored as links. One run is a set: its last lines say how to\n" +
			"restore it, and after a failure how to go on.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive store my-repo ./old.py --by me --reason dead --commit HEAD\n" +
			"   codex archive store my-repo v1.md --by docs --reason replaced --note 'see v2'\n" +
			"   codex archive store my-repo old/ --by me --reason legacy --exclude '*.log' \\\n" +
			"       --remove\n" +
			"   git ls-files -z '*.py' | codex archive store r --files-from - --null \\\n" +
			"       --by me --reason dead\n" +
			"   pg_dump shop | codex archive store r - --path s.sql --by me --reason legacy",
		Flags: append([]cli.Flag{
			app.ByFlag(),
			&cli.StringFlag{Name: "reason", Usage: "why, a `CLASS`: dead, pruned, legacy or replaced"},
			&cli.StringFlag{Name: "note", Usage: "free `TEXT` to find or explain it later"},
			&cli.StringFlag{Name: "commit", Usage: "full hash or any `REF`; the default is HEAD"},
			&cli.StringFlag{Name: "kind", Usage: "`KIND` of content: code, doc or asset", Value: "code"},
			&cli.StringSliceFlag{Name: "tag", Usage: "a `TAG` to find it by, repeatable"},
			&cli.StringSliceFlag{Name: "metadata", Usage: "a pair `KEY=VALUE` to keep with it, repeatable"},
			&cli.StringFlag{Name: "retain-days", Usage: "purge is refused for `N` days"},
			&cli.StringFlag{Name: "path", Usage: "record this `PATH` instead"},
			&cli.StringSliceFlag{Name: "exclude", Usage: "leave out what `PATTERN` matches, as in .gitignore, repeatable"},
			app.Switch("tracked", "take only what git tracks"),
			&cli.StringFlag{Name: "files-from", Usage: "read more paths from `LIST`, one a line; - is standard input"},
			app.Switch("null", "paths in the list end in a NUL"),
			&cli.StringFlag{Name: "resume", Usage: "go on with `SET`: what it has is not stored again"},
			app.Switch("continue-on-error", "go on after a file failed (batch.continue_on_error)"),
			app.Switch("verify", "read back what was stored, and compare"),
			app.Switch("remove", "remove each file that is stored and verified"),
			app.Switch("dry-run", "say what would be stored, and store nothing"),
		}, receiptFlags()...),
	}, runStore)
}

// contentKinds returns the kinds of content.
func contentKinds() []string { return []string{"code", "doc", "asset"} }

func runStore(ctx context.Context, c *app.Command) error {
	if isMany(c) {
		return runStoreMany(ctx, c)
	}
	if err := c.Arguments("REPO", "PATH"); err != nil {
		return err
	}
	if err := checkStored(c, c.Flags.Args().Get(1)); err != nil {
		return err
	}
	record, err := newRecord(c)
	if err != nil {
		return err
	}
	receipts, err := openReceipts(c, false)
	if err != nil {
		return err
	}
	if c.Flags.Bool("dry-run") {
		return storeDryRun(ctx, c, record)
	}
	compressor, err := newCompressor(c)
	if err != nil {
		return err
	}
	_, j, err := openActing(ctx, c, sdk.Create)
	if err != nil {
		return err
	}
	stored, err := j.Store(ctx, &record, func(ctx context.Context) (*archiver.Source, error) { return openSource(ctx, c, compressor) })
	if err != nil {
		return err
	}
	if isPlain(c, &record) {
		warnPlain(c, 1)
	}
	return printStored(c, record, stored, receipts.write(j))
}

// checkStored refuses a PATH that is no file to store.
func checkStored(c *app.Command, path string) error {
	switch path {
	case "":
		return output.Usagef("PATH is empty")
	case "-":
		return nil
	}
	return wrongPath(tree.Check(protected(c), path))
}

// printStored prints the result of a store; unsigned is why there is no receipt.
func printStored(c *app.Command, record sdk.Record, stored sdk.PutResult, unsigned error) error {
	if err := output.WriteJSON(c.Env.Stdout, viewStored(c, record, stored)); err != nil {
		return output.Errorf(output.FailureOf(err).Kind, "%s is stored as %s, but the result could not be printed: %w",
			c.Flags.Args().Get(1), record.Tombstone, err)
	}
	if unsigned != nil {
		return output.Shown{Err: unsigned}
	}
	return nil
}

// newRecord builds from the flags what can be known before the file is read.
func newRecord(c *app.Command) (sdk.Record, error) {
	who, err := c.Actor()
	if err != nil {
		return sdk.Record{}, err
	}
	id := sdk.NewID()
	r := sdk.Record{
		Tombstone: id, Event: id, Set: sdk.NewID(), Repo: c.Flags.Args().Get(0), Reason: c.Flags.String("reason"),
		ContentKind: c.Flags.String("kind"), Note: c.Flags.String("note"), ArchivedBy: who, Host: c.Env.Host,
		ArchivedAt: sdk.Time(c.Started), Tags: slices.Compact(slices.Sorted(slices.Values(c.Flags.StringSlice("tag")))),
	}
	if err := checkWords(c, r); err != nil {
		return r, err
	}
	if r.Metadata, err = pairs(c.Flags.StringSlice("metadata")); err != nil {
		return r, err
	}
	days, err := retainDays(c)
	if err != nil {
		return r, err
	}
	if days > 0 {
		r.RetainUntil = sdk.Time(r.ArchivedAt.AddDate(0, 0, days))
		r.RetainAtStore = r.RetainUntil
	}
	return r, nil
}

// checkWords checks what must be given, and what must be one of a few words.
func checkWords(c *app.Command, r sdk.Record) error {
	reasons := strings.Join(c.Config.Archive.Reasons, ", ")
	switch {
	case r.Repo == "":
		return output.Usagef("REPO is empty")
	case c.Flags.Args().Get(1) == "-" && c.Flags.String("path") == "":
		return output.Usagef("standard input needs a path to be recorded under: --path is missing")
	case r.Reason == "":
		return output.Usagef("why is it retired? --reason is missing").WithHint("one of: %s", reasons)
	case !slices.Contains(c.Config.Archive.Reasons, r.Reason):
		return output.Usagef("--reason: found %q, allowed %s", r.Reason, reasons).
			WithHint("archive.reasons in the configuration lists the words; --note takes free text")
	case !slices.Contains(contentKinds(), r.ContentKind):
		return output.Usagef("--kind: found %q, allowed %s", r.ContentKind, strings.Join(contentKinds(), ", "))
	}
	return nil
}

func pairs(flags []string) (map[string]string, error) {
	m := map[string]string{}
	for _, pair := range flags {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, output.Usagef("--metadata: found %q, allowed KEY=VALUE", pair)
		}
		if _, twice := m[key]; twice {
			return nil, output.Usagef("--metadata: key %q is given twice", key)
		}
		m[key] = value
	}
	if len(m) == 0 {
		return nil, nil
	}
	return m, nil
}

// maxRetainDays is a thousand years, which every database's time type holds.
const maxRetainDays = 365_000

func retainDays(c *app.Command) (int, error) {
	text := c.Flags.String("retain-days")
	if text == "" {
		return c.Config.Retention.Default, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 0 || days > maxRetainDays {
		return 0, output.Usagef("--retain-days: found %q, allowed 0-%d, in whole days", text, maxRetainDays)
	}
	return days, nil
}

func openSource(ctx context.Context, c *app.Command, compressor *archiver.Compressor) (*archiver.Source, error) {
	path := c.Flags.Args().Get(1)
	source, err := archiver.Open(ctx, archiver.Request{
		Path: path, Stdin: c.Env.Stdin, As: c.Flags.String("path"), Commit: c.Flags.String("commit"), Compressor: compressor,
	})
	if path != "-" && errors.Is(err, fs.ErrNotExist) {
		return nil, output.Errorf(output.NoFile, "%s: no such file", path)
	}
	return source, err
}

// storedView is the result of store.
type storedView struct {
	DryRun bool `json:"dry_run,omitempty"`
	output.RecordView
	Repaired bool   `json:"repaired,omitempty"` // the body in the archive was damaged or missing, and is replaced
	Archive  string `json:"archive"`            // the SQLite file, or the URL without its secrets
}

func viewStored(c *app.Command, r sdk.Record, stored sdk.PutResult) storedView {
	v := storedView{Archive: c.ArchiveName(), RecordView: output.ViewRecord(r)}
	v.Deduplicated, v.Repaired = &stored.Deduplicated, stored.Repaired
	return v
}

// storeDryRun says what would be stored. The archive is not asked.
func storeDryRun(ctx context.Context, c *app.Command, r sdk.Record) error {
	compressor, err := newCompressor(c)
	if err != nil {
		return err
	}
	source, err := openSource(ctx, c, compressor)
	if err != nil {
		return err
	}
	defer source.Close()
	source.Fill(&r)
	if err := r.Validate(); err != nil {
		return err
	}
	v := storedView{DryRun: true, Archive: c.ArchiveName(), RecordView: output.ViewRecord(r)}
	v.Tombstone = "" // none is given to a file that is not stored
	return output.WriteJSON(c.Env.Stdout, v)
}
