package evidence

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// Line is one line of the log.
type Line struct {
	Number int64  // from 1
	Offset int64  // of its first byte in the file
	Raw    []byte // without the newline, at most MaxLine bytes; valid until the loop body returns
	Length int64  // bytes of the whole line, without the newline
	Torn   bool   // has no newline: the last line, being written or broken off
}

// Record reads the line.
func (l Line) Record() (*Record, error) {
	r := new(Record)
	err := l.whole()
	if err == nil {
		err = json.Unmarshal(l.Raw, r)
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", l.Number, err)
	}
	return r, nil
}

// whole reports why a line cannot be read.
func (l Line) whole() error {
	switch {
	case l.Torn:
		return errors.New("has no end")
	case l.Length > int64(len(l.Raw)):
		return fmt.Errorf("is longer than %d bytes", MaxLine)
	}
	return nil
}

// Read yields the lines of the log at path, in order, without a lock: what is
// appended meanwhile may or may not come. An error is the last pair.
func Read(path string) iter.Seq2[Line, error] { return readFrom(path, 0) }

// readFrom is Read from the line that begins at offset, or from the first where
// the log is shorter. Numbers count from there.
func readFrom(path string, offset int64) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		f, err := durable.OpenRegular(path, os.O_RDONLY, 0)
		if err != nil {
			yield(Line{}, err)
			return
		}
		defer func() { _ = f.Close() }() // it was only read
		info, err := f.Stat()
		if err != nil {
			yield(Line{}, err)
			return
		}
		if offset > info.Size() {
			offset = 0
		}
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			yield(Line{}, err)
			return
		}
		s := scanner{r: bufio.NewReaderSize(f, 256<<10)}
		s.line.Offset = offset
		for s.next() {
			if !yield(s.line, nil) {
				return
			}
		}
		if s.err != nil {
			yield(Line{}, s.err)
		}
	}
}

// scanner cuts a reader into lines.
type scanner struct {
	r    *bufio.Reader
	sum  hash.Hash // if not nil, holds the hash of the line
	line Line
	keep []byte // the line, where it is longer than the reader's buffer
	err  error
}

// next reads a line into s.line and reports whether there was one.
func (s *scanner) next() bool {
	if s.line.Number > 0 {
		s.line.Offset += s.line.Length + 1
	}
	s.line = Line{Number: s.line.Number + 1, Offset: s.line.Offset}
	s.keep = s.keep[:0]
	if s.sum != nil {
		s.sum.Reset()
	}
	for {
		part, err := s.r.ReadSlice('\n')
		whole := err == nil
		if whole {
			part = part[:len(part)-1]
		}
		s.take(part, whole)
		switch err {
		case nil:
			return true
		case bufio.ErrBufferFull:
			continue
		case io.EOF:
			s.line.Torn = true
			return s.line.Length > 0
		}
		s.err = err
		return false
	}
}

// take adds part to the line. The usual line is one part, and is not copied.
func (s *scanner) take(part []byte, whole bool) {
	if s.sum != nil {
		s.sum.Write(part)
	}
	if whole && s.line.Length == 0 {
		s.line.Raw, s.line.Length = part[:min(len(part), MaxLine)], int64(len(part))
		return
	}
	s.line.Length += int64(len(part))
	s.keep = append(s.keep, part[:min(len(part), MaxLine-len(s.keep))]...)
	s.line.Raw = s.keep
}

// Report is what Verify found.
type Report struct {
	Lines  int64      // whole lines, up to the broken one if there is one
	Events int64      // of these, lines whose event the archive was told too
	Broken int64      // number of the first line that breaks the chain; 0: none
	Why    string     // what is wrong with it
	Torn   bool       // the last line has no end; the next command sets it aside
	Last   sdk.Digest // hash of the last whole line: write it down to notice later that lines were cut off
}

// Checked says what a report without a broken line proves.
func (r Report) Checked() string {
	if r.Lines == 0 {
		return "Checked: nothing, because the log has no lines."
	}
	return "Checked: no line before the last was changed, removed, inserted or moved."
}

// NotChecked says what a report cannot prove, because the chain is all in one
// file.
func (r Report) NotChecked() string {
	if r.Lines == 0 {
		return "Not checked: whether nothing was done yet, or the log was deleted."
	}
	return "Not checked: whether lines were cut off at the end, whether the last line was changed, and whether the whole log was written anew."
}

// Missing says what it means that the archive knows a number of events of this
// log's kind, "" where that fits. An archive that several logs share knows more.
func (r Report) Missing(events int64) string {
	if events <= r.Events {
		return ""
	}
	return fmt.Sprintf("the archive knows %d events and this log %d: lines are missing here, or other logs record the same archive", events, r.Events)
}

// Verify checks the chain of the log at path: each line a record, numbered
// without a gap, and holding the hash of the line before. The error says that
// the log could not be read.
func Verify(path string) (Report, error) {
	f, err := durable.OpenRegular(path, os.O_RDONLY, 0)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return verify(f)
}

func verify(r io.Reader) (Report, error) {
	var rep Report
	var seq int64
	s := scanner{r: bufio.NewReaderSize(r, 256<<10), sum: sha256.New()}
	for s.next() {
		if s.line.Torn {
			rep.Torn = true
			break
		}
		rep.Lines++
		l, err := s.line.link()
		if err == nil {
			err = l.follows(seq, rep.Last)
		}
		if err != nil {
			rep.Broken, rep.Why = s.line.Number, fmt.Sprintf("line %d: %v", s.line.Number, err)
			return rep, nil
		}
		seq = l.Seq
		if l.Status == Success && l.Action.InArchive() && l.DBEvent == "" {
			rep.Events++
		}
		s.sum.Sum(rep.Last[:0])
	}
	return rep, s.err
}

// link is what of a record is verified. Reading only this is a third of the
// work.
type link struct {
	V       int        `json:"v"`
	Seq     int64      `json:"seq"`
	Prev    sdk.Digest `json:"prev"`
	Action  Action     `json:"action"`
	Status  Status     `json:"status"`
	DBEvent string     `json:"db_event"`
}

func (l Line) link() (k link, err error) {
	if err := l.whole(); err != nil {
		return k, err
	}
	if err := json.Unmarshal(l.Raw, &k); err != nil {
		return k, fmt.Errorf("not a record: %w", err)
	}
	if k.V < 1 || k.Seq < 1 || k.Seq > maxSeq {
		return k, fmt.Errorf("not a record: v is %d, seq %d", k.V, k.Seq)
	}
	return k, nil
}

func (k link) follows(seq int64, prev sdk.Digest) error {
	switch {
	case k.Seq != seq+1:
		return fmt.Errorf("seq is %d, should be %d", k.Seq, seq+1)
	case k.Prev != prev:
		return fmt.Errorf("prev is %s, should be %s", k.Prev, prev)
	}
	return nil
}
