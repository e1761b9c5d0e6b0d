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
	fresh bool // makes new parts and a new buffer for each frame: see flush
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
// gRPC has encoded a message when Send returns, so parts and buffer are used
// again. Only an interceptor or a stats handler could still hold the message;
// where the caller of this package has added one, fresh is set.
func (p *packer[P]) flush() error {
	if len(p.parts) == 0 {
		return nil
	}
	err := p.send(p.parts)
	if p.fresh {
		p.parts, p.buf = nil, nil
	}
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
// ended. Errors of the body come back as *bodyError, those of sending as they
// are. A body that is read by a [sdk.BodyReader] is not summed up again.
func (p *packer[P]) addBody(body io.Reader, chunk func([]byte) P) (*archivepb.BodyEnd, error) {
	summed, isSummed := body.(*sdk.BodyReader)
	end := &archivepb.BodyEnd{}
	for {
		room, err := p.room()
		if err != nil {
			return nil, err
		}
		n, err := fill(room, body)
		if n > 0 {
			p.used += n
			p.parts = append(p.parts, chunk(room[:n]))
			p.size += n
			if end.StoredSize += int64(n); !isSummed {
				end.Crc32C = crc32.Update(end.Crc32C, castagnoli, room[:n])
			}
		}
		switch {
		case err == io.EOF && isSummed:
			end.Crc32C = summed.Content().CRC32C
			return end, nil
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

// incomingBody reads the chunks of one item off a stream. What its reader
// yields is checked against what was announced and against the end of the body.
type incomingBody struct {
	// pull returns the next chunk, or how the body ends, or an error.
	pull   func() ([]byte, *archivepb.BodyEnd, error)
	reader *sdk.BodyReader // of the chunks: what a caller reads
	about  sdk.Tombstone

	rest []byte // of the chunk that is being read
	err  error  // sticky; io.EOF after the end
	dead bool
}

func newIncomingBody(about sdk.Tombstone, c sdk.Content, pull func() ([]byte, *archivepb.BodyEnd, error)) *incomingBody {
	b := &incomingBody{pull: pull, about: about}
	b.reader = sdk.NewBodyReader((*chunks)(b), c, about)
	return b
}

// chunks is the io.Reader of an incomingBody that nothing has checked yet.
type chunks incomingBody

func (c *chunks) Read(p []byte) (int, error) {
	if c.dead {
		return 0, sdk.Errorf(sdk.Invalid, "the body was read after its turn in the loop")
	}
	for len(c.rest) == 0 && c.err == nil && len(p) > 0 {
		(*incomingBody)(c).advance()
	}
	if len(c.rest) == 0 {
		return 0, c.err
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// advance takes the next chunk off the stream.
func (b *incomingBody) advance() {
	chunk, end, err := b.pull()
	switch {
	case err != nil:
		b.err = err
	case end != nil:
		b.err = b.verify(end)
	default:
		b.rest = chunk
	}
}

// verify returns io.EOF for a body that ends as the sender says.
func (b *incomingBody) verify(end *archivepb.BodyEnd) error {
	if got := b.reader.Content(); got.StoredSize != end.GetStoredSize() || got.CRC32C != end.GetCrc32C() {
		return &sdk.Error{Kind: sdk.Corrupt, Tombstones: []sdk.Tombstone{b.about},
			Msg: "the stored body is not what was sent: its size or its CRC-32C differs"}
	}
	return io.EOF
}

// finish ends the turn of the body: what was not read is read and checked. It
// returns nil for a whole body.
func (b *incomingBody) finish() error {
	_, err := io.Copy(io.Discard, b.reader)
	b.dead, b.rest = true, nil
	return err
}

// skip ends the turn of the body: what was not read is taken off the stream.
// Errors in unread bytes are ignored.
func (b *incomingBody) skip() {
	b.dead = true
	for b.err == nil {
		b.advance()
	}
	b.rest = nil
}
