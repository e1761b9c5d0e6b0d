package evidence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// FileName is the name of the log in its directory.
const FileName = "archive_ops.jsonl"

const (
	lockName   = "archive_ops.lock"
	pendingDir = "pending"
)

// lockWait is how long Append waits for other processes. The lock is held for
// a write and a sync, so a process that waits this long waits for one that was
// stopped, or for a disk that does not answer.
const lockWait = 30 * time.Second

// IsOwn reports whether a name in the directory of a log is one of the log's own.
// Case does not count: it may not for the file system.
func IsOwn(name string) bool {
	name = strings.ToLower(name)
	return name == pendingDir || strings.HasPrefix(name, stem)
}

// PendingDir is where the notes of intents are, of the log in dir.
func PendingDir(dir string) string { return filepath.Join(dir, pendingDir) }

// Log is an opened evidence log. Its methods may be called from several
// goroutines; other processes may have the same log open.
type Log struct {
	dir   string
	start int64                 // size of all parts when the log was opened: this process appends behind it
	wrap  func(f *os.File) Disk // see SetDisk

	appending sync.Mutex // held while this process waits for the lock or has it
	broken    error      // what an append could not take back; nothing is appended afterwards
	absent    bool       // there is no directory yet
	held      []*Record  // failures from before there is a directory; they come first in a new log

	mu      sync.Mutex
	intents map[*PendingIntent]struct{} // those of this process that are not done
	archive sdk.ID                      // which they are about; zero where it is not known yet
}

// SetDisk puts wrap between the log and its file. Tests make calls fail with it.
func (l *Log) SetDisk(wrap func(f *os.File) Disk) { l.wrap = wrap }

// Disk is what changes the log's file.
type Disk interface {
	Write(p []byte) (int, error)
	Truncate(size int64) error
	Sync() error
}

// logFile is the opened file of the log. What changes it goes through disk.
type logFile struct {
	f    *os.File
	disk Disk
}

// Open opens the log in dir. It takes the lock, waiting at most 30 seconds, reads
// the end of the log, sets a torn last line aside, and releases the lock: an
// error means that there can be no record and so must be no action.
//
// Where dir is missing, Open proves that it can be made, and makes nothing. The
// directory (0700) and its files (0600) are made by the first intent, or by the
// first record. A record of a failure makes no directory above dir, so that a
// command that fails leaves no project behind where there was none.
func Open(dir string) (*Log, error) {
	l := &Log{dir: dir, intents: map[*PendingIntent]struct{}{}}
	_, err := os.Lstat(dir)
	if l.absent = errors.Is(err, fs.ErrNotExist); l.absent {
		err = errors.Join(durable.CheckProjectDir(dir), durable.CanMake(dir))
	} else if err == nil {
		err = l.make()
	}
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return l, nil
}

// make makes the log where it is missing, and proves that it can be written.
func (l *Log) make() error {
	if err := makeDirs(l.dir); err != nil {
		return err
	}
	return l.append(nil)
}

// isAbsent reports whether there was no directory when the log was opened and
// nothing was written since.
func (l *Log) isAbsent() bool {
	l.appending.Lock()
	defer l.appending.Unlock()
	return l.absent
}

// makeDirs makes the directories of a log: private ones, in parents as usual.
func makeDirs(dir string) error {
	if err := durable.CheckProjectDir(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	for _, d := range []string{dir, filepath.Join(dir, pendingDir)} {
		if err := os.Mkdir(d, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return durable.CheckDir(filepath.Join(dir, pendingDir))
}

// Path is where the log is.
func (l *Log) Path() string { return filepath.Join(l.dir, FileName) }

// Append writes records at the end of the log, all or none, and returns once
// they are on disk. It fills in Seq and Prev, and ID and Time where they are
// zero. When the disk is full it gives up the space that the intents of this
// process hold, and tries once more.
//
// After an error the log is as it was before. Where that cannot be, nothing more
// is appended: a later command finds out which records are there.
func (l *Log) Append(records ...*Record) error {
	if len(records) == 0 {
		return nil
	}
	err := l.append(records)
	if durable.Full(err) && l.releaseSpace() {
		err = l.append(records)
	}
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	return nil
}

// append recovers the end of the log and writes records there, all of it on
// disk before the lock is released. Without records it proves that it could.
func (l *Log) append(records []*Record) error {
	l.appending.Lock()
	defer l.appending.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if l.absent && l.onlyFailures(records) {
		l.held = append(l.held, records...)
		return nil
	}
	if l.absent {
		if err := makeDirs(l.dir); err != nil {
			return err
		}
		l.absent = false
	}
	err := l.appendLocked(slices.Concat(l.held, records))
	if err == nil {
		l.held = nil
	}
	return err
}

// onlyFailures reports whether records are all of failures, in a place that has
// no directory for a log.
func (l *Log) onlyFailures(records []*Record) bool {
	if _, err := os.Lstat(filepath.Dir(l.dir)); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	acted := func(r *Record) bool { return r.Status == Success || r.Status == Started }
	return len(records) > 0 && !slices.ContainsFunc(records, acted)
}

// appendLocked is append with the lock of other processes.
func (l *Log) appendLocked(records []*Record) error {
	lock, err := l.lock()
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // closing releases the lock; nothing is written to it
	f, err := l.open()
	if err != nil {
		return err
	}
	defer func() { _ = f.f.Close() }() // its lines are synced
	end, err := l.recover(f)
	if err != nil {
		return err
	}
	if end.offset == 0 {
		// The log may be new; its name must survive a crash of the machine as its
		// lines do.
		if err := durable.SyncPath(l.dir); err != nil {
			return err
		}
	}
	if len(records) == 0 {
		l.start, err = l.allBytes(f, end)
		return err
	}
	for _, r := range records {
		if r.Archive.IsZero() && r.InArchive() {
			r.Archive = l.identity()
		}
	}
	_, err = l.write(f, end, records)
	return err
}

// lock takes the lock of other processes. Closing the file releases it.
func (l *Log) lock() (*os.File, error) {
	return durable.Lock(filepath.Join(l.dir, lockName), os.O_RDWR|os.O_CREATE, 0o600, lockWait)
}

// allBytes is how many bytes all parts have, up to the end of the one that grows.
func (l *Log) allBytes(f logFile, end tail) (int64, error) {
	closed, err := closedParts(l.dir, f.f)
	if err != nil {
		return 0, err
	}
	size, err := (&parts{dir: l.dir, closed: closed}).closedSize()
	return size + end.offset, err
}

// open opens the file of the log, which must be one that this program wrote.
func (l *Log) open() (logFile, error) {
	flag := os.O_RDWR | os.O_CREATE
	if runtime.GOOS != "windows" { // where a file opened so cannot be truncated
		flag |= os.O_APPEND // makes the log work with the append-only attribute (chattr +a)
	}
	f, err := durable.OpenRegular(l.Path(), flag, 0o600)
	if err != nil {
		return logFile{}, err
	}
	if err := checkHead(f); err != nil {
		_ = f.Close() // it was only read; the error that follows says more
		return logFile{}, fmt.Errorf("%s: %w", l.Path(), err)
	}
	if l.wrap != nil {
		return logFile{f, l.wrap(f)}, nil
	}
	return logFile{f, f}, nil
}

// lineHead begins every line.
const lineHead = `{"v":1,"id":"`

// checkHead reports an error where f is not empty and no evidence log. A first
// line that a crash cut short, or of which only zeros came to the disk, is one.
func checkHead(f io.ReaderAt) error {
	head := make([]byte, len(lineHead))
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	text := string(head[:n])
	if strings.HasPrefix(lineHead, text) || strings.Trim(text, "\x00") == "" {
		return nil
	}
	return errors.New("is no evidence log; move it away")
}

// write chains records to end, appends them in one write, syncs, and returns
// the new end. What failed is taken back.
func (l *Log) write(f logFile, end tail, records []*Record) (tail, error) {
	lines, next, err := chain(end, records)
	if err != nil {
		return end, err
	}
	if _, err = f.f.Seek(end.offset, io.SeekStart); err != nil {
		return end, err
	}
	if _, err = f.disk.Write(lines); err == nil {
		err = f.disk.Sync()
	}
	if err != nil {
		return end, l.takeBack(f, end.offset, err)
	}
	return next, nil
}

// chain returns the lines of records, and the end of the log behind them.
func chain(end tail, records []*Record) (lines []byte, next tail, err error) {
	now := time.Now()
	next = end
	for _, r := range records {
		r.complete(now)
		r.Seq, r.Prev = next.seq+1, next.hash
		line, err := r.MarshalJSON()
		if err != nil {
			return nil, end, err
		}
		lines = append(append(lines, line...), '\n')
		next.seq, next.hash = r.Seq, hashLine(line)
	}
	next.offset += int64(len(lines))
	return lines, next, nil
}

// takeBack cuts the log back to its size before a write or a sync that failed
// with err. The disk may keep more until the next sync that works; those lines
// are found by their ids.
func (l *Log) takeBack(f logFile, size int64, err error) error {
	cut := f.disk.Truncate(size)
	if cut == nil {
		_ = f.disk.Sync() // its error adds nothing to err
		return err
	}
	l.broken = fmt.Errorf("%w (and the log could not be cut back: %v)", err, cut)
	return l.broken
}

// complete sets the ID and the time of r where it has none.
func (r *Record) complete(now time.Time) {
	if r.ID.IsZero() {
		r.ID = sdk.NewID()
	}
	if r.Time.IsZero() {
		r.Time = now.UTC().Truncate(time.Millisecond)
	}
}
