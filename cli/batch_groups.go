package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/codex-archive/codex/cli/internal/batch"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/find"
	"github.com/codex-archive/codex/cli/internal/journal"
	"github.com/codex-archive/codex/sdk"
)

// smallItems are the items of a batch that are restored in groups.
type smallItems struct {
	group *journal.RestoreGroup
	ids   []sdk.Tombstone // by index; zero: it is not one of them, or in unknown

	mu      sync.Mutex
	unknown map[int]error            // of items whose tombstones name no record
	files   map[int]*journal.Restore // under way
	errs    map[int]error            // of the first attempt at items that are now done alone
}

func (s *smallItems) open(r *batchRun) (err error) {
	s.ids = make([]sdk.Tombstone, len(r.plan.manifest.Items))
	s.unknown, s.files, s.errs = map[int]error{}, map[int]*journal.Restore{}, map[int]error{}
	s.group, err = r.journal.NewRestoreGroup(r.writer, r.plan.outputs.base)
	return err
}

func (s *smallItems) close() { s.group.Close() }

// learn takes in what the archive says of an item.
func (s *smallItems) learn(index int, found find.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record := found.Entry.Record
	switch {
	case found.Err != nil && record.Tombstone.IsZero():
		s.unknown[index] = found.Err
	case found.Err == nil && journal.Groupable(record.Content):
		s.ids[index] = record.Tombstone
	}
}

func (s *smallItems) together(index int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ids[index].IsZero() || s.unknown[index] != nil
}

func (s *smallItems) file(index int) *journal.Restore {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[index]
}

func (s *smallItems) drop(index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, index)
}

// alone keeps the error of the first attempt at an item, and earlier takes it.
func (s *smallItems) alone(index int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs[index] = err
}

func (s *smallItems) earlier(index int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.errs[index]
	delete(s.errs, index)
	delete(s.files, index)
	return err
}

const (
	// groupWait is after what time a group is completed that is not full: a slow
	// archive must not keep what it sent from its place.
	groupWait = time.Second
	// groupTimeout is the shortest time of an item with which it can wait for
	// others.
	groupTimeout = 5 * time.Second
	// groupWorkers is how many goroutines verify and write, and how many groups are
	// completed at a time: more gain nothing.
	groupWorkers = 2
	// A batch has so many groups at least, each of leastGroup items or more, so that
	// some are prepared while others are completed.
	leastGroups, leastGroup = 4, 128
)

// groupSize returns how many items a group has at most.
func groupSize(items int) int {
	return min(max(items/leastGroups, leastGroup), journal.MaxGroup(durable.MaxOpen()))
}

// groups says how small items are done together; nil: they are not.
func (r *batchRun) groups() *batch.Groups {
	timeout := r.plan.command.Config.Batch.TimeoutPerItem
	if timeout > 0 && timeout < groupTimeout {
		return nil
	}
	return &batch.Groups{
		Size: groupSize(len(r.plan.manifest.Items)), Wait: groupWait, Workers: min(groupWorkers, r.plan.command.Config.Batch.MaxConcurrent),
		Together: r.small.together, Fetch: r.fetch, Alone: r.small.alone,
		Fail:     func(index int, err error) { r.small.file(index).Fail(sdk.AsError(err)) },
		Prepare:  func(ctx context.Context, index int) error { return r.small.group.Prepare(ctx, r.small.file(index)) },
		Drop:     r.dropFetched,
		Complete: r.complete,
	}
}

// fetch gets the contents of items.
func (r *batchRun) fetch(ctx context.Context, indices []int, take func(int) bool) error {
	s := &r.small
	files, index := make([]*journal.Restore, len(indices)), make(map[*journal.Restore]int, len(indices))
	s.mu.Lock()
	for i, at := range indices {
		files[i] = r.journal.NewGrouped(r.order(at), s.ids[at], r.writer)
		s.files[at], index[files[i]] = files[i], at
		if err := s.unknown[at]; err != nil {
			files[i].Fail(err)
		}
	}
	s.mu.Unlock()
	return s.group.Fetch(ctx, files, r.plan.command.Config.Batch.TimeoutPerItem, func(file *journal.Restore) bool { return take(index[file]) })
}

func (r *batchRun) dropFetched(index int) {
	r.small.group.Drop(r.small.file(index))
	r.small.drop(index)
}

// complete publishes and records prepared items.
func (r *batchRun) complete(ctx context.Context, indices []int) []batch.Outcome {
	files := make([]*journal.Restore, len(indices))
	for i, index := range indices {
		files[i] = r.small.file(index)
	}
	r.small.group.Complete(ctx, files)
	outcomes := make([]batch.Outcome, len(indices))
	for i, file := range files {
		outcomes[i].Took, outcomes[i].Err = r.endedGroup(ctx, file)
		r.small.drop(indices[i])
	}
	return outcomes
}

// endedGroup is ended for an item of a group. ctx is that of the batch.
func (r *batchRun) endedGroup(ctx context.Context, file *journal.Restore) (time.Duration, error) {
	if errors.Is(file.Err, context.DeadlineExceeded) && ctx.Err() == nil {
		file.Err = itemTimedOut(r.plan.command, file.Err)
		r.killHung(ctx)
	}
	return r.ended(context.WithoutCancel(ctx), file)
}
