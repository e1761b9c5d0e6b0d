package evidence

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// FileName is the name of the log in its directory.
const FileName = "archive_ops.jsonl"

const (
	lockName   = "archive_ops.lock"
	pendingDir = "pending"
)

// Log is an opened evidence log. Its methods may be called from several
// goroutines; other processes may have the same log open.
type Log struct {
	dir   string
	start int64 // size of the log when it was opened: what this process appends stands behind

	mu    sync.Mutex
	notes map[*PendingIntent]struct{} // notes of this process that are not done
}

// Open opens the log in dir, making the directory (0700) and the files (0600)
// where they are missing. It takes the lock, waiting at most 30 seconds, reads
// the end of the log, sets a torn last line aside, and lets the lock go: an
// error means that there can be no record and so must be no action.
func Open(dir string) (*Log, error) {
	if err := makeDirs(dir); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	l := &Log{dir: dir, notes: map[*PendingIntent]struct{}{}}
	if err := l.append(nil); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return l, nil
}

// makeDirs makes the directories of a log: private ones, in parents as usual.
func makeDirs(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(dir, pendingDir), 0o700)
}

// Path is where the log is.
func (l *Log) Path() string { return filepath.Join(l.dir, FileName) }

// Append writes records at the end of the log, all or none, and returns once
// they are on disk. It fills in Seq and Prev, and ID and Time where they are
// zero. When the disk is full it gives up the space that the notes of this
// process hold, and tries once more.
func (l *Log) Append(records ...*Record) error {
	if len(records) == 0 {
		return nil
	}
	err := l.append(records)
	if isFull(err) && l.releaseSpace() {
		err = l.append(records)
	}
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	return nil
}

// append locks, mends, writes, unlocks and syncs. Without records it only
// proves that it could, and records what it had to mend.
func (l *Log) append(records []*Record) error {
	f, err := l.appendLocked(records)
	if f == nil || err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// appendLocked does what needs the lock. It returns the log still open, for
// the sync, if it wrote.
func (l *Log) appendLocked(records []*Record) (*os.File, error) {
	lock, err := lockFile(filepath.Join(l.dir, lockName), lockWait)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	f, err := openFile(l.Path(), os.O_CREATE)
	if err != nil {
		return nil, err
	}
	wrote, err := l.appendTo(f, records)
	if err != nil || !wrote {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (l *Log) appendTo(f *os.File, records []*Record) (wrote bool, err error) {
	end, mended, err := l.mend(f)
	if err != nil {
		return false, err
	}
	if end.offset == 0 {
		// The log may be new; its name must outlive the machine as its lines do.
		if err := syncDir(l.dir); err != nil {
			return false, err
		}
	}
	if len(records) == 0 {
		l.start = end.offset
		return mended, nil
	}
	_, err = write(f, end, records)
	return true, err
}

// write chains records to end, appends them in one write, and returns the new
// end. A write that was cut short, as by a full disk, is taken back.
func write(f *os.File, end tail, records []*Record) (tail, error) {
	now := time.Now()
	var lines []byte
	next := end
	for _, r := range records {
		r.complete(now)
		r.Seq, r.Prev = next.seq+1, next.hash
		line, err := r.MarshalJSON()
		if err != nil {
			return end, err
		}
		lines = append(append(lines, line...), '\n')
		next.seq, next.hash = r.Seq, hashLine(line)
	}
	next.offset += int64(len(lines))
	if _, err := f.Seek(end.offset, io.SeekStart); err != nil {
		return end, err
	}
	if _, err := f.Write(lines); err != nil {
		return end, withCut(err, f, end.offset)
	}
	return next, nil
}

// withCut cuts f back to where it ended before a write that failed with err.
// If that does not work either the next command sets the torn line aside.
func withCut(err error, f *os.File, size int64) error {
	if cut := f.Truncate(size); cut != nil {
		return fmt.Errorf("%w (and a torn line stays: %v)", err, cut)
	}
	return err
}

// complete gives r an ID and a time where it has none.
func (r *Record) complete(now time.Time) {
	if r.ID.IsZero() {
		r.ID = newID()
	}
	if r.Time.IsZero() {
		r.Time = now.UTC().Truncate(time.Millisecond)
	}
}

// newID draws a UUID of version 4.
func newID() (id sdk.ID) {
	rand.Read(id[:]) // never fails: it ends the process instead
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
