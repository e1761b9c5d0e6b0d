package journal

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

// RestoreGroup restores small files together: one Get, one sync, one intent, one call of
// Append and one write to the log for many of them. A file goes through
// [RestoreGroup.Fetch], [RestoreGroup.Prepare] and [RestoreGroup.Complete]; after any error of these
// it has failed, or may be restored by itself.
type RestoreGroup struct {
	journal *Journal
	bulk    *restorer.Bulk
	room    *semaphore.Weighted // bytes of bodies in memory
}

// groupRoom bounds the bodies that are fetched and not written yet, in bytes.
const groupRoom = 8 << 20

// MaxGroup returns how many files may be under way in a group: each has a
// descriptor of its own and up to two of its directory, while two other groups are
// completed.
func MaxGroup(maxOpen int) int {
	const others = 256 // descriptors of everything else
	return max(min((maxOpen-others)/9, sdk.MaxItems), 1)
}

// NewRestoreGroup returns a RestoreGroup that writes through writer, below base if that is not
// nil. It must be closed.
func (j *Journal) NewRestoreGroup(writer *restorer.Restorer, base *os.Root) (*RestoreGroup, error) {
	bulk, err := restorer.NewBulk(writer, base)
	if err != nil {
		return nil, err
	}
	return &RestoreGroup{journal: j, bulk: bulk, room: semaphore.NewWeighted(groupRoom)}, nil
}

// Close ends the group. No file of it may be under way.
func (g *RestoreGroup) Close() { g.bulk.Close() }

// Groupable reports whether a content is small enough.
func Groupable(c sdk.Content) bool {
	return max(c.Size, c.StoredSize) <= restorer.BulkSize && min(c.Size, c.StoredSize) >= 0
}

// grouped is the state of a file that is restored together with others.
type grouped struct {
	id       sdk.Tombstone
	deadline time.Time // zero: none
	body     restorer.Body
	file     *restorer.File
	failure  error
	busy     time.Duration // what it took alone, and its share of what was done for all
	release  sync.Once     // of body
}

// NewGrouped returns a restore that is done by a [RestoreGroup]. id is the tombstone that
// the order names.
func (j *Journal) NewGrouped(o Order, id sdk.Tombstone, writer *restorer.Restorer) *Restore {
	r := j.NewRestore(o, writer)
	r.group, r.Attempts = &grouped{id: id}, 1
	return r
}

// NotFetched makes a restore of its own of one that was to be done by a [RestoreGroup],
// and whose first attempt has failed with err.
func (j *Journal) NotFetched(o Order, writer *restorer.Restorer, err error) *Restore {
	r := j.NewRestore(o, writer)
	if !errors.Is(err, errLarge) {
		r.earlier = err
	}
	return r
}

// errLarge is about a content that is larger than was said before.
var errLarge = errors.New("too large for a group")

// Fetch gets the contents of files with one Get, and hands out each file when its
// content is in memory, or when it is known why there is none, until take returns
// false. limit is how long a file may take. The error is about the call; the file
// that was to come next is the one that it concerns.
func (g *RestoreGroup) Fetch(ctx context.Context, files []*Restore, limit time.Duration, take func(*Restore) bool) error {
	backend, err := g.journal.backend(ctx)
	if err != nil {
		return err
	}
	var ids []sdk.Tombstone
	for _, r := range files {
		if r.group.failure == nil {
			ids = append(ids, r.group.id)
		}
	}
	turn := time.Now()
	handOut := func(r *Restore) bool {
		r.group.busy = time.Since(turn)
		more := take(r)
		turn = time.Now()
		return more
	}
	answers, stop := iter.Pull2(backend.Get(ctx, ids))
	defer stop()
	for _, r := range files {
		if r.group.failure == nil {
			found, err, ok := answers()
			switch {
			case !ok:
				return sdk.Errorf(sdk.Internal, "the backend answered with nothing")
			case err != nil:
				return err
			}
			if limit > 0 {
				r.group.deadline = turn.Add(limit)
			}
			if err := g.receive(ctx, r, found); err != nil {
				return err
			}
		}
		if !handOut(r) {
			return nil
		}
	}
	_, _, _ = answers() // the end of the call: each file has its answer
	return nil
}

// receive takes in what the archive answered. An error is about the call.
func (g *RestoreGroup) receive(ctx context.Context, r *Restore, found sdk.GetResult) error {
	r.step("Restore started")
	log := r.journal.options.Log
	log.Debug("Retrieving restore payload for tombstone=" + r.order.Tombstone)
	if err := r.check(r.group.id, found); err != nil {
		if e := (*sdk.Error)(nil); errors.As(err, &e) && e.Retry {
			return err
		}
		r.group.failure = err
		return nil
	}
	log.Debug("Decompression codec: " + string(r.Record.Content.Codec))
	if !Groupable(r.Record.Content) {
		return errLarge
	}
	size := r.Record.Content.StoredSize
	if err := g.room.Acquire(ctx, size); err != nil {
		return err
	}
	body := make([]byte, size)
	n, err := io.ReadFull(found.Body, body)
	if err == nil {
		var more int
		if more, err = found.Body.Read(make([]byte, 1)); more > 0 {
			err = sdk.Errorf(sdk.Corrupt, "the body is longer than recorded")
		}
	}
	switch kind := sdk.KindOf(err); {
	case err == io.EOF, err == io.ErrUnexpectedEOF, err == nil:
		r.group.body.Bytes = body[:n]
	case kind == sdk.Corrupt:
		r.group.body = restorer.Body{Bytes: body[:n], Err: err}
	default:
		g.room.Release(size)
		return err
	}
	return nil
}

// Prepare verifies the content of a file and writes it, without a name. Its error
// is the file's.
func (g *RestoreGroup) Prepare(ctx context.Context, r *Restore) error {
	defer g.Drop(r)
	if r.group.failure != nil {
		return r.group.failure
	}
	start := time.Now()
	r.group.file, r.group.failure = g.bulk.Prepare(ctx, &r.Record, r.group.body, r.order.To)
	if r.group.file != nil {
		r.Done = r.group.file.Done
	}
	r.group.busy += time.Since(start)
	return r.group.failure
}

// Drop frees the content of a file that was fetched.
func (g *RestoreGroup) Drop(r *Restore) {
	r.group.release.Do(func() {
		if !r.Record.Tombstone.IsZero() && Groupable(r.Record.Content) && r.group.body.Bytes != nil {
			g.room.Release(r.Record.Content.StoredSize)
		}
		r.group.body = restorer.Body{}
	})
}

// Fail says why a file was not fetched.
func (r *Restore) Fail(err error) { r.group.failure = err }

// Complete names files and records them, or records why they failed.
// Err of a file says that.
func (g *RestoreGroup) Complete(ctx context.Context, files []*Restore) {
	var ready, failed []*Restore
	for _, r := range files {
		if r.group.failure == nil {
			ready = append(ready, r)
		}
	}
	if len(ready) > 0 {
		g.publish(ctx, ready)
	}
	for _, r := range files {
		if r.group.failure != nil {
			failed = append(failed, r)
		}
		if f := r.group.file; f != nil {
			r.Done = f.Done
			f.Close()
		}
	}
	g.fail(failed)
}

// publish publishes files, when their bytes and the intent are on disk, and
// records them.
func (g *RestoreGroup) publish(ctx context.Context, files []*Restore) {
	start := time.Now()
	records := successes(files)
	intent, err := g.sync(files, records)
	if err != nil {
		for _, r := range files {
			r.group.failure = err
		}
		return
	}
	for _, r := range files {
		r.group.failure = r.publishPrepared(ctx)
	}
	g.bulk.SyncNames(prepared(files))
	var published []*Restore
	var kept []*evidence.Record
	share := time.Since(start) / time.Duration(len(files))
	for i, r := range files {
		r.group.busy += share
		if r.group.failure == nil {
			r.group.failure = r.group.file.Err
		}
		if r.group.failure == nil {
			published = append(published, r)
			kept = append(kept, records[i])
		}
	}
	if len(published) == 0 {
		g.journal.forget(intent)
		return
	}
	g.journal.recordPublished(ctx, intent, published, kept)
}

// sync writes the bytes of files and the intent to the disk.
func (g *RestoreGroup) sync(files []*Restore, records []*evidence.Record) (intent *evidence.PendingIntent, err error) {
	var syncing sync.WaitGroup
	syncing.Go(func() { g.bulk.Sync(prepared(files)) })
	intent, err = g.journal.begin(records...)
	syncing.Wait()
	return intent, err
}

func prepared(files []*Restore) []*restorer.File {
	list := make([]*restorer.File, len(files))
	for i, r := range files {
		list[i] = r.group.file
	}
	return list
}

// publishPrepared names a file, if there is time left.
func (r *Restore) publishPrepared(ctx context.Context) error {
	file := r.group.file
	switch {
	case file.Err != nil:
		return file.Err
	case ctx.Err() != nil:
		return sdk.AsError(ctx.Err())
	case !r.group.deadline.IsZero() && time.Now().After(r.group.deadline):
		return sdk.AsError(context.DeadlineExceeded)
	}
	err := file.Publish(ctx)
	r.Done = file.Done
	for _, warning := range r.Done.Warnings {
		r.journal.options.Log.Warn(warning)
	}
	return err
}

// recordPublished records files whose intent is written.
func (j *Journal) recordPublished(ctx context.Context, intent *evidence.PendingIntent, files []*Restore, records []*evidence.Record) {
	ctx, cancel := toRecord(ctx)
	defer cancel()
	if j.recordBegun(ctx, intent, files, records) {
		return
	}
	for i := range files { // the archive refused one of them
		j.recordGroup(ctx, files[i:i+1])
	}
}

// fail records that files failed.
func (g *RestoreGroup) fail(files []*Restore) {
	records := make([]*evidence.Record, len(files))
	for i, r := range files {
		records[i] = g.journal.failure(evidence.RestoreFail, r.group.failure, r.describeFailure)
		r.Err = r.group.failure
	}
	if append := g.journal.file.Append(records...); append != nil {
		for _, r := range files {
			r.Err = notRecorded(r.Err, append)
		}
	}
}
