package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// settle is how long after its writing an intent is kept although the archive
// does not have its events: a backend whose host was killed may still be in a
// commit, which is bounded by 30 seconds.
const settle = time.Minute

// maxStale bounds the intents that one StaleIntents call holds, each an open
// file.
const maxStale = 64

// maxIntent bounds what is read of an intent's file, in bytes: room for a
// thousand records.
const maxIntent = 64 << 20

// StaleIntent is an intent whose process died before it was done. Holding it
// keeps other processes from it; end with Resolve or Release.
type StaleIntent struct {
	// Intent, with those records that the log does not hold yet.
	Intent Intent

	log  *Log
	path string
	f    *os.File
}

// StaleIntents returns intents whose processes died, at most 64 at a time, and
// removes those whose records are all in the log. A file that this program did
// not write, or that can't be read, is left alone and named in the error, which
// comes beside the intents.
func (l *Log) StaleIntents() ([]*StaleIntent, error) {
	if l.isAbsent() {
		return nil, nil
	}
	dir := filepath.Join(l.dir, pendingDir)
	names, err := l.intentNames(dir)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	var stale []*StaleIntent
	var errs []error
	for _, name := range names {
		if len(stale) == maxStale {
			break
		}
		s, err := l.adopt(filepath.Join(dir, name))
		if err != nil {
			errs = append(errs, fmt.Errorf("evidence: intent: %w", err))
		}
		if s != nil {
			stale = append(stale, s)
		}
	}
	return stale, errors.Join(errs...)
}

// PendingEvents returns the events that the intents beside the log at path name:
// their commands run, or were killed, and the archive may have them before the
// log. Nothing is changed. What cannot be read names none.
func PendingEvents(path string) map[sdk.ID]bool {
	pending := map[sdk.ID]bool{}
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), pendingDir, "*.json")) // the pattern is well formed
	for _, name := range files {
		f, err := durable.OpenRegular(name, os.O_RDONLY, 0)
		if err != nil {
			continue
		}
		s := &StaleIntent{path: name, f: f}
		if _, err := s.read(); err == nil {
			for _, event := range s.Events() {
				pending[event] = true
			}
		}
		_ = f.Close() // it was only read
	}
	return pending
}

// intentNames lists what has the name of an intent, and sweeps what killed
// processes left of their making.
func (l *Log) intentNames(dir string) ([]string, error) {
	if err := durable.CheckDir(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	durable.Sweep(root)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, ok := intentOp(e.Name()); ok {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// intentOp returns what the name of an intent's file names.
func intentOp(name string) (op sdk.ID, ok bool) {
	text, ok := strings.CutSuffix(name, ".json")
	if !ok || op.UnmarshalText([]byte(text)) != nil {
		return op, false
	}
	return op, op.String() == text
}

// adopt returns the intent at path, or nil where its process runs or nothing is
// left to do.
func (l *Log) adopt(path string) (*StaleIntent, error) {
	f, err := durable.OpenRegular(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if locked, err := durable.TryLock(f); !locked || !durable.StillNamed(f, path) {
		_ = f.Close() // another process has it
		return nil, err
	}
	s := &StaleIntent{log: l, path: path, f: f}
	from, err := s.read()
	if err == nil {
		err = s.dropRecorded(from)
	}
	if err == nil && len(s.Intent.Records) > 0 {
		return s, nil
	}
	if err == nil {
		err = l.sync() // its process may have died between its write and its sync
	}
	if err != nil {
		_ = f.Close() // err says more
		return nil, err
	}
	return nil, removeIntent(f, path)
}

// read fills s.Intent, and returns an error unless the file is what this program
// writes: its version, its name and its fields match, and blanks follow.
func (s *StaleIntent) read() (from int64, err error) {
	text, err := io.ReadAll(io.NewSectionReader(s.f, 0, maxIntent+1))
	if err != nil {
		return 0, err
	}
	text, blanks, _ := bytes.Cut(text, []byte("\n"))
	op, _ := intentOp(filepath.Base(s.path))
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var n intentFile
	switch err := d.Decode(&n); {
	case err != nil:
		return 0, s.foreign(inWords(err).Error())
	case n.V != Version || n.Op != op:
		return 0, s.foreign(fmt.Sprintf("its version is %d and it names %s", n.V, n.Op))
	case len(n.Records) == 0 || n.From < 0 || len(bytes.Trim(blanks, " ")) > 0:
		return 0, s.foreign("its fields do not match")
	}
	for _, r := range n.Records {
		if r == nil || r.ID.IsZero() || !r.Action.known() {
			return 0, s.foreign("a record of it has no id, or an unknown action")
		}
	}
	s.Intent = Intent{Op: n.Op, Backend: n.Backend, Archive: n.Archive, Place: n.Place, Time: n.TS, Records: n.Records}
	return n.From, nil
}

func (s *StaleIntent) foreign(why string) error {
	return fmt.Errorf("%s was not written by this program and is left alone: %s", s.path, why)
}

// dropRecorded takes away those records of the intent that the log holds as
// successes behind from, which is the beginning of a line unless the log was
// replaced since. A failure under the same id does not count: a call that failed
// may have been committed.
func (s *StaleIntent) dropRecorded(from int64) error {
	wanted := map[sdk.ID]bool{}
	for _, r := range s.Intent.Records {
		wanted[r.ID] = true
	}
	for line, err := range readFrom(s.log.Path(), place{offset: from}, nil) {
		if err != nil {
			return err
		}
		var r struct {
			ID     sdk.ID
			Status Status
		}
		if json.Unmarshal(line.Raw, &r) == nil && r.Status == Success {
			delete(wanted, r.ID)
		}
	}
	s.Intent.Records = slices.DeleteFunc(s.Intent.Records, func(r *Record) bool { return !wanted[r.ID] })
	return nil
}

// Events returns the ids to ask the backend about.
func (s *StaleIntent) Events() []sdk.ID {
	ids := make([]sdk.ID, len(s.Intent.Records))
	for i, r := range s.Intent.Records {
		ids[i] = r.ID
	}
	return ids
}

// Resolve appends those records whose events are in the archive, marked as
// repaired, and removes the intent. It is kept where some events are missing and
// may come: for a minute after its writing, because their commit may be under
// way, and always where the match is not certain.
func (s *StaleIntent) Resolve(committed func(event sdk.ID) bool, m Match) error {
	var found []*Record
	for _, r := range s.Intent.Records {
		if committed(r.ID) {
			r.Repaired = true
			found = append(found, r)
		}
	}
	if err := s.log.Append(found...); err != nil {
		return errors.Join(err, s.Release())
	}
	missing := len(found) < len(s.Intent.Records)
	unsettled := time.Since(s.Intent.Time) < settle || m != Same && len(found) == 0
	if missing && unsettled {
		return s.Release()
	}
	return removeIntent(s.f, s.path)
}

// Release leaves the intent for a later command, as when the backend could not
// be asked.
func (s *StaleIntent) Release() error { return s.f.Close() }
