package copier

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/sdk"
)

// read takes in a body and checks that it is the content of its record.
func (u *run) read(ctx context.Context, it *Item, found sdk.GetResult) ([]byte, error) {
	if err := matches(it, found); err != nil {
		return nil, err
	}
	body := make([]byte, 0, found.Record.Content.StoredSize+1)
	r := bytes.NewBuffer(body)
	if _, err := io.Copy(r, io.LimitReader(found.Body, sdk.StagedBody+1)); err != nil {
		return nil, err
	}
	if r.Len() > sdk.StagedBody {
		return nil, sdk.Errorf(sdk.Corrupt, "the body is larger than was listed").About(it.Record.Tombstone)
	}
	it.Record.Content = found.Record.Content
	return r.Bytes(), u.checker.Check(ctx, &it.Record, r.Bytes())
}

// matches checks that what came is the record that was listed.
func matches(it *Item, found sdk.GetResult) error {
	switch {
	case found.Err != nil:
		return found.Err
	case !found.Record.Same(&it.Record) || found.Record.Content.SHA256 != it.Record.Content.SHA256:
		return sdk.Errorf(sdk.Corrupt, "the source answered with another record than it listed").About(it.Record.Tombstone)
	}
	return nil
}

// withBody yields an item with the body that it brings, if any. It reports whether
// the sequence goes on.
func (u *run) withBody(ctx context.Context, it *Item, item sdk.Item, yield func(sdk.Item, error) bool) bool {
	switch {
	case !it.send:
		return yield(item, nil)
	case !it.large():
		item.Body = bytes.NewReader(it.body)
		return yield(item, nil)
	}
	from, err := u.From(ctx)
	if err != nil {
		yield(item, err)
		return false
	}
	for found, err := range from.Get(ctx, []sdk.Tombstone{it.Record.Tombstone}) {
		if err == nil {
			err = matches(it, found)
		}
		if err != nil {
			yield(item, err)
			return false
		}
		item.Record.Content = found.Record.Content
		if item.Record.Content.Codec == sdk.ZstdAge { // no key is needed: it is checked as it is stored
			item.Body, err = restorer.Labeled(item.Record.Content, sdk.NewBodyReader(found.Body, item.Record.Content, item.Record.Tombstone))
			return yield(item, err) && err == nil
		}
		checked := newCheckedBody(ctx, &item.Record, found.Body)
		item.Body = checked
		more := yield(item, nil)
		checked.close()
		return more
	}
	yield(item, sdk.Errorf(sdk.Internal, "the source answered with nothing"))
	return false
}

// checkedBody is a body that is decompressed and hashed while it is read. It ends
// in io.EOF only if it is the content of its record.
type checkedBody struct {
	body    io.Reader
	checker *io.PipeWriter
	verdict chan error
	err     error
}

func newCheckedBody(ctx context.Context, r *sdk.Record, body io.Reader) *checkedBody {
	in, out := io.Pipe()
	b := &checkedBody{body: body, checker: out, verdict: make(chan error, 1)}
	record := *r
	go func() { // ends when the pipe is closed
		err := restorer.Opener{}.Check(ctx, &record, in)
		in.CloseWithError(errChecked) // a check that has failed takes no more
		b.verdict <- err
	}()
	return b
}

// errChecked is what a write into the pipe meets after the check has ended.
var errChecked = errors.New("checked")

// Read implements [io.Reader].
func (b *checkedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.body.Read(p)
	if n > 0 && (err == nil || err == io.EOF) {
		if _, ended := b.checker.Write(p[:n]); ended != nil {
			if err = <-b.verdict; err == nil {
				err = sdk.Errorf(sdk.Corrupt, "the body goes on after its content")
			}
		}
	}
	if err == io.EOF {
		_ = b.checker.Close() // the end of a pipe does not fail
		if wrong := <-b.verdict; wrong != nil {
			err = wrong
		}
	}
	b.err = err
	return n, err
}

// close ends the check of a body that was not read to its end.
func (b *checkedBody) close() { b.checker.CloseWithError(io.ErrUnexpectedEOF) }
