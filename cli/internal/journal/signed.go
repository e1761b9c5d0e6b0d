package journal

import (
	"errors"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

// Checkpoint records that a checkpoint of the log was signed.
func (j *Journal) Checkpoint(t evidence.Tree) error {
	e := j.record(evidence.Checkpoint, evidence.Success)
	e.Tree = &t
	if err := j.file.Append(e); err != nil {
		return output.Errorf(output.Evidence, "signed, not recorded: %w", err).
			WithHint(writable)
	}
	return nil
}

// Rotate closes the log with a checkpoint that key signs, and begins its next
// part.
func (j *Journal) Rotate(key *evidence.PrivateKey) (evidence.Rotation, error) {
	done, err := j.file.Rotate(key, j.record(evidence.Rotate, evidence.Success))
	if err != nil && !errors.Is(err, evidence.ErrChain) {
		err = evidenceError(err)
	}
	return done, err
}

// Receipts hands out a receipt, signed with key, for each record that was stored.
func (j *Journal) Receipts(key *evidence.PrivateKey, each func(*evidence.Record, []byte) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return key.Receipts(j.file.Path(), j.stored, each)
}
