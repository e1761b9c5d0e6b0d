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

	"github.com/codex-archive/codex/sdk"
)

// settle is how long after its writing a note is kept although the backend
// does not know its events: a backend whose host was killed may still be in a
// commit, which is bounded by 30 seconds.
const settle = time.Minute

// maxOrphans bounds the notes that one Orphans call holds, each an open file.
const maxOrphans = 64

// maxNote bounds what is read of a note, in bytes: room for a thousand records.
const maxNote = 64 << 20

// Intent says what is about to be done.
type Intent struct {
	Op      sdk.ID    // names the note; drawn where it is zero
	Backend string    // name of the backend
	Archive sdk.ID    // identity of the archive; zero where it is not known yet
	Time    time.Time // of the writing; now where it is zero
	Records []*Record // as they will be appended if all goes well; each has the ID of its event, or is given one
}

// noteFile is a note as JSON.
type noteFile struct {
	V       int       `json:"v"`
	Op      sdk.ID    `json:"op"`
	Backend string    `json:"backend"`
	Archive sdk.ID    `json:"archive"`
	TS      stamp     `json:"ts"`
	From    int64     `json:"from"` // bytes of the log that surely came before
	Records []*Record `json:"records"`
}

// PendingIntent is a note that stands on disk, locked as long as this process lives.
type PendingIntent struct {
	log  *Log
	path string
	f    *os.File
	used int64 // bytes of the note itself; what follows is blanks that hold space
}

// Begin writes n beside the log, locks it and syncs it. It holds about the disk
// space that the records will need, which Append falls back on.
func (l *Log) Begin(n Intent) (*PendingIntent, error) {
	p, err := l.note(n)
	if err != nil {
		return nil, fmt.Errorf("evidence: note: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes[p] = struct{}{}
	return p, nil
}

func (l *Log) note(n Intent) (*PendingIntent, error) {
	if n.Op.IsZero() {
		n.Op = newID()
	}
	if n.Time.IsZero() {
		n.Time = time.Now()
	}
	text, err := json.Marshal(noteFile{
		V: Version, Op: n.Op, Backend: n.Backend, Archive: n.Archive,
		TS: stamp(n.Time), From: l.start, Records: noted(n),
	})
	if err != nil {
		return nil, err
	}
	p := &PendingIntent{log: l, used: int64(len(text)) + 1, path: filepath.Join(l.dir, pendingDir, n.Op.String()+".json")}
	if p.f, err = createLocked(p.path); err != nil {
		return nil, err
	}
	if err := p.fill(text); err != nil {
		return nil, errors.Join(err, p.Done())
	}
	return p, nil
}

// noted returns the records as the note holds them: with the time of the note,
// which is the best that a repair will know. The caller's get their ids, and
// their time from Append, so that times in the log follow its order.
func noted(n Intent) []*Record {
	records := make([]*Record, len(n.Records))
	for i, r := range n.Records {
		if r.ID.IsZero() {
			r.ID = newID()
		}
		dated := *r
		dated.complete(n.Time)
		records[i] = &dated
	}
	return records
}

// createLocked makes the file of a note and locks it. A sweep may meet the file
// between the two, find it empty and remove it; then it is made once more.
func createLocked(path string) (*os.File, error) {
	for {
		f, err := openFile(path, os.O_CREATE|os.O_EXCL)
		if err != nil {
			return nil, err
		}
		ok, err := lockOpened(f, path)
		if ok {
			return f, nil
		}
		f.Close()
		if rm := os.Remove(path); err == nil && rm != nil && !errors.Is(rm, fs.ErrNotExist) {
			err = rm
		}
		if err != nil {
			return nil, err
		}
	}
}

// fill writes the note and as many blanks again, rounded up to whole blocks of
// 4 KiB so that giving them up frees some.
func (p *PendingIntent) fill(text []byte) error {
	const block = 4 << 10
	blanks := (len(text)/block + 2) * block
	content := slices.Concat(text, []byte("\n"), bytes.Repeat([]byte(" "), blanks))
	if _, err := p.f.Write(content); err != nil {
		return err
	}
	if err := p.f.Sync(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(p.path))
}

// Done removes the note. Call it when the records are appended, or when it is
// certain that nothing was done.
func (p *PendingIntent) Done() error {
	p.forget()
	return removeNote(p.f, p.path)
}

// Release leaves the note for the next command to look into, as when a call
// failed and may have changed the archive all the same, or when the append
// failed after a commit.
func (p *PendingIntent) Release() error {
	p.forget()
	return p.f.Close()
}

func (p *PendingIntent) forget() {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	delete(p.log.notes, p)
}

// removeNote empties the note while it is locked, and only then closes and
// removes it, in the order that Windows needs: whoever meets it in between sees
// that there is nothing to repair.
func removeNote(f *os.File, path string) error {
	err := f.Truncate(0)
	f.Close()
	if rm := os.Remove(path); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	if err != nil {
		return fmt.Errorf("evidence: note: %w", err)
	}
	return nil
}

// releaseSpace cuts the blanks off the notes of this process, and reports
// whether there were any.
func (l *Log) releaseSpace() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.notes {
		// An error leaves the blanks where they are; the append says that the
		// disk is full.
		p.f.Truncate(p.used)
	}
	return len(l.notes) > 0
}

// StaleIntent is a note whose owner died before it was done. Holding it keeps other
// processes from it; end with Resolve or Release.
type StaleIntent struct {
	// Note, with those records that the log does not hold yet.
	Note Intent

	log  *Log
	path string
	f    *os.File
}

// StaleIntents returns notes whose owners died, at most 64 at a time, and removes
// those that have nothing to say: unfinished ones, whose owner never came to
// call the backend, and those whose records all stand in the log. A note that
// can't be read does not keep the others from being found; it is named in the
// error, which comes beside the orphans.
func (l *Log) StaleIntents() ([]*StaleIntent, error) {
	dir := filepath.Join(l.dir, pendingDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	var orphans []*StaleIntent
	var errs []error
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") || len(orphans) == maxOrphans {
			continue
		}
		o, err := l.adopt(filepath.Join(dir, e.Name()))
		if err != nil {
			errs = append(errs, fmt.Errorf("evidence: note: %w", err))
		}
		if o != nil {
			orphans = append(orphans, o)
		}
	}
	return orphans, errors.Join(errs...)
}

// adopt returns the note at path, or nil where its owner lives or nothing is
// left to do.
func (l *Log) adopt(path string) (*StaleIntent, error) {
	f, err := openFile(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if ok, err := lockOpened(f, path); !ok {
		f.Close()
		return nil, err
	}
	o := &StaleIntent{log: l, path: path, f: f}
	from, err := o.read()
	if err == nil {
		err = o.dropRecorded(from)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if len(o.Note.Records) > 0 {
		return o, nil
	}
	// The owner may have died between its write and its sync.
	if err := l.sync(); err != nil {
		f.Close()
		return nil, err
	}
	return nil, removeNote(f, path)
}

// read fills o.Note. A note that was not written to its end stays empty: its
// owner died before it called the backend.
func (o *StaleIntent) read() (from int64, err error) {
	text, err := io.ReadAll(io.NewSectionReader(o.f, 0, maxNote))
	if err != nil {
		return 0, err
	}
	end := bytes.IndexByte(text, '\n')
	if end < 0 {
		return 0, nil
	}
	var n noteFile
	if err := json.Unmarshal(text[:end], &n); err != nil {
		return 0, fmt.Errorf("%s: %w", o.path, err)
	}
	o.Note = Intent{Op: n.Op, Backend: n.Backend, Archive: n.Archive, Time: time.Time(n.TS), Records: n.Records}
	return n.From, nil
}

// dropRecorded takes away those records of the note that the log holds as
// successes behind from, which is the beginning of a line unless the log was
// replaced since. A failure under the same id does not count: a call that failed
// may have been committed.
func (o *StaleIntent) dropRecorded(from int64) error {
	if len(o.Note.Records) == 0 {
		return nil
	}
	wanted := map[sdk.ID]bool{}
	for _, r := range o.Note.Records {
		wanted[r.ID] = true
	}
	for line, err := range readFrom(o.log.Path(), from) {
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
	o.Note.Records = slices.DeleteFunc(o.Note.Records, func(r *Record) bool { return !wanted[r.ID] })
	return nil
}

// Events returns the ids to ask the backend about.
func (o *StaleIntent) Events() []sdk.ID {
	ids := make([]sdk.ID, len(o.Note.Records))
	for i, r := range o.Note.Records {
		ids[i] = r.ID
	}
	return ids
}

// Resolve appends those records whose events stand in the archive, marked as
// repaired, and removes the note. A note younger than a minute of which some
// event does not stand is kept: its commit may still be under way.
func (o *StaleIntent) Resolve(stands func(event sdk.ID) bool) error {
	var found []*Record
	for _, r := range o.Note.Records {
		if stands(r.ID) {
			r.Repaired = true
			found = append(found, r)
		}
	}
	if err := o.log.Append(found...); err != nil {
		return errors.Join(err, o.Release())
	}
	if age := time.Since(o.Note.Time); len(found) < len(o.Note.Records) && age < settle {
		return o.Release()
	}
	return removeNote(o.f, o.path)
}

// Release leaves the note for a later command, as when the backend could not
// be asked.
func (o *StaleIntent) Release() error { return o.f.Close() }

// sync makes durable what stands in the log.
func (l *Log) sync() error {
	f, err := openFile(l.Path(), os.O_CREATE)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
