package main

import (
	"bufio"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/archive"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/sdk"
)

func (p *program) restoreCommand() *cli.Command {
	return p.command(&cli.Command{
		Name:      "restore",
		Usage:     "bring an archived file back, verified, and print where it is",
		UsageText: "codex archive restore TOMBSTONE OUTPUT --by WHO [flags]",
		Description: "Writes the content to OUTPUT with the mode and the time of the file that was stored, after\n" +
			"checking it against its SHA-256. OUTPUT holds the old file or the whole new one, never a part.\n" +
			"TOMBSTONE may be shortened to 8 or more characters. If OUTPUT is a directory, the file goes into\n" +
			"it under its recorded name; OUTPUT - writes to standard output. An OUTPUT with other content\n" +
			"is refused, unless --force is given.\n\n" +
			"EXAMPLES:\n" +
			"   codex archive restore 8e3531b9-c839-4a07-9dec-507c36136eb1 ./old_module.py --by developer\n" +
			"   codex archive restore 8e3531b9 restored/ --by developer --timeout 30\n" +
			"   codex archive restore 8e3531b9 - --by developer | less",
		Flags: []cli.Flag{
			byFlag(),
			&cli.BoolFlag{Name: "force", Usage: "replace OUTPUT if it exists", DisableDefaultText: true},
		},
	}, (*session).restore)
}

// restoration is one restore on its way: what is known of it so far.
type restoration struct {
	*journal
	writer   *archive.Restorer
	to       archive.Destination
	typed    string // the tombstone as the user gave it
	record   sdk.Record
	done     archive.Restored
	attempts int
}

// restoredView is the result of restore with --json.
type restoredView struct {
	Tombstone     string  `json:"tombstone"`
	Output        string  `json:"output"`
	Unchanged     bool    `json:"unchanged"`
	SHA256        string  `json:"sha256"`
	Size          int64   `json:"size_bytes"`
	Repo          string  `json:"repo"`
	Path          string  `json:"path"`
	Duration      millis  `json:"duration_ms"`
	Decompression *millis `json:"decompression_ms,omitempty"`
	Write         *millis `json:"write_ms,omitempty"`
	Attempts      int     `json:"attempts"`
}

func (s *session) restore(ctx context.Context) error {
	if err := s.arguments(2, 2, "TOMBSTONE", "OUTPUT"); err != nil {
		return err
	}
	who, err := s.actor()
	if err != nil {
		return err
	}
	args := s.flags.Args()
	if args.Get(1) == "" {
		return usageError("OUTPUT is empty")
	}
	if args.Get(1) == "-" && s.json {
		return usageError("--json and OUTPUT - both want standard output")
	}
	if err := s.dial(ctx, sdk.ReadWrite); err != nil {
		return err
	}
	j, err := s.openEvidence(who)
	if err != nil {
		return err
	}
	s.metric("Restore started")
	r := &restoration{
		journal: j, writer: &archive.Restorer{}, typed: args.Get(0),
		to: archive.Destination{Path: args.Get(1), Force: s.flags.Bool("force")},
	}
	if err := r.run(ctx); err != nil {
		return err
	}
	return r.answer()
}

// run restores one file and records it.
func (r *restoration) run(ctx context.Context) error {
	if err := r.to.Check(); err != nil {
		return r.failed(err)
	}
	var err error
	r.attempts, err = r.try(ctx, evidence.Restore, r.describe, r.attempt)
	if err != nil {
		return r.failed(err)
	}
	return r.finish(ctx)
}

// attempt gets the content and publishes it.
func (r *restoration) attempt(ctx context.Context, backend sdk.Backend) error {
	r.log.Debug("Retrieving restore payload for tombstone=" + r.typed)
	id, err := findTombstone(ctx, backend, r.typed)
	if err != nil {
		return err
	}
	for found, err := range backend.Get(ctx, []sdk.Tombstone{id}) {
		if err == nil {
			err = found.Err
		}
		if sdk.KindOf(err) == sdk.NotFound {
			return tombstoneNotFound(r.typed)
		}
		if err != nil {
			return err
		}
		if found.Record.Tombstone != id {
			return sdk.Errorf(sdk.Internal, "the backend answered with another record than was asked for")
		}
		r.record = found.Record
		return r.publish(ctx, found)
	}
	return sdk.Errorf(sdk.Internal, "the backend answered with nothing")
}

// publish verifies the content and gives it its place.
func (r *restoration) publish(ctx context.Context, found sdk.Found) error {
	r.log.Debug("Decompression codec: " + string(r.record.Content.Codec))
	var err error
	if r.to.Path == "-" {
		r.done, err = archive.Print(ctx, &r.record, found.Body, r.stdout)
	} else {
		r.done, err = r.writer.Restore(ctx, &r.record, found.Body, r.to)
	}
	for _, warning := range r.done.Warnings {
		r.log.Warn(warning)
	}
	return err
}

// finish writes the event into the archive and the evidence. The file stands
// already and stays, whatever happens here.
func (r *restoration) finish(ctx context.Context) error {
	// Whoever interrupts now has the file all the same, so it is recorded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	e := r.evidence(evidence.Success)
	e.Attempts = r.attempts
	pending, err := r.note(e)
	if err != nil {
		return restoredButNot("recorded", r.done.Path, err)
	}
	_, err = r.try(ctx, evidence.Restore, r.describe, func(ctx context.Context, backend sdk.Backend) error {
		return backend.Append(ctx, []sdk.Event{r.event(e.ID)})
	})
	switch {
	case sdk.KindOf(err) == sdk.Denied:
		r.log.Warn("The archive can't be written, so the restore is not in its history: " + err.Error())
		e.DBEvent = "skipped"
	case err != nil:
		r.abandon(pending, err)
		return restoredButNot("in the archive's history", r.done.Path, r.failed(err))
	}
	e.Duration = r.elapsed()
	if err := r.journal.done(pending, e); err != nil {
		return restoredButNot("recorded", r.done.Path, evidenceError(err, ""))
	}
	return nil
}

// recordTimeout bounds how long recording may take after the file stands.
const recordTimeout = time.Minute

// restoredButNot keeps exit code and kind of err and says that the file stands.
func restoredButNot(what, path string, err error) error {
	f := *asFailure(err)
	f.err = fmt.Errorf("%s is restored, but not %s: %w", path, what, err)
	f.hint = "the file is whole and verified; nobody will find its restore in the history"
	return &f
}

// event is the restore as the archive's history keeps it.
func (r *restoration) event(id sdk.ID) sdk.Event {
	detail := map[string]string{"output": printable(r.done.Path)}
	if len(detail["output"]) > sdk.MaxPath {
		detail["output"] = filepath.Base(detail["output"])
	}
	return sdk.Event{ID: id, Tombstone: r.record.Tombstone, Action: sdk.Restored, Actor: r.actor, At: sdk.Time(time.Now()), Detail: detail}
}

// evidence returns the record of this restore.
func (r *restoration) evidence(status evidence.Status) *evidence.Record {
	e := r.journal.record(evidence.Restore, status)
	r.describe(e)
	if m := r.config.Performance; m.EnableMetrics {
		e.Write = &r.done.Write
		if m.TrackDecompression {
			e.Decompression = &r.done.Decompression
		}
	}
	return e
}

// describe fills in what is known of the restore.
func (r *restoration) describe(e *evidence.Record) {
	e.Tombstone, e.Output = r.typed, r.to.Path
	if !r.record.Tombstone.IsZero() {
		e.Tombstone, e.Repo, e.Path = r.record.Tombstone.String(), r.record.Repo, r.record.Path
	}
	if r.done.Path != "" {
		e.Output = r.done.Path
	}
}

func (r *restoration) failed(err error) error {
	return r.fail(evidence.RestoreFail, err, func(e *evidence.Record) {
		r.describe(e)
		e.Attempts = max(r.attempts, 1)
	})
}

// answer says on stderr how long it took and on stdout where the file is.
func (r *restoration) answer() error {
	took := r.elapsed()
	m := r.config.Performance
	if m.TrackDecompression {
		r.log.Debug("Decompression completed in " + millis(r.done.Decompression).String())
		r.metric("Decompression completed in " + millis(r.done.Decompression).String())
	}
	r.metric("File written in " + millis(r.done.Write).String())
	message := "Restore completed in " + millis(took).String()
	if m.EnableMetrics {
		message += " total"
	}
	r.log.Info(message, r.facts(evidence.Restore, r.actor, r.record.Tombstone, took)...)
	r.warnRetention(r.record)
	if r.json {
		return writeJSON(r.stdout, r.view(took))
	}
	if r.to.Path == "-" {
		return nil
	}
	out := bufio.NewWriter(r.stdout)
	out.WriteString(r.done.Path)
	out.WriteByte('\n')
	return out.Flush()
}

func (r *restoration) view(took time.Duration) restoredView {
	v := restoredView{
		Tombstone: r.record.Tombstone.String(), Output: r.done.Path, Unchanged: r.done.Unchanged,
		SHA256: r.record.Content.SHA256.String(), Size: r.record.Content.Size,
		Repo: r.record.Repo, Duration: millis(took), Attempts: r.attempts,
	}
	v.Path, _ = pathText(r.record.Path)
	if m := r.config.Performance; m.EnableMetrics {
		write, decompression := millis(r.done.Write), millis(r.done.Decompression)
		v.Write = &write
		if m.TrackDecompression {
			v.Decompression = &decompression
		}
	}
	return v
}

// metric logs a timing, where metrics are on.
func (s *session) metric(message string) {
	if s.config.Performance.EnableMetrics {
		s.log.Info(message)
	}
}
