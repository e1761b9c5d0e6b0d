package archiver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// largeChunk is how much of a file is read, hashed and compressed at a time, in
// bytes: large enough that starting a goroutine for it costs nothing.
const largeChunk = 256 << 10

// large is content that is not held in memory.
type large struct {
	content io.ReaderAt
	size    int64
	path    string      // for messages
	file    *os.File    // nil for a spool, which no other process changes
	before  fs.FileInfo // of file, as it was when it was opened
	enc     *zstd.Encoder
	close   func() error
}

func (l *large) plain() io.Reader { return io.NewSectionReader(l.content, 0, l.size) }

// hash reads the content once, and hands it to also.
func (l *large) hash(ctx context.Context, also io.Writer) (sdk.Digest, error) {
	sum := sha256.New()
	n, err := spool.Copy(ctx, io.MultiWriter(sum, also), l.plain())
	if err == nil {
		err = l.unchanged(n)
	}
	return sdk.Digest(sum.Sum(nil)), err
}

// unchanged checks the file after n bytes of it were read.
func (l *large) unchanged(n int64) error {
	if n != l.size {
		return changed(l.path)
	}
	if l.file == nil {
		return nil
	}
	_, err := unchanged(l.file, l.before) // the hash tells the rest
	return err
}

// body returns a reader that compresses, and encrypts, while it is read. All bodies
// of one source share an encoder.
func (l *large) body(s *Source) (io.Reader, error) {
	b := &body{large: l, want: s.Content, in: l.plain(), sum: sha256.New(), chunk: make([]byte, largeChunk)}
	if s.Content.Codec == sdk.None {
		return b, nil
	}
	if l.enc == nil {
		enc, err := s.compressor.encoder(s.compressor.level)
		if err != nil {
			return nil, err
		}
		l.enc = enc
	}
	var out io.Writer = &b.out
	if s.Content.Codec == sdk.ZstdAge {
		b.sealed = s.compressor.recipients.Encrypt(&b.out)
		out = b.sealed
	}
	l.enc.ResetContentSize(out, l.size)
	b.enc = l.enc
	return b, nil
}

// body makes the stored bytes of large content as they are asked for. It ends
// in io.EOF only if the content was what was promised.
type body struct {
	large  *large
	want   sdk.Content
	in     io.Reader
	sum    hash.Hash
	n      int64
	chunk  []byte
	enc    *zstd.Encoder  // nil: codec none
	sealed io.WriteCloser // between enc and out; nil: the body is not encrypted
	out    bytes.Buffer   // made and not yet read: at most a chunk and a block
	err    error          // what ends the body once out is read
}

func (b *body) Read(p []byte) (int, error) {
	for b.out.Len() == 0 {
		if b.err != nil {
			return 0, b.err
		}
		if len(p) == 0 {
			return 0, nil
		}
		b.err = b.fill()
	}
	return b.out.Read(p)
}

// fill makes the bytes of one more chunk. Hashing runs beside compressing and
// ends before fill does.
func (b *body) fill() error {
	n, err := io.ReadFull(b.in, b.chunk)
	if n > 0 {
		hashed := make(chan struct{})
		go func() {
			b.sum.Write(b.chunk[:n])
			close(hashed)
		}()
		werr := b.write(b.chunk[:n])
		<-hashed
		b.n += int64(n)
		if werr != nil {
			return werr
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return b.end()
	}
	return err
}

func (b *body) write(chunk []byte) error {
	if b.enc != nil {
		_, err := b.enc.Write(chunk)
		return err
	}
	_, err := b.out.Write(chunk)
	return err
}

// end checks the content and closes the frame.
func (b *body) end() error {
	if err := b.large.unchanged(b.n); err != nil {
		return err
	}
	if sdk.Digest(b.sum.Sum(nil)) != b.want.SHA256 {
		return changed(b.large.path)
	}
	if b.enc != nil {
		if err := b.enc.Close(); err != nil {
			return err
		}
	}
	if b.sealed != nil {
		if err := b.sealed.Close(); err != nil {
			return err
		}
	}
	return io.EOF
}
