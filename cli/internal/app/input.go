package app

import (
	"context"
	"io"
	"os"
)

// Input opens the file at path, or standard input for "-", to be read once. A
// pipe, a terminal or a device may keep the opening and each reading waiting: both
// end with ctx.
func (c *Command) Input(ctx context.Context, path string) (io.ReadCloser, error) {
	if path == "-" {
		return &input{ctx: ctx, in: io.NopCloser(c.Env.Stdin)}, nil
	}
	f, err := await(ctx, func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		return nil, err
	}
	return &input{ctx: ctx, in: f}, nil
}

// await returns what do returns, or the error of ctx where that ends first. Do then
// goes on by itself until the process ends.
func await[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// input reads until its context ends. The buffer is its own: a reading that was
// given up may still write into it.
type input struct {
	ctx    context.Context
	in     io.ReadCloser
	buffer [32 << 10]byte
}

func (i *input) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	part := i.buffer[:min(len(p), len(i.buffer))]
	n, err := await(i.ctx, func() (int, error) { return i.in.Read(part) })
	copy(p, part[:n])
	return n, err
}

func (i *input) Close() error { return i.in.Close() }
