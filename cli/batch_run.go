package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/semaphore"

	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/retry"
	"github.com/codex-archive/codex/sdk"
)

// batchRun is a batch under way. After start only Done of its batch.Run, which
// is called by one goroutine at a time, changes it.
type batchRun struct {
	*batchPlan
	journal  *journal
	recorder *recorder
	writer   restorer.Restorer
	results  *batch.Results
	file     *batch.File
	progress *batchProgress
	room     *semaphore.Weighted // batchMemory, for content that is not small

	onward  bool        // go on after a failure
	ended   []bool      // by index: what this run has finished
	codes   map[int]int // how many items failed with an exit code
	saveErr error
}

// run does the batch. From here on there is a results file whatever happens.
func (p *batchPlan) run(ctx context.Context) error {
	if err := p.dial(ctx, sdk.ReadWrite); err != nil {
		return err
	}
	j, err := p.openEvidence(p.who)
	if err != nil {
		return err
	}
	r := &batchRun{
		batchPlan: p, journal: j, results: batch.NewResults(p.manifest), onward: p.config.Batch.ContinueOnError,
		ended: make([]bool, len(p.manifest.Items)), codes: map[int]int{},
	}
	if p.flags.IsSet("continue-on-error") {
		r.onward = p.flags.Bool("continue-on-error")
	}
	if p.earlier != nil {
		p.carried = r.results.CarryOver(p.earlier)
	}
	if r.file, err = p.resultsFile(); err != nil {
		return err
	}
	if err := r.file.Save(r.results); err != nil {
		r.file.Discard()
		return &failure{code: exitFailed, kind: "failed", err: err, hint: "nothing was restored: --results names a file elsewhere"}
	}
	r.start(ctx)
	return r.finish(ctx)
}

// start does the items.
func (r *batchRun) start(ctx context.Context) {
	// A reader of our output that went away must not end the batch half done:
	// with the signal taken, writing fails instead.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)

	parallel := r.config.Batch.MaxConcurrent
	policy := r.policy()
	// Each item under way may use up its repeats; after that repeats come back
	// only with successes.
	r.journal.budget = retry.NewBudget(parallel * max(policy.Attempts-1, 0))
	r.journal.stop = ctx.Done()
	r.progress = newBatchProgress(r.session, len(r.results.Items), r.before())
	r.progress.begin(r.batchPlan)
	r.room = semaphore.NewWeighted(batchMemory)
	r.recorder = newRecorder(r.journal)
	defer r.recorder.close()
	go r.recorder.run(ctx)
	quiet := context.AfterFunc(ctx, r.interrupted(ctx))
	defer quiet()
	batch.Run{
		Items: len(r.results.Items), Parallel: parallel, Timeout: r.config.Batch.TimeoutPerItem,
		Wanted: r.wanted, Do: r.do, Done: r.done,
	}.Start(ctx)
}

// interrupted tells who waits for the end why it does not come at once.
func (r *batchRun) interrupted(ctx context.Context) func() {
	return func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			r.log.Warn("Interrupted: what is under way is finished, and no other item begins; a second interrupt ends at once")
		}
	}
}

// wanted reports whether this run was asked to do the item.
func (r *batchRun) wanted(index int) bool {
	return index >= r.from && (r.ended[index] || r.results.Items[index].Status != batch.Success)
}

// before is how many items this run was not asked to do.
func (r *batchRun) before() (n int) {
	for i := range r.results.Items {
		if !r.wanted(i) {
			n++
		}
	}
	return n
}

// batchMemory bounds, in bytes, what the contents under way take together: 4
// large files, each with a window of 4 MiB. With 32 files of 300 MB the process
// has 89 MiB then; with 32 MiB here it had 120, and was no faster. Small contents
// do not count, so that none waits behind large ones: 32 of them are 16 MiB.
const (
	batchMemory = 24 << 20
	smallMemory = 512 << 10
)

// do restores one item and has it recorded.
func (r *batchRun) do(ctx context.Context, index int) error { return r.restoreItem(ctx, index, 0) }

// restoreItem is do for an item that has so much of the room already, which it
// gives back. One that finds no room lets go of what it has asked the archive
// for, and asks again when there is.
func (r *batchRun) restoreItem(ctx context.Context, index int, held int64) error {
	defer func() { r.room.Release(held) }()
	item := r.manifest.Items[index]
	file := &restoration{
		journal: r.journal, writer: &r.writer, typed: item.Tombstone, sha256: item.SHA256,
		to:    restorer.Destination{Path: item.Output, Base: r.base, Force: r.flags.Bool("force")},
		level: hclog.Debug, started: time.Now(),
	}
	file.admit = func(memory int64) error {
		memory = min(memory, batchMemory)
		switch {
		case memory <= max(smallMemory, held):
			return nil
		case r.room.TryAcquire(memory - held):
			held = memory
			return nil
		}
		return &batch.Later{
			Wait: func(ctx context.Context) error { return r.room.Acquire(ctx, memory) },
			Do:   func(ctx context.Context) error { return r.restoreItem(ctx, index, memory) },
		}
	}
	err := file.bring(ctx)
	if later, ok := err.(*batch.Later); ok {
		return later
	}
	if errors.Is(err, context.DeadlineExceeded) && retry.Over(ctx, 0) {
		err = fmt.Errorf("not done within %v (batch.timeout_per_item): %w", r.config.Batch.TimeoutPerItem, err)
	}
	if err == nil {
		err = r.recorder.record(file)
	}
	if err == nil {
		file.tell(file.elapsed())
	}
	return err
}

// done takes in what became of an item.
func (r *batchRun) done(index int, took time.Duration, err error) (more bool) {
	r.results.Set(index, took, err)
	r.ended[index] = true
	if err != nil {
		r.codes[asFailure(err).code]++
	}
	r.progress.item(index, err)
	if r.saveErr == nil {
		r.saveErr = r.file.SaveIfDue(r.results)
	}
	return err == nil || r.onward && !hopeless(err)
}

// hopeless reports whether no item can succeed after one failed with err: there
// can be no evidence, or the archive cannot be opened whoever asks.
func hopeless(err error) bool {
	if asFailure(err).code == exitEvidence {
		return true
	}
	return slices.Contains([]sdk.Kind{sdk.NotStarted, sdk.Unauthenticated, sdk.NoArchive, sdk.Schema, sdk.Unsupported}, sdk.KindOf(err))
}

// finish writes the results, records the batch, and says how it ended.
func (r *batchRun) finish(ctx context.Context) error {
	r.screen.end()
	saved := r.file.Save(r.results)
	recorded := r.recordBatch()
	if saved == nil {
		saved = r.saveErr
	}
	end := r.outcome(ctx, saved, recorded)
	if r.json {
		if err := r.results.Write(r.stdout); err != nil {
			return errors.Join(end, err)
		}
		if end != nil {
			end = resultShown{end}
		}
		return end
	}
	r.progress.end(r.results.Summary(), r.file.Path(), saved == nil)
	if n := r.undone(); n > 0 {
		r.progress.print("Resume with: " + r.resumeCommand())
	}
	if end == nil && r.progress.err != nil {
		return r.progress.err
	}
	return end
}

// resultShown is an error of a command whose result stands on stdout all the
// same: with --json no other document may follow.
type resultShown struct{ error }

func (e resultShown) Unwrap() error { return e.error }

// undone is how many items this run was asked to do and did not begin.
func (r *batchRun) undone() (n int) {
	for i := range r.results.Items {
		if r.wanted(i) && !r.ended[i] {
			n++
		}
	}
	return n
}

// failed is how many items failed in this run.
func (r *batchRun) failed() (n int) {
	for _, count := range r.codes {
		n += count
	}
	return n
}

// outcome is how the batch ends: nil if everything that was asked for is done.
func (r *batchRun) outcome(ctx context.Context, saved, recorded error) error {
	undone, failed := r.undone(), r.failed()
	codes := r.exitCodes(ctx, undone, failed)
	var errs []error
	if recorded != nil {
		codes = append(codes, exitEvidence)
		errs = append(errs, fmt.Errorf("the batch is not recorded: %w", recorded))
	}
	if saved != nil {
		codes = append(codes, exitFailed)
		errs = append(errs, saved)
	}
	if len(codes) == 0 {
		return nil
	}
	if failed > 0 || undone > 0 || len(errs) == 0 {
		errs = append([]error{fmt.Errorf("%s", r.sentence(ctx, undone, failed))}, errs...)
	}
	f := &failure{code: worst(codes), kind: "batch", err: joinText(errs)}
	if failed > 0 || undone > 0 {
		f.hint = "resume with: " + r.resumeCommand()
	}
	return f
}

// exitCodes are those that apply.
func (r *batchRun) exitCodes(ctx context.Context, undone, failed int) (codes []int) {
	for code := range r.codes {
		codes = append(codes, code)
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		codes = append(codes, exitInterrupted)
	case ctx.Err() != nil && undone > 0:
		codes = append(codes, exitBackend)
	}
	if undone > 0 || failed > 0 {
		codes = append(codes, exitBatch)
	}
	return codes
}

// worst is the code that wins where several apply.
func worst(codes []int) int {
	for _, code := range codeOrder {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return exitFailed
}

// sentence says how it went.
func (r *batchRun) sentence(ctx context.Context, undone, failed int) string {
	total := len(r.results.Items)
	text := fmt.Sprintf("%d of %d items failed", failed, total)
	if undone > 0 {
		text += fmt.Sprintf(", %d not begun", undone)
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		text = "interrupted: " + text
	case ctx.Err() != nil:
		text = "the time of --timeout is over: " + text
	}
	return text
}

// joinText is errors.Join on one line.
func joinText(errs []error) error {
	err := errs[0]
	for _, more := range errs[1:] {
		err = fmt.Errorf("%w; %w", err, more)
	}
	return err
}

// recordBatch leaves the line of evidence about the whole batch.
func (r *batchRun) recordBatch() error {
	status := evidence.Success
	undone, failed := r.undone(), r.failed()
	if undone > 0 || failed > 0 {
		status = evidence.Failed
	}
	e := r.journal.record(evidence.BatchComplete, status)
	s := r.results.Summary()
	did := 0
	for _, ended := range r.ended {
		if ended {
			did++
		}
	}
	e.Duration = s.Duration
	e.Batch = &evidence.Batch{
		Processed: did, Succeeded: did - failed, Failed: failed, Skipped: s.Total - did,
		Total: s.Duration, ResultsFile: r.file.Path(),
	}
	return r.journal.file.Append(e)
}
