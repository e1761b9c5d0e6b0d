package sdk

import "io"

// PieceReader reads a body that a backend keeps in pieces. Between two calls of
// Next it holds nothing of the backend.
type PieceReader struct {
	// Next appends some pieces to data, from the number piece on, counted from 0,
	// and returns how many there were. None ends the body.
	Next func(data []byte, piece int) (_ []byte, n int, err error)

	piece  int
	rest   []byte
	buffer []byte // of rest, used again
	err    error
}

// Begin says that the first n pieces were read before: they are data, whose memory
// the reader uses from now on. It may be empty memory to use.
func (r *PieceReader) Begin(data []byte, n int) { r.rest, r.buffer, r.piece = data, data, n }

// Memory is what the reader used, for the next one. This one must not be read any
// more.
func (r *PieceReader) Memory() []byte { return r.buffer }

// Err is the error of Next, nil if it had none.
func (r *PieceReader) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// Intact reads the body to its end and reports whether it is what c says. An error
// is that of Next.
func (r *PieceReader) Intact(c Content) (bool, error) {
	intact := c.Intact(r)
	return intact, r.Err()
}

// Read implements [io.Reader].
func (r *PieceReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 && r.err == nil && len(p) > 0 {
		var n int
		r.rest, n, r.err = r.Next(r.buffer[:0], r.piece)
		r.buffer, r.piece = r.rest, r.piece+n
		if r.err == nil && n == 0 {
			r.err = io.EOF
		}
	}
	if len(r.rest) == 0 && len(p) > 0 {
		return 0, r.err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
