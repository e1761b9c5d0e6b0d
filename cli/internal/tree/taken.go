package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/sdk"
)

// Taken is what had the name of an entry. It has another name in the same directory,
// so no other program replaces it while it is looked at. What a killed process leaves
// of it keeps that name: it may be the only copy of a file that had just taken the
// place of the one that was stored. The next store of the directory finds it.
type Taken struct {
	dir        *Dir // that holds it
	name, temp string
}

const takenPrefix = ".codex-removing-"

// Take takes what has the name of the entry now, which may be another file than
// the one that was opened. The caller ends it by Remove or PutBack.
func (e *Entry) Take() (*Taken, error) {
	t := &Taken{name: path.Base(e.Name), temp: takenPrefix + sdk.NewID().String()}
	var err error
	if e.dir == nil {
		t.name = filepath.Base(e.Path)
		t.dir, err = openParent(e.Path)
	} else {
		t.dir, err = e.dir.parent(e.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := t.dir.move(t.name, t.temp); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *Taken) close() { _ = t.dir.close() } // a directory: nothing is written through it

// Lstat describes what was taken.
func (t *Taken) Lstat() (fs.FileInfo, error) { return t.dir.lstat(t.temp) }

// Readlink returns the text of a symbolic link.
func (t *Taken) Readlink() (string, error) { return t.dir.readlink(t.temp) }

// Remove removes what was taken.
func (t *Taken) Remove() error {
	defer t.close()
	return t.dir.unlink(t.temp)
}

// PutBack gives what was taken its name again, and returns why. If the name was
// given to something else meanwhile, both stay, and the error says where.
func (t *Taken) PutBack(why error) error {
	defer t.close()
	if err := t.dir.moveNew(t.temp, t.name); err != nil {
		return errors.Join(why, fmt.Errorf("what was there is now %s: %w", t.dir.join(t.temp), durable.Cause(err)))
	}
	return why
}
