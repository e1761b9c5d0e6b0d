package plugin

import (
	"hash/crc32"
	"io"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// packer collects parts and sends them as frames of about [sdk.ChunkSize]
// bytes. It holds one frame.
type packer[P any] struct {
	send  func([]P) error
	parts []P
	size  int    // bytes of the parts, chunks included
	buf   []byte // the chunks of this frame; made with the first
	used  int    // bytes of buf in use
}

// minRoom is the least room in a frame that is worth a chunk, in bytes.
const minRoom = 4 << 10

// add takes a part of about size bytes, after sending the frame if it would
// grow too large.
func (p *packer[P]) add(part P, size int) error {
	if len(p.parts) > 0 && p.size+size > sdk.ChunkSize {
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.parts = append(p.parts, part)
	p.size += size
	return nil
}

// flush sends what there is.
//
// gRPC has encoded a message when Send returns (nobody here installs tracing
// or a stats handler that would look at it later), so parts and buffer are used
// again.
func (p *packer[P]) flush() error {
	if len(p.parts) == 0 {
		return nil
	}
	err := p.send(p.parts)
	clear(p.parts)
	p.parts, p.size, p.used = p.parts[:0], 0, 0
	return err
}

// room returns where the next chunk of a body may be read to, sending the
// frame if it is nearly full.
func (p *packer[P]) room() ([]byte, error) {
	if sdk.ChunkSize-p.size < minRoom {
		if err := p.flush(); err != nil {
			return nil, err
		}
	}
	if p.buf == nil {
		p.buf = make([]byte, sdk.ChunkSize)
	}
	// Parts that are no chunks count in size but take none of buf.
	n := min(sdk.ChunkSize-p.size, len(p.buf)-p.used)
	return p.buf[p.used : p.used+n], nil
}

// addBody reads body to its end and adds it in chunks. It returns how the body
// ended; errors of the body come back as *bodyError, those of sending as they
// are.
func (p *packer[P]) addBody(body io.Reader, chunk func([]byte) P) (*archivepb.BodyEnd, error) {
	end := &archivepb.BodyEnd{}
	for {
		room, err := p.room()
		if err != nil {
			return nil, err
		}
		n, err := fill(room, body)
		if n > 0 {
			end.StoredSize += int64(n)
			end.Crc32C = crc32.Update(end.Crc32C, castagnoli, room[:n])
			p.used += n
			p.parts = append(p.parts, chunk(room[:n]))
			p.size += n
		}
		switch {
		case err == io.EOF:
			return end, nil
		case err != nil:
			return nil, &bodyError{err}
		}
	}
}

// fill reads until p is full or r ends. Unlike io.ReadFull it keeps apart the
// end of r, which is io.EOF, and the io.ErrUnexpectedEOF of a torn r.
func fill(p []byte, r io.Reader) (n int, err error) {
	idle := 0
	for n < len(p) {
		k, err := r.Read(p[n:])
		n += k
		if err != nil {
			return n, err
		}
		if idle++; k > 0 {
			idle = 0
		} else if idle == 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, nil
}

// bodyError is an error that a body's reader returned.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// body is the reading end: it gives out the chunks of one item and checks, at
// the end, that they are what was announced and what was sent.
type body struct {
	// pull returns the next chunk, or how the body ends, or an error.
	pull      func() ([]byte, *archivepb.BodyEnd, error)
	tombstone sdk.Tombstone
	content   sdk.Content // what was announced

	rest []byte // of the chunk that is being read
	size int64
	crc  uint32
	err  error // sticky; io.EOF after a good end
	dead bool
}

// Read implements io.Reader. The end is io.EOF only if the body was whole.
func (b *body) Read(p []byte) (int, error) {
	if b.dead {
		return 0, sdk.Errorf(sdk.Invalid, "a body is dead when its turn in the loop is over")
	}
	if len(p) == 0 {
		return 0, nil
	}
	for len(b.rest) == 0 {
		if !b.advance() {
			return 0, b.err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// advance takes the next chunk and reports whether there was one.
func (b *body) advance() bool {
	if b.err != nil {
		return false
	}
	chunk, end, err := b.pull()
	switch {
	case err != nil:
		b.err = err
	case end != nil:
		b.err = b.verify(end)
	default:
		b.rest = chunk
		b.size += int64(len(chunk))
		b.crc = crc32.Update(b.crc, castagnoli, chunk)
	}
	return b.err == nil
}

// verify returns io.EOF for a whole body.
func (b *body) verify(end *archivepb.BodyEnd) error {
	announced := b.content.StoredSize >= 0
	switch {
	case b.size != end.GetStoredSize() || announced && b.size != b.content.StoredSize:
		return b.corrupt("the stored size is not what was announced")
	case b.crc != end.GetCrc32C() || announced && b.crc != b.content.CRC32C:
		return b.corrupt("the checksum (CRC-32C) of the stored bytes is wrong")
	}
	return io.EOF
}

func (b *body) corrupt(what string) error {
	return &sdk.Error{Kind: sdk.Corrupt, Msg: what, Tombstones: []sdk.Tombstone{b.tombstone}}
}

// finish ends the turn of b: what was not read is taken off the stream, and
// checked like the rest. It returns nil for a whole body.
func (b *body) finish() error {
	b.dead, b.rest = true, nil
	for b.advance() {
		b.rest = nil
	}
	if b.err == io.EOF {
		return nil
	}
	return b.err
}
