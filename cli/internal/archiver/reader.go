package archiver

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/codex-archive/codex/sdk"
)

// Reader reads files into memory, twice each. It keeps its buffer from one file
// to the next and belongs to one goroutine.
type Reader struct{ second []byte }

// Append appends the content of f to dst: what both readings found. Info is that
// of f, a regular file, from before; a file that changed since is [ErrChanged].
func (r *Reader) Append(ctx context.Context, dst []byte, f *os.File, info fs.FileInfo) ([]byte, error) {
	begin, size := len(dst), int(info.Size())
	dst = slices.Grow(dst, size+1)[:begin+size+1] // one more, to see it grow
	n, err := f.ReadAt(dst[begin:], 0)
	if err != nil && err != io.EOF {
		return dst[:begin], err
	}
	if n != size {
		return dst[:begin], changed(f.Name())
	}
	dst = dst[:begin+n]
	err = settled(ctx, f, info, func() error { return r.compare(ctx, f, dst[begin:]) })
	if err != nil {
		return dst[:begin], err
	}
	return dst, nil
}

// compare reads f a second time. It goes backwards, so that a process which
// writes f over and over does not meet both readings at the same places.
func (r *Reader) compare(ctx context.Context, f *os.File, plain []byte) error {
	if size := min(largeChunk, len(plain)); len(r.second) < size {
		r.second = make([]byte, size)
	}
	for end := len(plain); end > 0; {
		from := max(0, end-len(r.second))
		part := r.second[:end-from]
		if err := ctx.Err(); err != nil {
			return sdk.AsError(err)
		}
		if _, err := f.ReadAt(part, int64(from)); err != nil && err != io.EOF {
			return err
		}
		if !bytes.Equal(part, plain[from:end]) {
			return changed(f.Name())
		}
		end = from
	}
	return nil
}
