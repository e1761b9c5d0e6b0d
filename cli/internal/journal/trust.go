package journal

import (
	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

// Accept calls remember and records that the content with this hash of the
// project's own file is trusted from now on, or that it could not be remembered.
func (j *Journal) Accept(file, hash string, remember func() error) error {
	describe := func(e *evidence.Record) { e.Path, e.SHA256, e.URL = file, hash, j.options.URL }
	if err := remember(); err != nil {
		return j.fail(evidence.Trust, err, describe)
	}
	e := j.record(evidence.Trust, evidence.Success)
	describe(e)
	if err := j.file.Append(e); err != nil {
		return output.Errorf(output.Evidence, "accepted, not recorded: %w", err).
			WithHint(writable)
	}
	return nil
}
