package main

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/evidence"
	"github.com/codex-archive/codex/cli/internal/output"
)

// readClosed reads the checkpoints that rotations have left beside the closed parts of
// the log. One that was changed is an error; one that cannot be checked is said.
func (v *verification) readClosed() error {
	files := evidence.Checkpoints(evidenceLog(v.command))
	if len(files) == 0 {
		return nil
	}
	key, err := publicKey(v.command)
	if err != nil {
		v.unchecked = append(v.unchecked, "the checkpoints of the closed parts: there is no public key; --key names it.")
		return nil
	}
	for _, file := range files {
		signed, err := evidence.ReadNote(file)
		if errors.Is(err, fs.ErrNotExist) {
			v.unchecked = append(v.unchecked, filepath.Base(file)+", which is missing.")
			continue
		}
		if err != nil {
			return logError(err)
		}
		tree, _, err := key.OpenTree(signed)
		switch {
		case errors.Is(err, evidence.ErrOtherKey):
			v.unchecked = append(v.unchecked, filepath.Base(file)+", which another key than "+key.Name()+" has signed; --key names it.")
			v.others[filepath.Base(file)] = key.Name()
		case err != nil:
			return output.Errorf(output.Chain, "%s: %w", file, err)
		default:
			v.closed = append(v.closed, signedView{file, key.Name(), tree.N, tree.Hash.String()})
		}
	}
	return nil
}

// rotated takes in a line ROTATE, which names the checkpoint of the part before it, and
// the key that signed it.
func (v *verification) rotated(line evidence.Line) error {
	if line.Number > 1 || len(v.others) == 0 {
		return nil
	}
	r, err := line.Record()
	if err == nil && r.Tree != nil && r.Action == evidence.Rotate && v.others[r.Tree.Checkpoint] == r.Tree.Key {
		v.exchanged = filepath.Base(r.Tree.Checkpoint)
	}
	return err
}

// closedFailure is the first checkpoint of a closed part that the log does not extend.
func (v *verification) closedFailure() error {
	if v.exchanged != "" {
		return chainError("%s: %s is not signed by the key that the log says: it was changed after it was signed", v.view.Log, v.exchanged)
	}
	for _, s := range v.closed {
		if v.roots[s.Lines] != s.Root {
			return chainError("%s: what was signed in %s is not its first %s: the log was written anew, or is another one",
				v.view.Log, filepath.Base(s.File), output.Count(s.Lines, "line"))
		}
	}
	return nil
}
