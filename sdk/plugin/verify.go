package plugin

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/codex-archive/codex/sdk"
)

// SumError says that a program is not the one that [Command.SHA256] names. It
// was not run.
type SumError struct {
	Path string
	Got  sdk.Digest // of the program that is there
	Want sdk.Digest
}

// Error names both hashes; the error of Launch names the path.
func (e *SumError) Error() string {
	return fmt.Sprintf("its SHA-256 is %s, locked is %s; it was not run", e.Got, e.Want)
}

// image is what is executed for a program.
type image struct {
	path string   // leads to copy
	copy *os.File // nil: the program is executed by its own path
}

// verified checks the program against c.SHA256. Where the system can, the bytes
// that were checked are the bytes that run: a copy in memory that nothing can
// write any more. Elsewhere, and for scripts, whose interpreter wants a path,
// the file is checked and then executed: it must be where no other user can
// exchange it in between.
func (c *Command) verified() (*image, error) {
	if c.SHA256 == nil {
		return &image{}, nil
	}
	f, err := os.Open(c.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	if isScript(f) {
		c.Logger.Debug("The hash of " + c.Path + " was checked; it is a script, whose interpreter is not covered")
		return &image{}, c.check(f)
	}
	i, err := sealed(f)
	if errors.Is(err, errors.ErrUnsupported) {
		c.Logger.Debug("The hash of " + c.Path + " was checked; this system executes it by its path")
		return &image{}, c.check(f)
	}
	if err != nil {
		return nil, err
	}
	if err := c.check(i.copy); err != nil {
		i.close()
		return nil, err
	}
	c.Logger.Debug("The hash of " + c.Path + " was checked, on the copy that is executed")
	return i, nil
}

// check reads f from its beginning.
func (c *Command) check(f *os.File) error {
	h := sha256.New()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	e := &SumError{Path: c.Path, Want: *c.SHA256}
	if h.Sum(e.Got[:0]); e.Got != e.Want {
		return e
	}
	return nil
}

// isScript reports whether the system would run f by an interpreter.
func isScript(f *os.File) bool {
	var first [2]byte
	_, err := f.ReadAt(first[:], 0)
	return err == nil && string(first[:]) == "#!"
}

// close closes the copy, which a process that runs it keeps.
func (i *image) close() {
	if i.copy != nil {
		_ = i.copy.Close() // it was only read, or has failed
	}
}
