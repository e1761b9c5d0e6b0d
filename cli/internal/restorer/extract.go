package restorer

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

const (
	extractChunk  = 256 << 10 // bytes that go from decompressing to writing in one piece
	extractChunks = 4         // pieces under way between the two
)

// decryptSpace is what decrypting takes, in bytes: two chunks of 64 KiB, and its
// header.
const decryptSpace = 160 << 10

// Memory is how many bytes restoring c takes at most while it is under way, as
// far as c tells: bodies of other writers may have a larger window than ours.
func Memory(c sdk.Content) int64 {
	size := max(c.Size, 0)
	memory := extractChunks * min(extractChunk, size+1)
	if size <= verifiedInMemory {
		memory += size
	}
	if c.Codec != sdk.None {
		memory += min(size, usualWindow+decodeSpace)
	}
	if c.Codec == sdk.ZstdAge {
		memory += decryptSpace
	}
	return memory
}

// extraction turns the body of a record into verified plain bytes. Waiting for
// the body, decompressing, and writing are timed apart.
type extraction struct {
	record *sdk.Record
	body   *timed
	sum    hash.Hash
	n      int64 // plain bytes so far

	decompression time.Duration
	write         time.Duration
}

// timed measures how long the body was waited for, and keeps what ended it:
// what the decompressor says about a broken body is not worth passing on.
type timed struct {
	r    io.Reader
	wait time.Duration
	err  error
}

func (t *timed) Read(p []byte) (int, error) {
	start := time.Now()
	n, err := t.r.Read(p)
	t.wait += time.Since(start)
	if err != nil {
		t.err = err
	}
	return n, err
}

// piece is what goes from the decompressing goroutine to the writing one.
type piece struct {
	data []byte
	err  error // the last piece: io.EOF or what went wrong
}

// extract writes the plain bytes of body to w. Only if it returns nil do they
// match the record. It returns after the last read of body.
func (o Opener) extract(ctx context.Context, r *sdk.Record, body io.Reader, w io.Writer) (*extraction, error) {
	x := &extraction{record: r, body: &timed{r: body}, sum: sha256.New()}
	plain, free, err := o.decompress(r, x.body)
	if err != nil {
		return x, x.unopened(ctx, err)
	}
	defer free()
	pieces, spare := make(chan piece, extractChunks), make(chan []byte, extractChunks)
	for range extractChunks {
		spare <- make([]byte, min(extractChunk, max(r.Content.Size, 0)+1))
	}
	var decompressing sync.WaitGroup
	decompressing.Go(func() { x.decompress(ctx, plain, pieces, spare) })
	err = x.drain(w, pieces, spare)
	close(spare) // the other side stops at its next piece
	for range pieces {
	}
	decompressing.Wait()
	return x, x.verdict(ctx, err)
}

// decompress reads plain into spare pieces until it ends, ctx ends, or no more
// spares come.
func (x *extraction) decompress(ctx context.Context, plain io.Reader, pieces chan<- piece, spare <-chan []byte) {
	defer close(pieces)
	for buf := range spare {
		if err := ctx.Err(); err != nil {
			pieces <- piece{nil, err}
			return
		}
		start, waited := time.Now(), x.body.wait
		n, err := io.ReadFull(plain, buf)
		x.decompression += time.Since(start) - (x.body.wait - waited)
		if errors.Is(err, io.ErrUnexpectedEOF) && x.body.ended() {
			err = io.EOF // a short last piece, unless the decompressor missed something: then the hash tells
		}
		pieces <- piece{buf[:n], err}
		if err != nil {
			return
		}
	}
}

// ended reports whether the body came to its regular end.
func (t *timed) ended() bool { return t.err == io.EOF }

// drain hashes and writes pieces. Its error is the writer's, or the last
// piece's.
func (x *extraction) drain(w io.Writer, pieces <-chan piece, spare chan<- []byte) error {
	for p := range pieces {
		x.n += int64(len(p.data))
		x.sum.Write(p.data)
		start := time.Now()
		_, err := w.Write(p.data)
		x.write += time.Since(start)
		switch {
		case err != nil:
			return &writeError{err}
		case p.err == io.EOF:
			return nil
		case p.err != nil:
			return p.err
		case x.n > x.record.Content.Size:
			return errTooLong
		}
		spare <- p.data[:cap(p.data)]
	}
	return nil
}

var errTooLong = errors.New("it is longer than recorded")

// writeError tells an error of the writer from one of the content.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

// verdict decides what the end of an extraction means.
func (x *extraction) verdict(ctx context.Context, err error) error {
	var write *writeError
	bodyErr := x.body.err
	if bodyErr == io.EOF {
		bodyErr = nil
	}
	switch {
	case errors.As(err, &write):
		return write.err
	case ctx.Err() != nil && err != nil:
		return sdk.AsError(ctx.Err())
	case bodyErr != nil && sdk.KindOf(bodyErr) != sdk.Corrupt:
		return sdk.AsError(bodyErr)
	case bodyErr != nil && x.whole():
		return sdk.Errorf(sdk.Corrupt, "the content is whole, and what is recorded of its stored bytes is not true: %w", bodyErr).About(x.record.Tombstone)
	case bodyErr != nil:
		return x.corrupt(bodyErr)
	case err != nil:
		return x.corrupt(err)
	case !x.whole():
		return x.corrupt(nil)
	}
	return nil
}

// whole reports whether all of the content came.
func (x *extraction) whole() bool {
	return x.n == x.record.Content.Size && sdk.Digest(x.sum.Sum(nil)) == x.record.Content.SHA256
}

// unopened decides what it means that a body cannot be opened.
func (x *extraction) unopened(ctx context.Context, err error) error {
	var other *output.Failure
	if errors.As(err, &other) {
		return err
	}
	return x.verdict(ctx, err)
}

// corrupt names what should have come and what came, as far as it could be
// read.
func (x *extraction) corrupt(cause error) error {
	want := x.record.Content
	e := sdk.Errorf(sdk.Corrupt, "content does not match its hash: recorded sha256 %s (%d bytes), found %s (%d bytes)",
		want.SHA256, want.Size, sdk.Digest(x.sum.Sum(nil)), x.n)
	if cause != nil {
		e.Msg += ": " + cause.Error()
		e.Err = cause
	}
	e.Tombstones = []sdk.Tombstone{x.record.Tombstone}
	return e
}
