package journal

import "github.com/codex-archive/codex/cli/internal/evidence"

// RecordBatch appends the line of evidence about a whole batch.
func (j *Journal) RecordBatch(status evidence.Status, b evidence.Batch) error {
	e := j.record(evidence.BatchComplete, status)
	e.Duration, e.Batch = b.Total, &b
	return j.write("", e)
}
