// Package spool keeps bytes until they are known to be whole, and copies bytes
// until a context ends.
package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// Memory is how much of a spool is kept in memory, in bytes; the rest of a
// larger one goes to a file.
const Memory = sdk.StagedBody

// Spool keeps what is written to it: a little in memory, more
// in a temporary file that has no name where the system can do that.
type Spool struct {
	head []byte   // everything, while file is nil
	file *os.File // everything, if not nil
	size int64
}

func (s *Spool) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.file == nil && len(s.head)+len(p) <= Memory {
		s.head = append(s.head, p...)
		return len(p), nil
	}
	if s.file == nil {
		if err := s.overflow(); err != nil {
			return 0, err
		}
	}
	return durable.TempWriter{File: s.file}.Write(p)
}

// overflow moves what is in memory to a file.
func (s *Spool) overflow() (err error) {
	if s.file, err = os.CreateTemp("", "codex-spool-"); err != nil {
		return durable.InTempDir(err)
	}
	if runtime.GOOS != "windows" {
		err = os.Remove(s.file.Name())
	}
	if err == nil {
		_, err = s.file.Write(s.head)
	}
	s.head = nil
	return durable.InTempDir(err)
}

// Reader reads the spool from its beginning.
func (s *Spool) Reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.head)
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

// Bytes returns what was written, if all of it is in memory.
func (s *Spool) Bytes() ([]byte, bool) { return s.head, s.file == nil }

// Size is how much was written, in bytes.
func (s *Spool) Size() int64 { return s.size }

// ReadAt reads from a spool that is not in memory.
func (s *Spool) ReadAt(p []byte, off int64) (int, error) { return s.file.ReadAt(p, off) }

// Close frees the spool. It is safe to call on one that never had a file.
func (s *Spool) Close() error {
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
