package journal

import (
	"context"
	"iter"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Store hands a file to the archive and records that. It fills into r what the
// file says. open opens the file.
func (j *Journal) Store(ctx context.Context, r *sdk.Record, open func(context.Context) (*archiver.Source, error)) (sdk.PutResult, error) {
	describe := func(e *evidence.Record) { describeStored(e, *r) }
	source, err := j.readSource(ctx, r, open)
	if err != nil {
		return sdk.PutResult{}, j.fail(evidence.ArchiveFail, err, describe)
	}
	defer source.Close()
	record := j.record(evidence.Archive, evidence.Success)
	record.ID = r.Event
	describe(record)

	var stored sdk.PutResult
	intent, err := j.act(ctx, evidence.Archive, []*evidence.Record{record}, func(ctx context.Context, backend sdk.Backend) error {
		err := j.checkRetention(ctx, backend, r)
		if err != nil {
			return err
		}
		stored, err = put(ctx, backend, source, *r)
		return err
	}, describe)
	if err != nil {
		j.abandon(intent, err)
		if output.CodeOf(err) == output.ExitEvidence {
			return stored, err
		}
		return stored, j.fail(evidence.ArchiveFail, err, describe)
	}
	r.Content = stored.Content
	describe(record)
	record.Duration = output.Millis(time.Since(j.options.Started))
	if err := j.finish(intent, record); err != nil {
		return stored, output.Errorf(output.Evidence, "stored, not recorded: %s: %w", r.Tombstone, err).
			WithHint("the content is safe; the next command that can write evidence records it")
	}
	j.completed(hclog.Info, "Store completed in "+record.Duration.String(), record)
	return stored, nil
}

// describeStored fills in what a record says of a stored file.
func describeStored(e *evidence.Record, r sdk.Record) {
	e.Tombstone, e.Repo, e.Path, e.Commit, e.Reason = r.Tombstone.String(), r.Repo, r.Path, r.Commit, r.Reason
	e.SHA256, e.Size = r.Content.SHA256.String(), r.Content.Size
	e.CompressedSize, e.Codec = max(r.Content.StoredSize, 0), string(r.Content.Codec)
	if e.Action == evidence.Archive && e.Status == evidence.Success {
		e.EventAt, e.Digest = sdk.Time(r.ArchivedAt), r.Digest
	}
}

// readSource opens and hashes the file and fills what it says into r.
func (j *Journal) readSource(ctx context.Context, r *sdk.Record, open func(context.Context) (*archiver.Source, error)) (*archiver.Source, error) {
	source, err := open(ctx)
	if err != nil {
		return nil, err
	}
	for _, warning := range source.Warnings {
		j.options.Log.Warn(warning)
	}
	source.Fill(r)
	if err := r.Validate(); err != nil {
		source.Close()
		return nil, err
	}
	return source, nil
}

// put stores one file. A body that is large is not sent if the archive has it:
// asking costs one round trip, less than a body of several chunks.
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
		// It was purged, or is damaged.
		stored, err = backend.Put(ctx, oneItem(source, r, true))
	}
	if err != nil {
		return sdk.PutResult{}, err
	}
	if err := find.Confirmed(stored, &r); err != nil {
		return sdk.PutResult{}, err
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
