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

	"github.com/codex-archive/codex/sdk"
)

// recoverActor is who RECOVER records are by.
const recoverActor = "codex"

// tail is what the next line has to be chained to.
type tail struct {
	offset int64      // where it goes
	seq    int64      // of the last line, 0 without one
	hash   sdk.Digest // of the last line, zero without one
}

func hashLine(line []byte) sdk.Digest { return sha256.Sum256(line) }

// mend reads the end of the log f, puts right what a crash left there and
// records that it did. The caller holds the lock.
func (l *Log) mend(f *os.File) (t tail, mended bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return tail{}, false, err
	}
	newline, err := lastNewline(f, info.Size())
	if err != nil {
		return tail{}, false, err
	}
	end := newline + 1
	t, why, err := readTail(f, end)
	if err != nil {
		return tail{}, false, err
	}
	switch torn := info.Size() - end; {
	case torn > 0:
		t, err = l.mendTorn(f, t, torn)
		return t, true, err
	case why != "":
		t, err = write(f, t, []*Record{recovery("", 0, why)})
		return t, true, err
	}
	return t, false, nil
}

// mendTorn moves the size bytes behind t to a file of their own and appends the
// record that says so. If that can't be written the bytes are put back, so that
// none ever leaves the log without a record.
func (l *Log) mendTorn(f *os.File, t tail, size int64) (tail, error) {
	aside, err := l.setAside(f, t.offset, size)
	if err != nil {
		return t, err
	}
	defer aside.Close()
	if err := f.Truncate(t.offset); err != nil {
		return t, errors.Join(err, os.Remove(aside.Name()))
	}
	name := filepath.Base(aside.Name())
	next, err := write(f, t, []*Record{recovery(name, size, "the last line had no end: "+describeTorn)})
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
func readTail(f *os.File, end int64) (t tail, why string, err error) {
	if end == 0 {
		return tail{}, "", nil
	}
	before, err := lastNewline(f, end-1)
	if err != nil {
		return tail{}, "", err
	}
	line := io.NewSectionReader(f, before+1, end-1-(before+1))
	sum := sha256.New()
	var head bytes.Buffer // the line, unless it is too long to be a record
	if _, err := io.Copy(io.MultiWriter(sum, limited{&head, MaxLine}), line); err != nil {
		return tail{}, "", err
	}
	t = tail{offset: end, hash: sdk.Digest(sum.Sum(nil))}
	if k, err := (Line{Raw: head.Bytes(), Length: line.Size()}).link(); err == nil && k.Seq < maxSeq {
		t.seq = k.Seq
		return t, "", nil
	}
	t.seq, err = countLines(f, end)
	return t, fmt.Sprintf("line %d is not a record; it stays where it is", t.seq), err
}

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
// one. It reads backwards, so it costs what the last line costs.
func lastNewline(f io.ReaderAt, end int64) (int64, error) {
	buf := make([]byte, 4<<10) // bytes; a line is about 600
	for end > 0 {
		from := max(0, end-int64(len(buf)))
		part := buf[:end-from]
		if _, err := f.ReadAt(part, from); err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i), nil
		}
		end = from
	}
	return -1, nil
}

func countLines(f io.ReaderAt, end int64) (n int64, err error) {
	buf := make([]byte, 64<<10)
	r := io.NewSectionReader(f, 0, end)
	for {
		k, err := r.Read(buf)
		n += int64(bytes.Count(buf[:k], []byte("\n")))
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func putBack(f *os.File, offset int64, torn io.Reader) error {
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(f, torn)
	return err
}

// setAside copies the torn bytes at the end of f to a file of their own, and
// returns it once it is on disk: a crash before the original is cut leaves a
// second copy and loses nothing.
func (l *Log) setAside(f *os.File, from, size int64) (*os.File, error) {
	aside, err := l.createAside()
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(aside, io.NewSectionReader(f, from, size))
	if err = errors.Join(err, aside.Sync(), syncDir(l.dir)); err != nil {
		aside.Close()
		os.Remove(aside.Name())
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
