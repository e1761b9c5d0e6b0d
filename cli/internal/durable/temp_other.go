//go:build !linux && !windows

package durable

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// openNameless: only Linux has files without a name.
func (*Temp) openNameless(fs.FileMode) *os.File { return nil }

func (t *Temp) link(string) error { return errors.ErrUnsupported }

// SetTime sets the modification time, and that of the last access to now.
func (t *Temp) SetTime(at time.Time) error { return t.root.Chtimes(t.name, time.Now(), at) }

// renameNew: a hard link does it on these systems.
func renameNew(*os.Root, string, string) error { return errors.ErrUnsupported }
