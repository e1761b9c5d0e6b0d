// Package recrypter makes other bodies of the same contents: encrypted to other
// recipients, encrypted where they were not, or decrypted.
package recrypter

import (
	"context"
	"io"

	"github.com/codex-archive/codex/cli/internal/archiver"
	"github.com/codex-archive/codex/cli/internal/crypt"
	"github.com/codex-archive/codex/cli/internal/restorer"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// Way says how contents are to be stored.
type Way struct {
	Identities *crypt.Identities    // that read what is encrypted now
	Recipients *crypt.Recipients    // nil: bodies are decrypted
	Compressor *archiver.Compressor // of content that is not compressed now
}

// Concerns reports whether a content is stored in another way now. Whom a body is
// encrypted to does not show, so each encrypted one is.
func (w Way) Concerns(c sdk.Content) bool { return w.Recipients != nil || c.Codec == sdk.ZstdAge }

// Body is a body that is made. It must be closed.
type Body struct {
	Content sdk.Content // as the body is; StoredSize may be -1
	open    func() (io.Reader, error)
	close   func() error
}

// Open reads the body from its beginning.
func (b *Body) Open() (io.Reader, error) { return b.open() }

// Close frees it.
func (b *Body) Close() { _ = b.close() } // nothing is left to be written

// Make makes the body for the content of r, whose stored bytes body yields. It
// returns one only if the content is what its hash says. What does not fit into
// memory is spooled, in the form in which it is to be stored.
func (w Way) Make(ctx context.Context, r *sdk.Record, body io.Reader) (*Body, error) {
	switch {
	case r.Content.Codec == sdk.None && r.Content.Size > spool.Memory:
		return w.stream(ctx, r, body)
	case r.Content.Codec == sdk.None:
		return w.compress(ctx, r, body)
	}
	stored := &watched{r: body}
	frame, err := restorer.Labeled(r.Content, stored)
	if err != nil {
		return nil, stored.explain(r, err)
	}
	if r.Content.Codec == sdk.ZstdAge {
		if frame, err = w.Identities.Decrypt(r, frame); err != nil {
			return nil, stored.explain(r, err)
		}
	}
	s := &spool.Spool{}
	err = w.reseal(ctx, r, frame, s)
	if err != nil {
		_ = s.Close() // err says more
		return nil, stored.explain(r, err)
	}
	return w.spooled(r, s)
}

// spooled is the body in s, which is that of the content of r.
func (w Way) spooled(r *sdk.Record, s *spool.Spool) (*Body, error) {
	content, err := w.describe(r.Content, s)
	return &Body{content, func() (io.Reader, error) { return s.Reader(), nil }, s.Close}, err
}

// reseal writes a compressed frame to out, encrypted where that is to be, and
// checks it on the way.
func (w Way) reseal(ctx context.Context, r *sdk.Record, frame io.Reader, out io.Writer) error {
	sealed := out
	end := func() error { return nil }
	if w.Recipients != nil {
		encrypted := w.Recipients.Encrypt(out)
		sealed, end = encrypted, encrypted.Close
	}
	compressed := *r
	compressed.Content.Codec = sdk.Zstd
	if err := (restorer.Opener{}).Check(ctx, &compressed, io.TeeReader(frame, sealed)); err != nil {
		return err
	}
	return end()
}

// describe says what the body in s is.
func (w Way) describe(c sdk.Content, s *spool.Spool) (sdk.Content, error) {
	if c.Codec = sdk.Zstd; w.Recipients != nil {
		c.Codec = sdk.ZstdAge
	}
	c.StoredSize, c.CRC32C, c.StoredSHA256 = -1, 0, sdk.Digest{}
	body := sdk.NewBodyReader(s.Reader(), c)
	_, err := io.Copy(io.Discard, body)
	return body.Content(), err
}

// stream encrypts content that is stored as it is and does not fit into memory:
// it gets into no file before that.
func (w Way) stream(ctx context.Context, r *sdk.Record, body io.Reader) (*Body, error) {
	s := &spool.Spool{}
	sealed, err := w.Compressor.Encrypted(s, r.Content.Size)
	if err == nil {
		err = (restorer.Opener{}).Extract(ctx, r, body, sealed)
	}
	if err == nil {
		err = sealed.Close()
	}
	if err != nil {
		_ = s.Close() // err says more
		return nil, err
	}
	return w.spooled(r, s)
}

// compress makes a body of content that is stored as it is and fits into memory.
func (w Way) compress(ctx context.Context, r *sdk.Record, body io.Reader) (*Body, error) {
	s := &spool.Spool{}
	if err := (restorer.Opener{}).Extract(ctx, r, body, s); err != nil {
		_ = s.Close() // err says more
		return nil, err
	}
	source, err := archiver.OfSpool(s, r.Content.SHA256, w.Compressor)
	if err != nil {
		_ = s.Close() // err says more
		return nil, err
	}
	return &Body{source.Content, source.Body, source.Close}, nil
}

// watched remembers what ended a body, which tells damage from a lost connection.
type watched struct {
	r   io.Reader
	err error
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// explain says what it means that a body could not be read.
func (b *watched) explain(r *sdk.Record, err error) error {
	switch {
	case b.err != nil:
		return sdk.AsError(b.err)
	case crypt.IsForOthers(err), sdk.KindOf(err) == sdk.Canceled, sdk.KindOf(err) == sdk.Timeout, sdk.KindOf(err) == sdk.Corrupt, sdk.KindOf(err) == sdk.Schema:
		return err
	}
	return sdk.Errorf(sdk.Corrupt, "content cannot be decrypted: %w", err).About(r.Tombstone)
}
