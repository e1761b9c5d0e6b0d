package archive

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"

	"github.com/codex-archive/codex/sdk"
)

// spoolMemory is how much of a spool is kept in memory, in bytes; the rest of a
// larger one goes to a file.
const spoolMemory = sdk.StagedBody

// spool keeps bytes until they are known to be whole: a little in memory, more
// in a temporary file that has no name where the system can do that.
type spool struct {
	head []byte   // everything, while file is nil
	file *os.File // everything, if not nil
	size int64
}

func (s *spool) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.file == nil && len(s.head)+len(p) <= spoolMemory {
		s.head = append(s.head, p...)
		return len(p), nil
	}
	if s.file == nil {
		if err := s.overflow(); err != nil {
			return 0, err
		}
	}
	return s.file.Write(p)
}

// overflow moves what is in memory to a file.
func (s *spool) overflow() (err error) {
	if s.file, err = os.CreateTemp("", "codex-spool-"); err != nil {
		return err
	}
	if runtime.GOOS != "windows" {
		err = os.Remove(s.file.Name())
	}
	if err == nil {
		_, err = s.file.Write(s.head)
	}
	s.head = nil
	return err
}

// reader reads the spool from its beginning.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.head)
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

// Close frees the spool. It is safe to call on one that never had a file.
func (s *spool) Close() error {
	s.head = nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if runtime.GOOS == "windows" {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
