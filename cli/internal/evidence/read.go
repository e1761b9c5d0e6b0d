package evidence

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// Line is one line of the log.
type Line struct {
	Part   string     // name of the file that it is in
	Number int64      // in that file, from 1
	Offset int64      // of its first byte in all files, one behind the other
	Raw    []byte     // without the newline, at most MaxLine bytes; valid until the loop body returns
	Length int64      // bytes of the whole line, without the newline
	Torn   bool       // has no newline: the last line, being written or broken off
	Hash   sdk.Digest // of the whole line; only from [Checker.Run]
}

// Where names the line to people.
func (l Line) Where() string {
	if l.Part == FileName {
		return fmt.Sprintf("line %d", l.Number)
	}
	return fmt.Sprintf("%s line %d", l.Part, l.Number)
}

// Record reads the line.
func (l Line) Record() (*Record, error) {
	r := new(Record)
	err := l.whole()
	if err == nil {
		err = json.Unmarshal(l.Raw, r)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Where(), inWords(err))
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

// Read yields the lines of the log at path, those of closed parts first, in order
// and without a lock: what is appended meanwhile may or may not come. An error is
// the last pair. Where a part is missing it is a [MissingPartError].
func Read(path string) iter.Seq2[Line, error] { return readFrom(path, place{}, nil) }

// LineAt returns the line that begins at an offset: see [Line].
func LineAt(path string, offset int64) (Line, error) {
	for line, err := range readFrom(path, place{offset: offset}, nil) {
		line.Raw = slices.Clone(line.Raw)
		return line, err
	}
	return Line{}, io.ErrUnexpectedEOF
}

// place is where a line begins.
type place struct {
	offset int64 // as in [Line]
	number int64 // of the line before it, in its file
}

// readFrom is Read from a place, or from the first line where the log is shorter.
// If sum is not nil it makes the hashes of the lines.
func readFrom(path string, from place, sum hash.Hash) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		p, err := openParts(path)
		if err != nil {
			yield(Line{}, err)
			return
		}
		defer p.close()
		if err := p.read(from, sum, yield); err != nil && err != errStop {
			yield(Line{}, err)
		}
	}
}

// errStop says that the loop over lines has ended.
var errStop = errors.New("stop")

func (p *parts) read(from place, sum hash.Hash, yield func(Line, error) bool) error {
	before, err := p.closedSize()
	if err != nil {
		return err
	}
	if p.current != nil {
		info, err := p.current.Stat()
		if err != nil {
			return err
		}
		if from.offset > before+info.Size() {
			from = place{} // it is another log than it was
		}
	}
	before = 0 // bytes of the parts before part n
	for n := 1; n <= p.closed+1; n++ {
		size, err := p.readPart(n, before, from, sum, yield)
		if err != nil {
			return err
		}
		before += size
	}
	return nil
}

// readPart yields the lines of part n, of which no byte is before from, and
// returns the size of the part.
func (p *parts) readPart(n int, before int64, from place, sum hash.Hash, yield func(Line, error) bool) (size int64, err error) {
	f, err := p.open(n)
	if err != nil {
		return 0, err
	}
	name := FileName
	if n <= p.closed {
		name = partName(n)
		defer func() { _ = f.Close() }() // it was only read
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size = info.Size()
	s := scanner{r: bufio.NewReaderSize(f, 256<<10), sum: sum}
	s.line = Line{Part: name, Offset: before}
	switch {
	case n <= p.closed && from.offset >= before+size:
		return size, nil
	case from.offset > before:
		if _, err := f.Seek(from.offset-before, io.SeekStart); err != nil {
			return 0, err
		}
		s.line.Offset, s.line.Number = from.offset, from.number
	}
	for s.next() {
		if !yield(s.line, nil) {
			return 0, errStop
		}
	}
	return size, s.err
}

// scanner cuts a reader into lines.
type scanner struct {
	r     *bufio.Reader
	sum   hash.Hash // if not nil, holds the hash of the line
	line  Line      // before the first: where it begins
	begun bool
	keep  []byte // the line, where it is longer than the reader's buffer
	ended bool
	err   error
}

// maxUnbroken is the length after which what has no newline is no line: nothing
// behind it is read.
const maxUnbroken = 64 << 20

// next reads a line into s.line and reports whether there was one.
func (s *scanner) next() bool {
	if s.ended {
		return false
	}
	if s.begun {
		s.line.Offset += s.line.Length + 1
	}
	s.begun = true
	s.line = Line{Part: s.line.Part, Number: s.line.Number + 1, Offset: s.line.Offset}
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
			s.hash()
			return true
		case bufio.ErrBufferFull:
			if s.line.Length < maxUnbroken {
				continue
			}
			s.ended = true
			s.hash()
			return true
		case io.EOF:
			s.line.Torn = true
			s.hash()
			return s.line.Length > 0
		}
		s.err = err
		return false
	}
}

func (s *scanner) hash() {
	if s.sum != nil {
		s.sum.Sum(s.line.Hash[:0])
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
