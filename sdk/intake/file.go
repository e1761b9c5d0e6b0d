package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/codex-archive/codex/sdk"
)

// File is a [Spill] into a temporary file, for a backend that has no place of its
// own for bodies on their way. The file has no name where the system can do that,
// so that nothing is left of it after a kill. The zero value is ready.
type File struct {
	// Dir is the directory of the file; "": that of [os.TempDir].
	Dir string
	// Known is the method Stays; nil: no content is known, and every body is kept.
	Known func(ctx context.Context, b *Body) (bool, error)

	file *os.File
	size int64
	from map[*Body]int64 // where the bytes of a body begin
}

// Stays implements [Spill].
func (f *File) Stays(ctx context.Context, b *Body) (bool, error) {
	if f.Known == nil {
		return false, nil
	}
	return f.Known(ctx, b)
}

// Add implements [Spill]. The pieces of a body come one after the other, those
// of another body after them.
func (f *File) Add(_ context.Context, b *Body, piece []byte) error {
	if f.file == nil {
		if err := f.create(); err != nil {
			return f.failed(err)
		}
	}
	if _, there := f.from[b]; !there {
		f.from[b] = f.size
	}
	n, err := f.file.WriteAt(piece, f.size)
	f.size += int64(n)
	if err != nil {
		return f.failed(err)
	}
	return nil
}

// failed is an error about the file, which has its path. It says how to choose
// another directory, because the disk need not be that of the archive.
func (f *File) failed(err error) error {
	remedy := ""
	if f.Dir == "" {
		remedy = " (TMPDIR names the directory)"
	}
	e := sdk.FileError("keep a large body in a temporary file", fmt.Errorf("%w%s", err, remedy))
	if e.Kind == sdk.NoArchive {
		e.Kind = sdk.Unavailable // what is missing is the directory
	}
	return e
}

func (f *File) create() (err error) {
	if f.file, err = os.CreateTemp(f.Dir, "codex-intake-"); err != nil {
		return err
	}
	f.from = map[*Body]int64{}
	if runtime.GOOS == "windows" {
		return nil
	}
	return os.Remove(f.file.Name())
}

// Flush implements [Spill]. The file need not survive a crash, so it is not synced.
func (f *File) Flush(context.Context) error { return nil }

// Reader yields the bytes of a body that was not dropped, from memory or from the
// file, until Close.
func (f *File) Reader(b *Body) io.Reader {
	if b.Spilled {
		return io.NewSectionReader(f.file, f.from[b], b.Content.StoredSize)
	}
	readers := make([]io.Reader, len(b.Pieces))
	for i, piece := range b.Pieces {
		readers[i] = bytes.NewReader(piece)
	}
	return io.MultiReader(readers...)
}

// Close removes the file, if there is one.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	if runtime.GOOS == "windows" {
		err = errors.Join(err, os.Remove(f.file.Name()))
	}
	f.file = nil
	return err
}
