package journal

import (
	"context"

	"github.com/codex-archive/codex/sdk"
)

// Recorder records the files of a batch in groups: the files that are published
// while one group is written make up the next group.
type Recorder struct {
	journal *Journal
	ready   chan published
}

// published is a file to record. done is closed when its Err is set.
type published struct {
	file *Restore
	done chan struct{}
}

// NewRecorder returns a recorder. [Recorder.Run] must run.
func (j *Journal) NewRecorder() *Recorder { return &Recorder{journal: j, ready: make(chan published)} }

// Run records until Close is called.
func (c *Recorder) Run(ctx context.Context) {
	for first := range c.ready {
		group := c.gather(first)
		files := make([]*Restore, len(group))
		for i, p := range group {
			files[i] = p.file
		}
		c.journal.Record(ctx, files...)
		for _, p := range group {
			close(p.done)
		}
	}
}

// gather takes what else is ready.
func (c *Recorder) gather(first published) []published {
	group := []published{first}
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

// Record returns when file is recorded, or its Err says why it is not.
func (c *Recorder) Record(file *Restore) {
	p := published{file, make(chan struct{})}
	c.ready <- p
	<-p.done
}

// Close ends Run. Record must not be under way.
func (c *Recorder) Close() { close(c.ready) }
