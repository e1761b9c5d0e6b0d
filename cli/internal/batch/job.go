package batch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/codex-archive/codex/cli/internal/escape"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// Job is a batch under way: it counts, shows and saves how its items end, and
// decides when no other item may begin. Its methods are called by one goroutine
// at a time.
type Job struct {
	Results  *Results
	File     *File
	Progress *output.Progress
	From     int  // index of the first item to do
	Onward   bool // go on after a failure
	// Unreachable reports whether the archive cannot be reached, after an item
	// failed with err.
	Unreachable func(err error) bool

	carried     int     // items that an earlier run succeeded in
	ended       []bool  // by index: what this run has finished
	failures    []error // of this run
	unreachable error   // the first failure after which the archive could not be reached
	saveErr     error
}

// CarryOver takes over items that an earlier run succeeded in.
func (j *Job) CarryOver(indices []int) {
	for _, i := range indices {
		j.Results.CarryOver(i)
	}
	j.carried = len(indices)
}

// Start does the items as r says, which has neither Items, Wanted nor Done.
func (j *Job) Start(ctx context.Context, r Run) {
	j.ended = make([]bool, len(j.Results.Items))
	r.Items, r.Wanted, r.Done = len(j.Results.Items), j.wanted, j.done
	if r.Groups != nil {
		r.Groups.Stops = j.stops
	}
	r.Start(ctx)
}

// Begin prints the first lines. from says where the items are from. resumed is the
// results file of the earlier run, "" if there is none.
func (j *Job) Begin(from, resumed string) {
	total, before := len(j.Results.Items), 0
	for i := range j.Results.Items {
		if !j.asked(i) {
			before++
		}
	}
	j.Progress.Printf("Processing %s from %s...", output.Count(total, "item"), from)
	if resumed != "" {
		j.Progress.Printf("Resuming: %d of %s done according to %s", j.carried, output.Count(total, "item"), escape.Text(resumed))
	}
	j.Progress.Begin(before, total)
}

// asked reports whether this run was asked to do an item, before it began.
func (j *Job) asked(index int) bool {
	return index >= j.From && j.Results.Items[index].Status != Success
}

func (j *Job) wanted(index int) bool { return j.ended[index] || j.asked(index) }

// done takes in how an item ended.
func (j *Job) done(index int, took time.Duration, err error) (more bool) {
	j.Results.Set(index, took, err)
	j.ended[index] = true
	if err != nil {
		j.failures = append(j.failures, err)
		if j.unreachable == nil && j.Unreachable(err) {
			j.unreachable = err
		}
	}
	if err != nil {
		j.Progress.Printf("[ERROR] Item %d failed: %s", index+1, escape.Text(output.Words(err)))
	}
	j.Progress.Add(1)
	if j.saveErr == nil {
		j.saveErr = j.File.SaveIfDue(j.Results)
	}
	return err == nil || j.unreachable == nil && !j.stops(err)
}

// stops reports whether no other item may begin after such an error, whether or
// not the archive can be reached.
func (j *Job) stops(err error) bool {
	return !j.Onward || output.CodeOf(err) == output.ExitEvidence
}

// Counts are of the items that this run was asked to do.
type Counts struct{ Done, Failed, Undone int }

// Counts returns them.
func (j *Job) Counts() Counts {
	c := Counts{Failed: len(j.failures)}
	for i := range j.Results.Items {
		switch {
		case j.ended[i]:
			c.Done++
		case j.asked(i):
			c.Undone++
		}
	}
	return c
}

// Save fixes the wall time and writes the results for the last time.
func (j *Job) Save() {
	j.Results.finish()
	if err := j.File.Save(j.Results); err != nil {
		j.saveErr = err
	}
}

// End prints the summary, and with what a batch that was stopped can be resumed.
func (j *Job) End(resume string) error {
	s := j.Results.Summary()
	j.Progress.Printf("Batch Restore Complete:")
	j.Progress.Printf("  ✓ Succeeded: %d", s.Succeeded)
	j.Progress.Printf("  ✗ Failed: %d", s.Failed)
	j.Progress.PrintSome("  - Skipped: %d", int64(s.Skipped))
	j.Progress.Printf("  Total Time: %s", output.Millis(s.Duration))
	if j.saveErr == nil {
		j.Progress.Printf("Results saved to: %s", escape.Text(j.File.Path()))
	}
	if j.Counts().Undone > 0 {
		j.Progress.Printf("Resume with: %s", resume)
	}
	return j.Progress.Err()
}

// StopsAgain reports whether a failed item would stop a resumed batch again: the
// cause is the item and not the archive's state at this moment.
func (j *Job) StopsAgain() bool {
	for _, err := range j.failures {
		switch output.CodeOf(err) {
		case output.ExitBackend, output.ExitEvidence, output.ExitInterrupted:
		default:
			return true
		}
	}
	return false
}

// Outcome is how the batch ended: nil if everything that was asked for is done.
// recorded is the error of recording it.
func (j *Job) Outcome(ctx context.Context, recorded error, resume string) error {
	c := j.Counts()
	kind := j.kind(ctx, recorded, c)
	if kind == "" {
		return nil
	}
	var errs []error
	if c.Failed > 0 || c.Undone > 0 || errors.Is(ctx.Err(), context.Canceled) {
		errs = append(errs, errors.New(j.sentence(ctx, c)))
	}
	if recorded != nil {
		errs = append(errs, fmt.Errorf("the batch is not recorded: %w", recorded))
	}
	if j.saveErr != nil {
		errs = append(errs, j.saveErr)
	}
	f := &output.Failure{Kind: kind, Err: joinText(errs)}
	if c.Failed > 0 || c.Undone > 0 {
		f.Hint = "resume with: " + resume
	}
	return f
}

// kind decides on the exit code. A batch of several items ends with its own,
// whatever those of its items are.
func (j *Job) kind(ctx context.Context, recorded error, c Counts) output.Kind {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return output.KindOf(sdk.Canceled)
	case recorded != nil || j.lostEvidence():
		return output.Evidence
	case c.Failed == 0 && c.Undone == 0 && j.saveErr != nil:
		return output.Failed
	case c.Failed == 0 && c.Undone == 0:
		return ""
	case len(j.Results.Items) == 1 && c.Failed == 1:
		return output.FailureOf(j.failures[0]).Kind
	case j.unreachable != nil && c.Done == c.Failed:
		return output.FailureOf(j.unreachable).Kind
	}
	return output.Batch
}

func (j *Job) lostEvidence() bool {
	for _, err := range j.failures {
		if output.CodeOf(err) == output.ExitEvidence {
			return true
		}
	}
	return false
}

// sentence says how it went.
func (j *Job) sentence(ctx context.Context, c Counts) string {
	text := fmt.Sprintf("%d of %s failed", c.Failed, output.Count(len(j.Results.Items), "item"))
	if c.Undone > 0 {
		text += fmt.Sprintf(", %d not begun", c.Undone)
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		text = "interrupted: " + text
	case ctx.Err() != nil:
		text = "the time of --timeout is over: " + text
	case j.unreachable != nil && c.Undone > 0:
		text += ", because the archive cannot be reached"
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
