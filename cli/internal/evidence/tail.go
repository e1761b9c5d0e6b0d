package evidence

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// recoverActor is who RECOVER records are by.
const recoverActor = "codex"

// maxTail bounds how much of the end of the log is read for what the next line
// is chained to, in bytes. Lines are far shorter, and so is what one write
// leaves torn.
const maxTail = 64 << 20

// tail is what the next line has to be chained to.
type tail struct {
	offset int64      // where it goes
	seq    int64      // of the last line, 0 without one
	hash   sdk.Digest // of the last line, zero without one
}

func hashLine(line []byte) sdk.Digest { return sha256.Sum256(line) }

// recover reads the end of the log, repairs what a crash left there and records
// that it did. The caller holds the lock.
func (l *Log) recover(f logFile) (tail, error) {
	info, err := f.f.Stat()
	if err != nil {
		return tail{}, err
	}
	end, err := lastNewline(f.f, info.Size())
	if err != nil {
		return tail{}, l.named(err)
	}
	end++
	t, why, err := readTail(f.f, end)
	if err == nil && end == 0 {
		t, why, err = l.tailOfClosed(f.f)
	}
	if err != nil {
		return tail{}, l.named(err)
	}
	switch torn := info.Size() - end; {
	case torn > 0:
		return l.recoverTorn(f, t, torn)
	case why != "":
		return l.write(f, t, []*Record{recovery("", 0, why)})
	}
	return t, nil
}

// tailOfClosed is the tail of the last closed part, for a log that has lost what
// followed it. It is empty where no part was closed.
func (l *Log) tailOfClosed(current *os.File) (t tail, why string, err error) {
	n, err := closedParts(l.dir, current)
	if err != nil || n == 0 {
		return tail{}, "", err
	}
	f, err := durable.OpenRegular(filepath.Join(l.dir, partName(n)), os.O_RDONLY, 0)
	if err != nil {
		return tail{}, "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return tail{}, "", err
	}
	t, _, err = readTail(f, info.Size())
	t.offset = 0
	return t, "the log that followed " + partName(n) + " is gone", err
}

func (l *Log) named(err error) error { return fmt.Errorf("%s: %w", l.Path(), err) }

// recoverTorn moves the size bytes behind t to a file of their own and appends
// the record that says so. If that can't be written the bytes are put back, so
// that none ever leaves the log without a record.
func (l *Log) recoverTorn(f logFile, t tail, size int64) (tail, error) {
	aside, err := l.setAside(f.f, t.offset, size)
	if err != nil {
		return t, err
	}
	defer func() { _ = aside.Close() }() // its copy is synced
	if err := f.disk.Truncate(t.offset); err != nil {
		return t, errors.Join(err, os.Remove(aside.Name()))
	}
	name := filepath.Base(aside.Name())
	next, err := l.write(f, t, []*Record{recovery(name, size, "the last line had no end: "+describeTorn)})
	if err == nil {
		return next, nil
	}
	if back := putBack(f, t.offset, io.NewSectionReader(aside, 0, size)); back != nil {
		return t, fmt.Errorf("%w (a torn line went to %s, unrecorded: %v)", err, name, back)
	}
	return t, errors.Join(err, os.Remove(aside.Name()))
}

const describeTorn = "a command or the machine stopped while it wrote"

func recovery(name string, size int64, why string) *Record {
	return &Record{Action: Recover, Actor: recoverActor, Status: Success, SetAside: name, Bytes: size, Reason: why}
}

// readTail reads the line that ends at end, newline included. why is not empty
// when that line is no record.
func readTail(f io.ReaderAt, end int64) (t tail, why string, err error) {
	if end == 0 {
		return tail{}, "", nil
	}
	before, err := lastNewline(f, end-1)
	if err != nil {
		return tail{}, "", err
	}
	k, hash, err := readLink(f, before+1, end-1)
	t = tail{offset: end, seq: k.Seq, hash: hash}
	if err != nil || k.Seq > 0 {
		return t, "", err
	}
	t.seq, err = seqAfter(f, end)
	return t, fmt.Sprintf("line %d is not a record; it stays where it is", t.seq), err
}

// readLink reads the line between two offsets. Seq is 0 where that is no record.
func readLink(f io.ReaderAt, from, to int64) (k link, hash sdk.Digest, err error) {
	line := io.NewSectionReader(f, from, to-from)
	sum := sha256.New()
	var head bytes.Buffer // the line, unless it is too long to be a record
	if _, err := io.Copy(io.MultiWriter(sum, limited{&head, MaxLine}), line); err != nil {
		return link{}, hash, err
	}
	hash = sdk.Digest(sum.Sum(nil))
	var reader linkReader
	if k, err := reader.read(Line{Raw: head.Bytes(), Length: line.Size()}); err == nil && k.Seq < maxSeq {
		return k, hash, nil
	}
	return link{}, hash, nil
}

// seqAfter returns the number of the last line, which is no record: that of the
// last record plus the lines behind it, or how many lines there are.
func seqAfter(f io.ReaderAt, end int64) (int64, error) {
	for seq, to := int64(0), end-1; ; seq++ {
		before, err := lastNewline(f, to)
		if err != nil {
			return 0, err
		}
		k, _, err := readLink(f, before+1, to)
		switch {
		case err != nil:
			return 0, err
		case k.Seq > 0:
			return k.Seq + seq, nil
		case before < 0:
			return seq + 1, nil
		case end-before > maxTail:
			return 0, errNoRecord
		}
		to = before
	}
}

var errNoRecord = fmt.Errorf("the last %d MiB hold no record; move it away", maxTail>>20)

// limited writes the first n bytes to w and drops the rest.
type limited struct {
	w *bytes.Buffer
	n int
}

func (l limited) Write(p []byte) (int, error) {
	l.w.Write(p[:min(len(p), l.n-min(l.n, l.w.Len()))])
	return len(p), nil
}

// lastNewline returns the offset of the last newline before end, -1 without
// one. It reads backwards, so it costs what the last line costs, and not more
// than maxTail.
func lastNewline(f io.ReaderAt, end int64) (int64, error) {
	lowest := max(0, end-maxTail)
	buf := make([]byte, 4<<10) // bytes; a line is about 600
	for end > lowest {
		from := max(lowest, end-int64(len(buf)))
		part := buf[:end-from]
		if _, err := f.ReadAt(part, from); err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i), nil
		}
		end = from
		if len(buf) < 1<<20 {
			buf = make([]byte, 2*len(buf))
		}
	}
	if lowest > 0 {
		return 0, errNoRecord
	}
	return -1, nil
}

func putBack(f logFile, offset int64, torn io.Reader) error {
	if _, err := f.f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(f.disk, torn)
	return err
}

// setAside copies the torn bytes at the end of f to a file of their own, and
// returns it once it is on disk: a crash before the original is cut leaves a
// second copy and loses nothing.
func (l *Log) setAside(f io.ReaderAt, from, size int64) (*os.File, error) {
	aside, err := l.createAside()
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(aside, io.NewSectionReader(f, from, size))
	if err = errors.Join(err, aside.Sync(), durable.SyncPath(l.dir)); err != nil {
		_ = aside.Close()           // err says why it is removed
		_ = os.Remove(aside.Name()) // err says more
		return nil, err
	}
	return aside, nil
}

func (l *Log) createAside() (*os.File, error) {
	stem := filepath.Join(l.dir, "archive_ops.torn-"+time.Now().UTC().Format("20060102T150405Z"))
	for n := 1; ; n++ {
		f, err := os.OpenFile(fmt.Sprintf("%s-%d", stem, n), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
	}
}
