package evidence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// Rotation is what [Log.Rotate] has done.
type Rotation struct {
	Closed     string // name of the part that was closed, "" where there was nothing to close
	Checkpoint string // name of its checkpoint
	Tree       tlog.Tree
}

// ErrChain says that the chain of a log is broken.
var ErrChain = errors.New("the chain is broken")

// Rotate closes the log with a checkpoint that k signs, and begins the next part
// with the record r, whose prev is the hash of the last line. A log without lines
// behind a ROTATE record stays.
//
// One rename decides: before it, the log is as it was, and what was made for the
// next part is ignored, and replaced by the next rotation; after it, the rotation
// is done.
func (l *Log) Rotate(k *PrivateKey, r *Record) (Rotation, error) {
	if l.isAbsent() {
		return Rotation{}, nil
	}
	var c Checker
	if err := c.check(l.Path()); err != nil { // most of the work, without the lock
		return Rotation{}, err
	}
	l.appending.Lock()
	defer l.appending.Unlock()
	lock, err := l.lock()
	if err != nil {
		return Rotation{}, err
	}
	defer func() { _ = lock.Close() }() // closing releases the lock; nothing is written to it
	f, err := l.open()
	if err != nil {
		return Rotation{}, err
	}
	defer func() { _ = f.f.Close() }() // its lines are synced
	end, err := l.recover(f)
	if err != nil {
		return Rotation{}, err
	}
	if err := c.check(l.Path()); err != nil {
		return Rotation{}, err
	}
	closed, err := closedParts(l.dir, f.f)
	if err != nil {
		return Rotation{}, err
	}
	done := c.rotation(closed)
	if done.Closed == "" {
		return done, nil
	}
	r.Tree = &Tree{Lines: done.Tree.N, Root: done.Tree.Hash.String(), Key: k.Name(), Checkpoint: done.Checkpoint, Closed: done.Closed}
	return done, l.closePart(k, done, f.f, end, r)
}

// NextRotation returns what [Log.Rotate] would do now to the log at path. Nothing
// is changed.
func NextRotation(path string) (Rotation, error) {
	var c Checker
	if err := c.check(path); err != nil {
		return Rotation{}, err
	}
	p, err := openParts(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Rotation{Tree: c.Tree()}, nil
	}
	if err != nil {
		return Rotation{}, err
	}
	defer p.close()
	return c.rotation(p.closed), nil
}

// rotation names what a rotation makes behind so many closed parts: nothing where
// the part that grows has no line of its own.
func (c *Checker) rotation(closed int) Rotation {
	done := Rotation{Tree: c.Tree()}
	if own := c.next.number; own > 1 || own == 1 && closed == 0 {
		done.Closed, done.Checkpoint = partName(closed+1), checkpointName(closed+1)
	}
	return done
}

// check runs c, and returns an error where the chain is broken.
func (c *Checker) check(path string) error {
	err := c.Run(path, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && c.Report.Broken > 0 {
		return fmt.Errorf("%w: %s", ErrChain, c.Report.Why)
	}
	return err
}

// closePart makes the files of a rotation. The caller holds the lock.
func (l *Log) closePart(k *PrivateKey, done Rotation, current *os.File, end tail, r *Record) error {
	signed, err := k.SignTree(done.Tree)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(l.dir, done.Checkpoint), 0o600, func(w io.Writer) error {
		_, err := w.Write(signed)
		return err
	}); err != nil {
		return err
	}
	line, _, err := chain(end, []*Record{r})
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	durable.Sweep(root)
	next, err := durable.NewTemp(root, 0o600)
	if err != nil {
		return err
	}
	defer next.Discard()
	if _, err := next.File.Write(line); err != nil {
		return err
	}
	// Not every system replaces a file that is open.
	if err := errors.Join(current.Sync(), current.Close(), next.File.Sync()); err != nil {
		return err
	}
	// A name that is left of an earlier attempt is that of the same file.
	if err := root.Link(FileName, done.Closed); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := durable.SyncRoot(root); err != nil {
		return err
	}
	if err := next.Publish(FileName, true); err != nil {
		return err
	}
	return durable.SyncRoot(root)
}
