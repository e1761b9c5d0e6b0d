package bulk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/tree"
	"github.com/codex-archive/codex/sdk"
)

const (
	batchItems = 64      // files that a worker asks the archive about together
	batchBytes = 2 << 20 // content of a batch, unless a file is larger
	arenaBytes = 256 << 10
)

// errLeftOut is why a file is not read, and nothing else is said about it.
var errLeftOut = errors.New("left out")

// worker reads files in batches, so that the archive is asked about many at a
// time, and only those that it has not are compressed.
type worker struct {
	run *run
	ctx context.Context
	out chan<- []*Item

	reader     archiver.Reader
	compressor *archiver.Compressor

	plain   []byte // of the batch
	batch   []*Item
	ends    []int  // of each item's content in plain
	scratch []byte // a body that is being made
	arena   []byte // bodies that are kept
}

// take reads an entry. What cannot be read is done with.
func (w *worker) take(e tree.Entry) {
	if w.ctx.Err() != nil {
		return
	}
	it := &Item{Entry: e, Begun: time.Now()}
	if err := w.read(it); err != nil {
		w.plain = w.plain[:w.end()]
		it.close()
		if err != errLeftOut && !w.ended(err) {
			w.run.failed(it, cause(err))
		}
		return
	}
	w.batch, w.ends = append(w.batch, it), append(w.ends, len(w.plain))
	if it.large != nil || len(w.batch) == batchItems || len(w.plain) >= batchBytes {
		w.flush()
	}
}

// read fills an item's record. Small content is then at the end of w.plain.
func (w *worker) read(it *Item) (err error) {
	if it.Record, it.format, err = w.run.Describe(&it.Entry); err != nil {
		return err
	}
	if err = w.readFileOrLink(it); err != nil {
		return err
	}
	if err = w.run.Complete(&it.Entry, &it.Record); err != nil {
		return err
	}
	if it.present = w.run.Present(it); it.present {
		return nil
	}
	it.Record.Digest = it.Record.ComputeDigest()
	return nil
}

// ended reports whether err is the end of the run, which another file may have
// caused: the file is not done then, and not at fault.
func (w *worker) ended(err error) bool {
	end := w.ctx.Err()
	return end != nil && errors.Is(err, end)
}

// cause is err without the path, which the entry says.
func cause(err error) error {
	if errors.Is(err, archiver.ErrChanged) {
		return archiver.ErrChanged
	}
	return durable.Cause(err)
}

// end is where the content of the batch ends.
func (w *worker) end() int {
	if len(w.ends) == 0 {
		return 0
	}
	return w.ends[len(w.ends)-1]
}

func (w *worker) readFileOrLink(it *Item) error {
	if it.Entry.Symlink() {
		return w.readLink(it)
	}
	return w.readFile(it)
}

// readLink takes the text of a symbolic link as its content, as git does.
func (w *worker) readLink(it *Item) error {
	text, err := it.Entry.Readlink()
	if err != nil {
		return err
	}
	info, err := it.Entry.Lstat()
	if err != nil {
		return err
	}
	w.plain = append(w.plain, text...)
	it.Record.Type = sdk.Symlink
	archiver.Describe(&it.Record, []byte(text), it.format)
	w.attributes(it, info)
	return nil
}

func (w *worker) readFile(it *Item) error {
	it.Record.Type = sdk.RegularFile
	f, err := it.Entry.Open()
	if err != nil {
		return err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("is %s; only regular files can be archived", durable.FileType(info.Mode()))
	case w.run.LeaveOut(info):
		err = errLeftOut
	case info.Size() > sdk.StagedBody:
		w.attributes(it, info)
		it.large, err = archiver.OpenLarge(w.ctx, f, info, w.compressor, &it.Record, it.format)
		return err
	default:
		err = w.readSmall(it, f, info)
	}
	_ = f.Close() // it was only read
	return err
}

func (w *worker) readSmall(it *Item, f *os.File, info fs.FileInfo) error {
	if len(w.batch) > 0 && len(w.plain)+int(info.Size()) > batchBytes {
		w.flush()
	}
	begin := len(w.plain)
	plain, err := w.reader.Append(w.ctx, w.plain, f, info)
	if err != nil {
		return err
	}
	w.plain = plain
	w.attributes(it, info)
	archiver.Describe(&it.Record, plain[begin:], it.format)
	return nil
}

func (w *worker) attributes(it *Item, info fs.FileInfo) {
	r := &it.Record
	r.Mode, r.ModTime, it.Warnings = archiver.Attributes(it.Entry.Path, info)
}

// flush compresses what the archive does not have, and hands the batch on.
func (w *worker) flush() {
	if len(w.batch) == 0 {
		return
	}
	w.markKnown()
	ready := make([]*Item, 0, len(w.batch))
	begin := 0
	for i, it := range w.batch {
		var err error
		plain := w.plain[begin:w.ends[i]]
		begin = w.ends[i]
		if !it.known && !it.present && it.large == nil {
			err = w.makeBody(it, plain)
		}
		if err == nil {
			err = it.validate()
		}
		if err != nil {
			it.close()
			w.run.failed(it, err)
			continue
		}
		ready = append(ready, it)
	}
	w.out <- ready
	w.batch, w.ends, w.plain = w.batch[:0], w.ends[:0], w.plain[:0]
}

// markKnown asks which contents the archive has. An error only means that
// bodies are sent which it may have.
func (w *worker) markKnown() {
	contents := make([]sdk.Digest, len(w.batch))
	for i, it := range w.batch {
		contents[i] = it.Record.Content.SHA256
	}
	missing, err := w.run.Missing(w.ctx, contents)
	if err != nil {
		return
	}
	absent := make(map[sdk.Digest]bool, len(missing))
	for _, digest := range missing {
		absent[digest] = true
	}
	for _, it := range w.batch {
		if c := &it.Record.Content; !absent[c.SHA256] {
			it.known = true
			c.Codec, c.StoredSize = sdk.Zstd, -1 // the archive says what its body is
		}
	}
}

// makeBody compresses small content, and encrypts it where that is to be.
func (w *worker) makeBody(it *Item, plain []byte) (err error) {
	c := &it.Record.Content
	w.scratch, c.Codec, err = w.compressor.Compress(w.scratch[:0], plain)
	it.body = w.keep(w.scratch)
	*c = c.WithBody(it.body)
	return err
}

// keep copies a body to where it can stay.
func (w *worker) keep(body []byte) []byte {
	if len(body) > cap(w.arena)-len(w.arena) {
		w.arena = make([]byte, 0, max(arenaBytes, len(body)))
	}
	begin := len(w.arena)
	w.arena = append(w.arena, body...)
	return w.arena[begin:len(w.arena):len(w.arena)]
}

// again reads an item whose body was not made, because the archive seemed to
// have it.
func (w *worker) again(it *Item) error {
	it.known = false
	if it.large != nil {
		return nil
	}
	before := it.Record.Content.SHA256
	w.plain = w.plain[:0]
	err := w.readFileOrLink(it)
	if err == nil && it.Record.Content.SHA256 != before {
		err = archiver.ErrChanged
	}
	if err != nil {
		return cause(err)
	}
	return w.makeBody(it, w.plain)
}
