package durable

import (
	"context"
	"fmt"
	"io"
	"time"
)

// stallTime is how long a file system may take to answer one call where the caller
// does not say.
const stallTime = 30 * time.Second

// StalledError says that a file system does not answer, as that of a mount does
// whose server is gone.
type StalledError struct {
	Path   string
	Waited time.Duration
}

func (e *StalledError) Error() string {
	return fmt.Sprintf("%s: its file system has not answered for %v", e.Path, e.Waited)
}

// Advice says what to do.
func (e *StalledError) Advice() string {
	return "see that the file system is mounted and that its server answers, or name another place"
}

// Answered makes a call that touches path, and returns what it returns. If the file
// system does not answer within limit (0: 30 seconds), or ctx ends, it returns
// without waiting. The goroutine of the call ends when the file system answers.
func Answered[T any](ctx context.Context, limit time.Duration, path string, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	if limit <= 0 {
		limit = stallTime
	}
	results := make(chan result, 1)
	go func() {
		value, err := call()
		results <- result{value, err}
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	var none T
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-late.C:
		return none, &StalledError{path, limit}
	}
}

// AnsweringReader returns a reader of r, an open file at path, each Read of which is
// [Answered].
func AnsweringReader(ctx context.Context, limit time.Duration, path string, r io.Reader) io.Reader {
	return &answering{ctx: ctx, limit: limit, path: path, r: r}
}

type answering struct {
	ctx   context.Context
	limit time.Duration
	path  string
	r     io.Reader
	own   []byte // what is read into: the caller has its own again once Read has returned
	err   error  // of the Read that was given up: it may be under way
}

func (a *answering) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	if len(a.own) < len(p) {
		a.own = make([]byte, len(p))
	}
	n, err := Answered(a.ctx, a.limit, a.path, func() (int, error) { return a.r.Read(a.own[:len(p)]) })
	copy(p, a.own[:n])
	if err != nil && err != io.EOF {
		a.err = err
	}
	return n, err
}
