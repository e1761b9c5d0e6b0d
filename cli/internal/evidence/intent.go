package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// Intent says what is about to be done.
type Intent struct {
	Op      sdk.ID    // names its file; drawn where it is zero
	Backend string    // name of the backend
	Archive sdk.ID    // identity of the archive; zero where it is not known yet
	Place   sdk.ID    // replaces the URL of the archive, which may change
	Time    time.Time // of the writing; now where it is zero
	Records []*Record // as they will be appended if all goes well; each has the ID of its event, or gets one
}

// Match says whether an intent is about an archive.
type Match string

// The matches.
const (
	Same    Match = "same"    // it is about this archive
	Other   Match = "other"   // it is about another
	Unknown Match = "unknown" // only this archive's events can tell
)

// About compares an intent with an archive, as far as that is known: its
// identity and its place. The place decides where an identity is not known; a
// place that differs says nothing, because an archive can be moved.
func (n Intent) About(archive, place sdk.ID) Match {
	switch {
	case !n.Archive.IsZero() && !archive.IsZero():
		if n.Archive == archive {
			return Same
		}
		return Other
	case n.Place == place:
		return Same
	}
	return Unknown
}

// intentFile is an intent as JSON.
type intentFile struct {
	V       int       `json:"v"`
	Op      sdk.ID    `json:"op"`
	Backend string    `json:"backend"`
	Archive sdk.ID    `json:"archive"`
	Place   sdk.ID    `json:"place"`
	TS      time.Time `json:"ts"`
	From    int64     `json:"from"` // bytes of the log, all parts together, that surely came before
	Records []*Record `json:"records"`
}

// PendingIntent is an intent on disk, locked as long as this process runs.
type PendingIntent struct {
	log    *Log
	path   string
	intent Intent
	f      *os.File
	used   int64 // bytes of the intent itself; what follows is blanks that hold space

	identity int64 // where in the file that of the archive is
}

// Begin writes n beside the log, locks it and syncs it. It holds about the disk
// space that the records will need, which Append falls back on.
func (l *Log) Begin(n Intent) (*PendingIntent, error) {
	if l.isAbsent() {
		if err := l.make(); err != nil {
			return nil, fmt.Errorf("evidence: %w", err)
		}
	}
	if n.Op.IsZero() {
		n.Op = sdk.NewID()
	}
	if n.Time.IsZero() {
		n.Time = time.Now()
	}
	if n.Archive.IsZero() {
		n.Archive = l.identity()
	}
	n.Records = dated(n)
	p := &PendingIntent{log: l, intent: n, path: filepath.Join(l.dir, pendingDir, n.Op.String()+".json")}
	if err := p.write(); err != nil {
		return nil, fmt.Errorf("evidence: intent: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.intents[p] = struct{}{}
	if l.archive.IsZero() {
		return p, nil
	}
	return p, p.identify(l.archive) // it became known while the intent was written
}

func (l *Log) identity() sdk.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.archive
}

// Identify says which archive the intents of this process are about, those that
// are pending and those that follow. It does not sync: an intent without an
// identity is settled all the same, unless the archive was moved.
func (l *Log) Identify(archive sdk.ID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.archive = archive
	var errs []error
	for p := range l.intents {
		errs = append(errs, p.identify(archive))
	}
	return errors.Join(errs...)
}

// identify writes the identity in the place that the file has for it.
func (p *PendingIntent) identify(archive sdk.ID) error {
	if p.intent.Archive == archive {
		return nil
	}
	p.intent.Archive = archive
	if _, err := p.f.WriteAt([]byte(archive.String()), p.identity); err != nil {
		return fmt.Errorf("evidence: intent: %w", err)
	}
	return nil
}

// dated returns the records as the intent's file holds them: with the time of
// the intent, which is the best that a repair will know. The caller's get their
// ids, and their time from Append, so that times in the log follow its order.
func dated(n Intent) []*Record {
	records := make([]*Record, len(n.Records))
	for i, r := range n.Records {
		if r.ID.IsZero() {
			r.ID = sdk.NewID()
		}
		d := *r
		d.complete(n.Time)
		records[i] = &d
	}
	return records
}

// write makes the file of the intent: locked and whole before it has its name,
// so that no other process sees half of it.
func (p *PendingIntent) write() error {
	dir := filepath.Dir(p.path)
	if err := durable.CheckDir(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	content, used, err := p.content()
	if err != nil {
		return err
	}
	f, err := publishLocked(root, filepath.Base(p.path), content)
	if err != nil {
		return err
	}
	p.f, p.used = f, used
	if err := durable.SyncRoot(root); err != nil {
		return errors.Join(err, removeIntent(f, p.path))
	}
	return nil
}

// content is the intent as JSON and as many blanks again, rounded up to whole
// blocks of 4 KiB so that giving them up frees some. used is its size without
// the blanks.
func (p *PendingIntent) content() (content []byte, used int64, err error) {
	const block = 4 << 10
	n := p.intent
	file := intentFile{
		V: Version, Op: n.Op, Backend: n.Backend, Archive: n.Archive, Place: n.Place,
		TS: n.Time.UTC().Truncate(time.Millisecond), From: p.log.start, Records: n.Records,
	}
	text, err := file.encode()
	if err != nil {
		return nil, 0, err
	}
	const key = `"archive":"` // before it are the operation and the name of the backend, in which quotes are escaped
	p.identity = int64(bytes.Index(text, []byte(key)) + len(key))
	text = append(text, '\n')
	return slices.Concat(text, bytes.Repeat([]byte(" "), (len(text)/block+2)*block)), int64(len(text)), nil
}

// publishLocked makes a file in root and returns it locked.
func publishLocked(root *os.Root, name string, content []byte) (*os.File, error) {
	t, err := durable.NewTemp(root, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = t.File.Write(content)
	if err == nil {
		err = t.File.Sync()
	}
	if err == nil {
		_, err = durable.TryLock(t.File)
	}
	if err == nil {
		err = t.Publish(name, false)
	}
	if err != nil {
		t.Discard()
		return nil, err
	}
	return t.File, nil
}

// Done removes the intent. Call it when the records are appended, or when it is
// certain that nothing was done.
func (p *PendingIntent) Done() error {
	p.forget()
	return removeIntent(p.f, p.path)
}

// Release leaves the intent for the next command to look into, as when a call
// failed and may have changed the archive all the same, or when the append
// failed after a commit.
func (p *PendingIntent) Release() error {
	p.forget()
	return p.f.Close()
}

func (p *PendingIntent) forget() {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	delete(p.log.intents, p)
}

// removeIntent removes the file of an intent while it is locked.
func removeIntent(f *os.File, path string) error {
	defer func() { _ = f.Close() }() // the file is removed
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("evidence: intent: %w", err)
	}
	return nil
}

// releaseSpace cuts the blanks off the intents of this process, and reports
// whether there were any.
func (l *Log) releaseSpace() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.intents {
		// An error leaves the blanks where they are; the append says that the
		// disk is full.
		_ = p.f.Truncate(p.used) // the append says that the disk is full
	}
	return len(l.intents) > 0
}

// sync makes the lines of the log durable.
func (l *Log) sync() error {
	f, err := l.open()
	if err != nil {
		return err
	}
	defer func() { _ = f.f.Close() }() // its lines are synced
	return f.disk.Sync()
}
