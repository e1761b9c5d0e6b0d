package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/sdk"
)

func (p *program) storeCommand() *cli.Command {
	return p.command(&cli.Command{
		Name:      "store",
		Usage:     "archive a file and print its tombstone",
		UsageText: "codex archive store REPO PATH --by WHO --reason CLASS [flags]",
		Description: "Puts the file PATH of the repository REPO into the archive, with who retired it, when and\n" +
			"why, and prints what was stored as JSON. Once this command has answered, the content is\n" +
			"durable in the database and the file may be deleted; codex archive restore brings it back.\n" +
			"The file itself is not touched. PATH - reads standard input and needs --path.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive store my-repo ./old_module.py --by developer --reason dead --commit HEAD\n" +
			"   codex archive store my-repo api/v1.md --by docs --reason replaced --kind doc --note 'see v2'\n" +
			"   pg_dump shop | codex archive store my-repo - --path dumps/shop.sql --by ops --reason legacy",
		Flags: []cli.Flag{
			byFlag(),
			&cli.StringFlag{Name: "reason", Usage: "why, one `CLASS` of archive.reasons: dead, pruned, legacy, replaced"},
			&cli.StringFlag{Name: "note", Usage: "free `TEXT` for those who look it up later"},
			&cli.StringFlag{Name: "commit", Usage: "full hash, or any `REF` of the file's work tree; without it HEAD, where there is one"},
			&cli.StringFlag{Name: "kind", Usage: "`KIND` of content: code, doc or asset", Value: "code"},
			&cli.StringSliceFlag{Name: "tag", Usage: "a `TAG` to find it by, repeatable"},
			&cli.StringSliceFlag{Name: "metadata", Usage: "a pair `KEY=VALUE` to keep with it, repeatable"},
			&cli.StringFlag{Name: "retain-days", Usage: "nothing may purge it for `N` days; without it retention.default"},
			&cli.StringFlag{Name: "path", Usage: "record this `PATH` instead of the one that is read"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be stored, and store nothing", DisableDefaultText: true},
		},
	}, (*session).store)
}

// kinds of content.
var kinds = []string{"code", "doc", "asset"}

func (s *session) store(ctx context.Context) error {
	if err := s.arguments(2, 2, "REPO", "PATH"); err != nil {
		return err
	}
	record, err := s.newRecord()
	if err != nil {
		return err
	}
	if s.flags.Bool("dry-run") {
		return s.storeDryRun(ctx, record)
	}
	if err := s.dial(ctx, sdk.Create); err != nil {
		return err
	}
	j, err := s.openEvidence(record.ArchivedBy)
	if err != nil {
		return err
	}
	stored, err := j.storeFile(ctx, &record)
	if err != nil {
		return err
	}
	took := s.elapsed()
	s.log.Info("Store completed in "+millis(took).String(), s.facts(evidence.Archive, record.ArchivedBy, record.Tombstone, took)...)
	return writeJSON(s.stdout, viewStored(record, stored))
}

// facts are the pairs that JSON lines about something done carry; a line of text
// says it in its message.
func (s *session) facts(action evidence.Action, actor string, tombstone sdk.Tombstone, took time.Duration) []any {
	return inJSON([]any{"action", string(action), "actor", actor, "tombstone", tombstone.String(),
		"duration_ms", took, "backend", s.config.Backend.Type})
}

// newRecord builds from the flags what can be known before the file is read.
func (s *session) newRecord() (sdk.Record, error) {
	who, err := s.actor()
	if err != nil {
		return sdk.Record{}, err
	}
	r := sdk.Record{
		Tombstone: newID(), Event: newID(), Repo: s.flags.Args().Get(0), Reason: s.flags.String("reason"),
		ContentKind: s.flags.String("kind"), Note: s.flags.String("note"), ArchivedBy: who,
		ArchivedAt: sdk.Time(s.started), Tags: slices.Compact(slices.Sorted(slices.Values(s.flags.StringSlice("tag")))),
	}
	switch {
	case r.Repo == "":
		return r, usageError("REPO is empty")
	case s.flags.Args().Get(1) == "-" && s.flags.String("path") == "":
		return r, usageError("standard input needs a path to be recorded under: --path is missing")
	case r.Reason == "":
		err := usageError("why is it retired? --reason is missing")
		err.hint = "one of: " + strings.Join(s.config.Archive.Reasons, ", ")
		return r, err
	case !slices.Contains(s.config.Archive.Reasons, r.Reason):
		err := usageError("--reason: found %q, allowed %s", r.Reason, strings.Join(s.config.Archive.Reasons, ", "))
		err.hint = "archive.reasons in the configuration lists the words; --note takes free text"
		return r, err
	case !slices.Contains(kinds, r.ContentKind):
		return r, usageError("--kind: found %q, allowed %s", r.ContentKind, strings.Join(kinds, ", "))
	}
	if r.Metadata, err = pairs(s.flags.StringSlice("metadata")); err != nil {
		return r, err
	}
	days, err := s.retainDays()
	if err != nil {
		return r, err
	}
	if days > 0 {
		r.RetainUntil = sdk.Time(r.ArchivedAt.AddDate(0, 0, days))
	}
	return r, nil
}

func pairs(flags []string) (map[string]string, error) {
	m := map[string]string{}
	for _, pair := range flags {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, usageError("--metadata: found %q, allowed KEY=VALUE", pair)
		}
		if _, twice := m[key]; twice {
			return nil, usageError("--metadata: key %q is given twice", key)
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

func (s *session) retainDays() (int, error) {
	text := s.flags.String("retain-days")
	if text == "" {
		return s.config.Retention.Default, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 0 || days > maxRetainDays {
		return 0, usageError("--retain-days: found %q, allowed 0-%d, in whole days", text, maxRetainDays)
	}
	return days, nil
}

// storeFile hands the file to the archive and records that. It fills into r what
// the file says.
func (j *journal) storeFile(ctx context.Context, r *sdk.Record) (sdk.PutResult, error) {
	describe := func(e *evidence.Record) { archived(e, *r) }
	source, err := j.readSource(ctx, r)
	if err != nil {
		return sdk.PutResult{}, j.fail(evidence.ArchiveFail, err, describe)
	}
	defer source.Close()
	done := j.record(evidence.Archive, evidence.Success)
	done.ID = r.Event
	describe(done)
	pending, err := j.note(done)
	if err != nil {
		return sdk.PutResult{}, err
	}

	var stored sdk.PutResult
	_, err = j.try(ctx, evidence.Archive, describe, func(ctx context.Context, backend sdk.Backend) error {
		var err error
		stored, err = put(ctx, backend, source, *r)
		return err
	})
	if err != nil {
		j.abandon(pending, err)
		return stored, j.fail(evidence.ArchiveFail, err, describe)
	}
	r.Content = stored.Content
	describe(done)
	done.Duration = j.elapsed()
	if err := j.done(pending, done); err != nil {
		return stored, evidenceError(fmt.Errorf("stored, not recorded: %s: %w", r.Tombstone, err),
			"the content is safe; the next command that can write evidence records it")
	}
	return stored, nil
}

// readSource opens and hashes the file and fills what it says into r.
func (j *journal) readSource(ctx context.Context, r *sdk.Record) (*archiver.Source, error) {
	source, err := j.openSource(ctx)
	if err != nil {
		return nil, err
	}
	for _, warning := range source.Warnings {
		j.log.Warn(warning)
	}
	source.Fill(r)
	if err := r.Validate(); err != nil {
		source.Close()
		return nil, err
	}
	return source, nil
}

func (s *session) openSource(ctx context.Context) (*archiver.Source, error) {
	compressor, err := archiver.NewCompressor(sdk.Codec(s.config.Archive.Codec), s.config.Archive.Level)
	if err != nil {
		return nil, err
	}
	path := s.flags.Args().Get(1)
	source, err := archiver.Open(ctx, archiver.Request{
		Path: path, Stdin: s.stdin, As: s.flags.String("path"), Commit: s.flags.String("commit"), Compressor: compressor,
	})
	if path != "-" && errors.Is(err, fs.ErrNotExist) {
		return nil, &failure{code: exitUsage, kind: "no_file", err: fmt.Errorf("%s: no such file", path)}
	}
	return source, err
}

// put stores one file. A body that is large is not sent where the archive has
// it: asking costs one round trip, less than a body of several chunks.
func put(ctx context.Context, backend sdk.Backend, source *archiver.Source, r sdk.Record) (sdk.PutResult, error) {
	send := true
	if r.Content.StoredSize < 0 || r.Content.StoredSize > sdk.ChunkSize {
		missing, err := backend.Missing(ctx, []sdk.Digest{r.Content.SHA256})
		if err != nil {
			return sdk.PutResult{}, err
		}
		send = len(missing) > 0
	}
	stored, err := backend.Put(ctx, oneItem(source, r, send))
	if !send && sdk.KindOf(err) == sdk.ContentAbsent {
		// It was purged between the question and the Put.
		stored, err = backend.Put(ctx, oneItem(source, r, true))
	}
	if err != nil {
		return sdk.PutResult{}, err
	}
	if len(stored) != 1 || stored[0].Tombstone != r.Tombstone || stored[0].Content.SHA256 != r.Content.SHA256 {
		return sdk.PutResult{}, sdk.Errorf(sdk.Internal, "the backend confirmed something else than what was stored")
	}
	return stored[0], nil
}

func oneItem(source *archiver.Source, r sdk.Record, send bool) iter.Seq2[sdk.Item, error] {
	return func(yield func(sdk.Item, error) bool) {
		item := sdk.Item{Record: r}
		var err error
		if send {
			item.Body, err = source.Body()
		}
		yield(item, err)
	}
}

// storedView is the result of store.
type storedView struct {
	DryRun bool `json:"dry_run,omitempty"`
	recordView
}

func viewStored(r sdk.Record, stored sdk.PutResult) storedView {
	v := storedView{recordView: viewRecord(r)}
	v.Deduplicated = &stored.Deduplicated
	return v
}

// storeDryRun says what would be stored. The archive is not asked.
func (s *session) storeDryRun(ctx context.Context, r sdk.Record) error {
	source, err := s.openSource(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	source.Fill(&r)
	if err := r.Validate(); err != nil {
		return err
	}
	return writeJSON(s.stdout, storedView{DryRun: true, recordView: viewRecord(r)})
}
