package kvbackend

import (
	"context"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/kvbackend/internal/layout"
)

// readPieces appends pieces of a body, from one on, to data, and returns how many.
type readPieces func(ctx context.Context, data []byte, body sdk.ID, from int) (_ []byte, n int, err error)

// readPieces reads some pieces in a transaction of its own.
func (b *backend) readPieces(ctx context.Context, data []byte, body sdk.ID, from int) (_ []byte, n int, err error) {
	start := len(data)
	err = b.view(ctx, "get", func(t tx) (err error) {
		data, n, err = t.pieces(data[:start], body, from, b.pieces)
		return err
	})
	return data, n, err
}

// readPieces reads one piece inside a transaction.
func (t tx) readPieces(_ context.Context, data []byte, body sdk.ID, from int) ([]byte, int, error) {
	return t.pieces(data, body, from, 1)
}

// pieces appends at most so many pieces to data. A gap in their numbers ends them.
func (t tx) pieces(data []byte, body sdk.ID, from, most int) (_ []byte, n int, err error) {
	for ; n < most; n++ {
		piece, err := t.Get(layout.PieceKey(body, from+n))
		if err != nil || piece == nil {
			return data, n, err
		}
		data = append(data, piece...)
	}
	return data, n, nil
}

// reader reads a body with read. ctx is that of the call.
func reader(ctx context.Context, body sdk.ID, read readPieces) *sdk.PieceReader {
	return &sdk.PieceReader{Next: func(data []byte, piece int) ([]byte, int, error) { return read(ctx, data, body, piece) }}
}

// intact reads a body and reports whether it is what its row says.
func intact(ctx context.Context, c *layout.Content, read readPieces) (bool, error) {
	if c.Body.IsZero() || !c.Content.Plausible() {
		return false, nil
	}
	return reader(ctx, c.Body, read).Intact(c.Content)
}

// present looks a body up and reports whether all pieces are there, with the
// recorded length. It does not read them.
func (t tx) present(c *layout.Content) (bool, error) {
	if c.Body.IsZero() {
		return false, nil
	}
	prefix := layout.PiecePrefix(c.Body)
	size, next := int64(0), 0
	err := t.scan(prefix, prefix, func(k, v []byte) (bool, error) {
		if string(k) != string(layout.PieceKey(c.Body, next)) {
			return false, nil
		}
		next++
		size += int64(len(v))
		return true, nil
	})
	return size == c.Content.StoredSize, err
}

// removeBody deletes the pieces of a body, at most so many, and reports whether
// none is left.
func (t tx) removeBody(body sdk.ID, most int) (done bool, err error) {
	prefix := layout.PiecePrefix(body)
	done = true
	err = t.scan(prefix, prefix, func(k, _ []byte) (bool, error) {
		if most--; most < 0 {
			done = false
			return false, nil
		}
		return true, t.Delete(k)
	})
	return done, err
}
