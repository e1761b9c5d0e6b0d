//go:build !linux

package archive

import (
	"errors"
	"os"
	"time"
)

// openNameless: only Linux has files without a name.
func openNameless(*os.Root) *os.File { return nil }

func (t *temp) link(string) error { return errors.ErrUnsupported }

// setTime sets the modification time and leaves that of the last access.
func (t *temp) setTime(at time.Time) error { return t.root.Chtimes(t.name, time.Time{}, at) }

// renameNew: a hard link does it on these systems.
func renameNew(*os.Root, string, string) error { return errors.ErrUnsupported }
