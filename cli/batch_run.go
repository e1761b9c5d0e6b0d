package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/cli/internal/app"
	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/sdk"
)

// batchRun connects a batch to the archive, the evidence and the file system.
type batchRun struct {
	plan     *batchPlan
	archive  *app.Archive
	journal  *journal.Journal
	recorder *journal.Recorder
	writer   *restorer.Restorer
	own      func(path string, dir fs.FileInfo) func(name string) bool // see [restorer.Destination]
	memory   []int64                                                   // by index: bytes that restoring the item takes
	small    smallItems
	hung     sync.Mutex // held while the backend is asked whether it hangs
}

// run does the batch. From here on there is a results file in any case.
func (p *batchPlan) run(ctx context.Context) error {
	opener, err := newOpener(p.command)
	if err != nil {
		return err
	}
	archive, j, err := p.open(ctx)
	if err != nil {
		return err
	}
	r := &batchRun{plan: p, archive: archive, journal: j, recorder: j.NewRecorder(), writer: restorer.New(opener), own: own(p.command), memory: make([]int64, len(p.manifest.Items))}
	if err := r.checkIdentity(ctx, opener); err != nil {
		return err
	}
	if err := r.small.open(r); err != nil {
		return err
	}
	defer r.small.close()
	job, err := r.newJob(ctx)
	if err != nil {
		return err
	}
	r.start(ctx, job)
	return r.finish(ctx, job)
}

// checkIdentity finds out before the first item whether a private key is missing,
// where the configuration says that content is encrypted.
func (r *batchRun) checkIdentity(ctx context.Context, opener restorer.Opener) error {
	if r.plan.command.Config.Archive.RecipientsFile == "" || !opener.Identities.None() {
		return nil
	}
	all := make([]int, len(r.plan.manifest.Items))
	for i := range all {
		all[i] = i
	}
	records, err := r.lookUp(ctx, all)
	if err != nil {
		return nil // the items say so
	}
	for i := range records {
		if err := opener.Identities.Check(&records[i].Entry.Record); err != nil {
			return err
		}
	}
	return nil
}

func (r *batchRun) newJob(ctx context.Context) (*batch.Job, error) {
	p, c := r.plan, r.plan.command
	job := &batch.Job{
		Results: batch.NewResults(p.manifest), From: p.from, Onward: c.Config.Batch.ContinueOnError,
		Unreachable: func(err error) bool { return r.archive.Unreachable(ctx, err) },
		Progress:    c.Progress(),
	}
	if c.Flags.IsSet("continue-on-error") {
		job.Onward = c.Flags.Bool("continue-on-error")
	}
	var err error
	if job.File, err = makeResults(c, batch.RestoreForm, "", job.Results, "nothing was restored"); err != nil {
		return nil, err
	}
	if p.earlier != nil {
		job.CarryOver(r.stillThere(ctx, job.Results.Successes(p.earlier)))
	}
	return job, nil
}

// stillThere returns those of the items that an earlier run succeeded in whose
// output still has the content of the record. If the archive cannot be asked it
// returns none: to restore a file that is there changes nothing.
func (r *batchRun) stillThere(ctx context.Context, indices []int) []int {
	records, err := r.lookUp(ctx, indices)
	if err != nil {
		return nil
	}
	var there []int
	for i, index := range indices {
		if records[i].Err == nil && r.plan.outputs.hold(r.plan.manifest.Items[index].Output, records[i].Entry.Record.Content) {
			there = append(there, index)
		}
	}
	return there
}

// lookUp asks the archive for the records of items.
func (r *batchRun) lookUp(ctx context.Context, indices []int) ([]find.Record, error) {
	backend, err := r.archive.Backend(ctx)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(indices))
	for i, index := range indices {
		texts[i] = r.plan.manifest.Items[index].Tombstone
	}
	return find.Records(ctx, backend, texts)
}

// batchMemory bounds, in bytes, what the contents under way take together: 4
// large files, each with a window of 4 MiB. With 32 files of 300 MB the process
// has 89 MiB then; with 32 MiB here it had 120, and was no faster. Small contents
// do not count, so that none waits behind large ones: 32 of them are 16 MiB.
const (
	batchMemory = 24 << 20
	smallMemory = 512 << 10
)

// The soft limit of the heap, in bytes: what a batch of any size takes, and what
// is kept of each item until the end. Without it the collector waits until the
// heap has doubled, which is much where many items are kept.
const (
	heapBase    = 72 << 20
	heapPerItem = 320
)

// limitHeap sets the soft limit for a batch, unless a lower one is set. Below it
// garbage is collected seldom: a batch of 1,000 files had 17 collections.
func limitHeap(items int) {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(min(debug.SetMemoryLimit(-1), int64(heapBase+heapPerItem*items)))
}

// learn finds out how much memory items take, and which can be done together.
// Without an answer each counts as a large file, and the error shows when the item
// is restored.
func (r *batchRun) learn(ctx context.Context, indices []int) {
	if timeout := r.plan.command.Config.Batch.TimeoutPerItem; timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	records, err := r.lookUp(ctx, indices)
	for i, index := range indices {
		content := sdk.Content{Size: math.MaxInt64, Codec: sdk.Zstd}
		if err == nil {
			content = records[i].Entry.Record.Content // zero if there is none
			r.small.learn(index, records[i])
		}
		r.know(index, content)
	}
}

// know notes how much memory an item takes.
func (r *batchRun) know(index int, content sdk.Content) {
	if memory := restorer.Memory(content); memory > smallMemory {
		r.memory[index] = memory
	}
}

// start does the items.
func (r *batchRun) start(ctx context.Context, job *batch.Job) {
	c := r.plan.command
	from := "manifest"
	if isQuery(c) {
		from = "the archive"
	}
	job.Begin(from, r.plan.resumed)
	defer job.Progress.End()
	defer r.recorder.Close()
	go r.recorder.Run(ctx)
	quiet := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			c.Log.Warn("Interrupted: items under way are finished, and no other begins; a second interrupt ends at once")
		}
	})
	defer quiet()
	learn := r.learn
	if r.plan.large != nil {
		r.learnFound()
		learn = nil
	}
	job.Start(ctx, batch.Run{
		Parallel: c.Config.Batch.MaxConcurrent, Timeout: c.Config.Batch.TimeoutPerItem, Room: batchMemory,
		Learn: learn, Memory: func(index int) int64 { return r.memory[index] }, Do: r.restore, Groups: r.groups(),
	})
}

// restore restores one item and has it recorded.
func (r *batchRun) restore(ctx context.Context, index int) (time.Duration, error) {
	file := r.journal.NewRestore(r.order(index), r.writer)
	if err := r.small.earlier(index); err != nil {
		file = r.journal.NotFetched(r.order(index), r.writer, err)
	}
	file.Publish(ctx)
	if file.Err == nil {
		r.recorder.Record(file)
	}
	return r.ended(ctx, file)
}

// order says what is to be done for an item.
func (r *batchRun) order(index int) journal.Order {
	p, item := r.plan, r.plan.manifest.Items[index]
	return journal.Order{
		Tombstone: item.Tombstone, SHA256: item.SHA256, Level: hclog.Debug,
		To: restorer.Destination{Path: item.Output, Base: p.outputs.base, Force: p.command.Flags.Bool("force"), Own: r.own},
	}
}

// ended says how the restore of an item ended. ctx is that of the item.
func (r *batchRun) ended(ctx context.Context, file *journal.Restore) (time.Duration, error) {
	c := r.plan.command
	switch {
	case file.Err == nil:
		file.Log()
		c.WarnRetention(file.Record)
	case errors.Is(file.Err, context.DeadlineExceeded) && retry.Over(ctx, 0):
		file.Err = itemTimedOut(c, file.Err)
		r.killHung(ctx)
	}
	return file.Took, file.Err
}

func itemTimedOut(c *app.Command, err error) error {
	return fmt.Errorf("not done within %v (batch.timeout_per_item): %w", c.Config.Batch.TimeoutPerItem, err)
}

// killHung ends a backend that does not answer any more, after the time of an item
// was over, so that the items that follow have another.
func (r *batchRun) killHung(ctx context.Context) {
	r.hung.Lock() // one item asks, and the others find the next process
	defer r.hung.Unlock()
	r.archive.KillHung(context.WithoutCancel(ctx))
}

// finish writes the results, records the batch, and says how it ended.
func (r *batchRun) finish(ctx context.Context, job *batch.Job) error {
	c := r.plan.command
	job.Save()
	recorded := r.record(job)
	resume := r.plan.resumeCommand(job.StopsAgain())
	end := job.Outcome(ctx, recorded, resume)
	if c.JSON {
		return output.EndJSON(c.Env.Stdout, job.Results.Write, end)
	}
	return cmp.Or(end, job.End(resume))
}

// record leaves the line of evidence about the whole batch.
func (r *batchRun) record(job *batch.Job) error {
	counts, summary := job.Counts(), job.Results.Summary()
	status := evidence.Success
	if counts.Undone > 0 || counts.Failed > 0 {
		status = evidence.Failed
	}
	return r.journal.RecordBatch(status, evidence.Batch{
		Processed: counts.Done, Succeeded: counts.Done - counts.Failed, Failed: counts.Failed, Skipped: summary.Total - counts.Done,
		Total: output.Millis(summary.Duration), ResultsFile: job.File.Path(),
	})
}
