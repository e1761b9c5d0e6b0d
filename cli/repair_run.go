package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/sources"
	"github.com/codex-archive/codex/cli/internal/verifier"
	"github.com/codex-archive/codex/sdk"
)

// repairRun connects a repair to the archive, the source, the evidence and the
// people who wait for it.
type repairRun struct {
	command *app.Command
	targets targets
	source  repairSource
	opener  restorer.Opener
	archive *app.Archive
	journal *journal.Journal // nil in a dry run
	report  *repairReport
	checker *restorer.BodyChecker
	damaged map[sdk.Digest]*damagedContent
	order   []sdk.Digest // of damaged, as they were found
}

// damagedContent is a content to repair, with the records that have it.
type damagedContent struct {
	sources.Wanted
	records []sdk.Tombstone
	why     error // the first record cannot be read
	failure error // of an attempt to repair it, which is recorded

	encrypted bool // in the archive
}

func (r *repairRun) run(ctx context.Context) (err error) {
	if r.checker, err = restorer.NewBodyChecker(r.opener); err != nil {
		return err
	}
	defer r.checker.Close()
	r.damaged = map[sdk.Digest]*damagedContent{}
	err = r.examine(ctx)
	r.report.verify.progress.End()
	if err == nil && len(r.order) > 0 {
		err = r.repair(ctx)
	}
	return r.report.end(ctx, err)
}

// read calls do with the opened archive.
func (r *repairRun) read(ctx context.Context, about sdk.Tombstone, do func(context.Context, sdk.Backend) error) error {
	if r.journal != nil {
		return r.journal.Read(ctx, evidence.Repair, about.String(), do)
	}
	return r.archive.Read(ctx, do)
}

// examine finds out what is damaged.
func (r *repairRun) examine(ctx context.Context) error {
	var health sdk.Health
	err := r.read(ctx, sdk.Tombstone{}, func(ctx context.Context, backend sdk.Backend) (err error) {
		health, err = backend.Health(ctx)
		return err
	})
	if err != nil {
		return err
	}
	total := len(r.targets.names)
	if r.command.Flags.Bool("all") {
		total = int(health.Live)
	}
	r.report.begin(total)
	list := func(ctx context.Context, do func(context.Context, sdk.Backend) error) error {
		return r.read(ctx, sdk.Tombstone{}, do)
	}
	return verifier.Run{
		Targets: func(yield func(verifier.Target, error) bool) {
			for t, err := range r.targets.all(ctx, list) {
				if !yield(verifier.Target{Name: t.Name, Entry: t.Entry}, err) {
					return
				}
			}
		},
		Jobs: r.command.Config.Batch.MaxConcurrent, Read: r.read, Check: r.checker.Check,
		Unreachable: r.archive.Unreachable,
		Done:        r.examined, Came: func(verifier.Target) {},
	}.Start(ctx)
}

// examined takes in what a record is.
func (r *repairRun) examined(result verifier.Result) {
	r.report.examined(&result)
	if !repairable(&result) {
		return
	}
	record := &result.Entry.Record
	digest, size := record.Content.SHA256, record.Content.Size
	if result.Status == verifier.Unreadable {
		size = sources.AnySize // it may be what is wrong
	}
	d := r.damaged[digest]
	if d == nil {
		d = &damagedContent{Wanted: sources.Wanted{SHA256: digest, Size: size}}
		if result.Status == verifier.Unreadable {
			d.why = result.Err
		}
		r.damaged[digest] = d
		r.order = append(r.order, digest)
	}
	d.records = append(d.records, record.Tombstone)
	d.encrypted = record.Content.Codec == sdk.ZstdAge
}

// repairable reports whether the content of a record may be put back. Of a record
// that cannot be read that is not known before content is found: what is wrong may
// be what the archive says of its content.
func repairable(result *verifier.Result) bool {
	switch result.Status {
	case verifier.Damaged, verifier.Missing:
		return true
	case verifier.Unreadable:
		return !result.Entry.Record.Content.SHA256.IsZero()
	}
	return false
}

// repair looks for what is damaged, and puts it back.
func (r *repairRun) repair(ctx context.Context) error {
	wanted := make([]sources.Wanted, 0, len(r.order))
	for _, digest := range r.order {
		d := r.damaged[digest]
		records, err := r.recordsOf(ctx, d)
		if err != nil {
			return err
		}
		for i := range records {
			if blob := records[i].GitBlob; blob != "" {
				d.GitBlob = blob
			}
		}
		wanted = append(wanted, d.Wanted)
	}
	search := sources.NewSearch(wanted, r.putBack)
	search.Warn = func(message string) { r.command.Log.Warn(message) }
	if err := r.source.look(ctx, search, r.opener); err != nil {
		return err
	}
	for _, w := range search.Left() {
		if err := r.notRepaired(ctx, r.damaged[w.SHA256]); err != nil {
			return err
		}
	}
	return nil
}

// recordsOf asks the archive for the records of a content.
func (r *repairRun) recordsOf(ctx context.Context, d *damagedContent) (records []sdk.Record, err error) {
	for some := range slices.Chunk(d.records, sdk.MaxItems) {
		err := r.read(ctx, some[0], func(ctx context.Context, backend sdk.Backend) error {
			records = slices.DeleteFunc(records, func(r sdk.Record) bool { return slices.Contains(some, r.Tombstone) })
			for entry, err := range find.List(ctx, backend, sdk.Query{Tombstones: some}, nil) {
				if err == nil && entry.Record.Content.SHA256.IsZero() {
					err = entry.Err
				}
				if err != nil {
					return err
				}
				records = append(records, entry.Record)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(records) == 0 {
		return nil, sdk.Errorf(sdk.NotFound, "the records of the content %v are gone", d.SHA256)
	}
	return records, nil
}

// putBack stores a content that was found. One that turns out to be another, or
// cannot be read, is passed over: the search goes on.
func (r *repairRun) putBack(ctx context.Context, digest sdk.Digest, found sources.Content) (settled bool, err error) {
	d, from := r.damaged[digest], found.From
	if r.source.archive != nil {
		from += " of " + r.source.name
	}
	switch {
	case d.encrypted && r.command.Config.Archive.RecipientsFile == "":
		found.Discard()
		return false, output.Errorf(output.Config, "the content of %v was encrypted and would be stored in plain: archive.recipients_file names no recipients", d.records[0])
	case r.journal == nil && d.Size != sources.AnySize:
		found.Discard()
		r.report.repaired(d, from)
		return true, nil
	}
	source, err := r.open(ctx, digest, found)
	if err != nil {
		r.command.Log.Warn(fmt.Sprintf("%s is left out: %v", from, err))
		return false, ctx.Err()
	}
	defer source.Close()
	records, changed, err := r.fitting(ctx, d, source.Content.Size)
	if err != nil {
		return false, err
	}
	if len(records) == 0 {
		d.why = errChanged
		return false, nil
	}
	if r.journal != nil {
		err = r.journal.Repair(ctx, records, source, from, func(ctx context.Context, backend sdk.Backend) error {
			return r.readBack(ctx, backend, records[0].Tombstone)
		})
	}
	switch {
	case err == nil:
		return true, r.putBackSome(d, records, changed, from)
	case output.CodeOf(err) == output.ExitEvidence || ctx.Err() != nil || r.archive.Unreachable(ctx, err):
		return false, err
	}
	d.failure = err
	r.command.Log.Warn(fmt.Sprintf("%s did not repair %v: %v", from, records[0].Tombstone, err))
	return false, nil
}

// errChanged says that no content makes a record what was stored.
var errChanged = sdk.Errorf(sdk.Corrupt, "the record was changed in the archive, and not only its content")

// putBackSome reports the records whose content is whole again, and those that were
// changed.
func (r *repairRun) putBackSome(d *damagedContent, whole, changed []sdk.Record, from string) error {
	r.report.repaired(&damagedContent{Wanted: d.Wanted, records: idsOf(whole)}, from)
	if len(changed) == 0 {
		return nil
	}
	r.report.notRepaired(&damagedContent{Wanted: d.Wanted, records: idsOf(changed)}, errChanged)
	if r.journal == nil {
		return nil
	}
	return r.journal.NotRepaired(changed, errChanged)
}

// fitting returns those records of a content that are what was stored if its size is
// the one given, and those that are not.
func (r *repairRun) fitting(ctx context.Context, d *damagedContent, size int64) (fit, changed []sdk.Record, err error) {
	records, err := r.recordsOf(ctx, d)
	for _, record := range records {
		was := record.Content.Size
		if record.Content.Size = size; record.CheckDigest() == nil {
			fit = append(fit, record)
			continue
		}
		record.Content.Size = was
		changed = append(changed, record)
	}
	return fit, changed, err
}

func idsOf(records []sdk.Record) (ids []sdk.Tombstone) {
	for i := range records {
		ids = append(ids, records[i].Tombstone)
	}
	return ids
}

// open reads what was found once more. It must still have the hash.
func (r *repairRun) open(ctx context.Context, digest sdk.Digest, found sources.Content) (*archiver.Source, error) {
	compressor, err := newCompressor(r.command)
	if err != nil {
		return nil, err
	}
	if found.Spool != nil {
		return archiver.OfSpool(found.Spool, digest, compressor)
	}
	source, err := archiver.OpenContent(ctx, found.Path, compressor)
	if err == nil && source.Content.SHA256 != digest {
		_ = source.Close() // it was only read
		err = archiver.ErrChanged
	}
	return source, err
}

// readBack reads the content of a record from the archive, and checks it.
func (r *repairRun) readBack(ctx context.Context, backend sdk.Backend, id sdk.Tombstone) error {
	for found, err := range backend.Get(ctx, []sdk.Tombstone{id}) {
		if err = errors.Join(err, found.Err); err != nil {
			return err
		}
		if err := found.Record.CheckDigest(); err != nil {
			return err
		}
		return r.checker.Check(ctx, &found.Record, found.Body)
	}
	return sdk.Errorf(sdk.Internal, "the backend answered with nothing")
}

// notRepaired says of a content that it was not found.
func (r *repairRun) notRepaired(ctx context.Context, d *damagedContent) error {
	err := d.failure
	if err == nil {
		err = output.Errorf(output.KindOf(sdk.Corrupt), "no content with SHA-256 %v was found in %s", d.SHA256, r.source.name).
			WithHint("look in another place: a repair that is run again does what is left")
		if d.why != nil {
			err = fmt.Errorf("%w; %w", d.why, err)
		}
		if errors.Is(d.why, errChanged) {
			err = d.why
		}
	}
	r.report.notRepaired(d, err)
	if r.journal == nil || d.failure != nil { // that is recorded
		return nil
	}
	records, lost := r.recordsOf(ctx, d)
	if lost != nil {
		return lost
	}
	return r.journal.NotRepaired(records, err)
}
