package archiver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// ErrChanged says that a file changed while it was read.
var ErrChanged = errors.New("the file changed while it was read")

// ErrWriter says that a process has a file open for writing.
var ErrWriter = errors.New("a process has the file open for writing")

func changed(path string) error { return fmt.Errorf("read %s: %w", path, ErrChanged) }

// unchanged checks that f still has the size and time of before. Touched is not nil
// if something else of it has changed, which may be content whose time was put back.
func unchanged(f *os.File, before fs.FileInfo) (touched fs.FileInfo, err error) {
	now, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime()):
		return nil, changed(f.Name())
	case !changeTime(now).Equal(changeTime(before)):
		return now, nil
	}
	return nil, nil
}

// settlings is how often a file is read again because its change time is another.
const settlings = 5

// settled calls read, which reads f again and compares, as often as it takes until
// nothing touched f meanwhile. Before is from the time before the first reading. A new
// mode or name of the file touches it too, so that is no change.
func settled(ctx context.Context, f *os.File, before fs.FileInfo, read func() error) error {
	if err := spaced(ctx, f, read); err != nil {
		return err
	}
	for range settlings {
		touched, err := unchanged(f, before)
		if err != nil || touched == nil {
			return err
		}
		before = touched
		if err := read(); err != nil {
			return err
		}
	}
	return changed(f.Name())
}

// spacing is the time between readings of a file that a process may be writing.
// That process may not have run in between readings that follow at once, and
// then all of them see the same half of its work.
const spacing = 25 * time.Millisecond

// quiet is how long ago a file that a process has open for writing was written
// at least. A write may be stopped halfway for longer than spacing, by the disk
// or by a busy machine.
const quiet = time.Second

// spaced calls read once, or where a process has f open for writing, twice, with
// pauses, and again where the last write was not long ago.
func spaced(ctx context.Context, f *os.File, read func() error) error {
	if !hasWriter(f) {
		return read()
	}
	for range 2 {
		if err := pause(ctx, spacing); err != nil {
			return err
		}
		if err := read(); err != nil {
			return err
		}
	}
	waited, err := waitQuiet(ctx, f)
	if err == nil && waited {
		err = read()
	}
	return err
}

// waitQuiet waits until f was not written for as long as quiet says. A write
// meanwhile is an error. Memory that is mapped is written without a time, which
// is what the readings in between are for.
func waitQuiet(ctx context.Context, f *os.File) (waited bool, err error) {
	before, err := f.Stat()
	if err != nil {
		return false, err
	}
	wait := quiet - min(time.Since(before.ModTime()), time.Since(changeTime(before)))
	if wait <= 0 {
		return false, nil
	}
	if err := pause(ctx, min(wait, quiet)); err != nil { // a time may be in the future
		return false, err
	}
	if touched, err := unchanged(f, before); err != nil || touched != nil {
		return true, fmt.Errorf("%w: it is being written", changed(f.Name()))
	}
	return true, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return sdk.AsError(ctx.Err())
	case <-time.After(d):
		return nil
	}
}
