package main

import (
	"context"

	"github.com/codex-archive/codex/sdk"
)

// recorder records the restored files of a batch in groups: what is ready while
// one group is being written makes up the next.
type recorder struct {
	journal *journal
	ready   chan toRecord
}

// toRecord is a file that stands, and where the outcome of recording it goes.
type toRecord struct {
	file *restoration
	err  chan<- error
}

func newRecorder(j *journal) *recorder { return &recorder{journal: j, ready: make(chan toRecord)} }

// run records until close is called.
func (c *recorder) run(ctx context.Context) {
	for first := range c.ready {
		group := c.gather(first)
		files := make([]*restoration, len(group))
		for i, r := range group {
			files[i] = r.file
		}
		for i, err := range c.journal.recordRestored(ctx, files) {
			group[i].err <- err
		}
	}
}

// gather takes what else is ready.
func (c *recorder) gather(first toRecord) []toRecord {
	group := []toRecord{first}
	for len(group) < sdk.MaxItems {
		select {
		case next, ok := <-c.ready:
			if !ok {
				return group
			}
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

// record returns when file is recorded, or why it is not.
func (c *recorder) record(file *restoration) error {
	err := make(chan error, 1)
	c.ready <- toRecord{file, err}
	return <-err
}

// close ends run. Nobody may be in record.
func (c *recorder) close() { close(c.ready) }
