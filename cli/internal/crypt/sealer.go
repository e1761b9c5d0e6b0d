package crypt

import (
	"bytes"
	"errors"
	"io"

	"filippo.io/age"
)

// sealer writes one body. It holds back [smallBody] bytes, because only at its end it
// is known that a body is small; what is longer it leaves to age.
type sealer struct {
	to    *Recipients
	w     io.Writer
	small bytes.Buffer
	large io.WriteCloser // nil: everything is in small
	err   error          // of all further calls
}

func (s *sealer) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.large == nil && s.small.Len()+len(p) <= smallBody {
		return s.small.Write(p)
	}
	if s.large == nil {
		s.err = s.enlarge()
	}
	if s.err != nil {
		return 0, s.err
	}
	return s.large.Write(p)
}

// enlarge begins a body with a key of its own.
func (s *sealer) enlarge() error {
	var err error
	if s.large, err = age.Encrypt(s.w, s.to.keys...); err != nil {
		return err
	}
	_, err = s.large.Write(s.small.Bytes())
	s.small = bytes.Buffer{}
	return err
}

var errClosed = errors.New("the body is closed already")

// Close ends the body.
func (s *sealer) Close() error {
	if s.err != nil {
		return s.err
	}
	s.err = errClosed
	if s.large != nil {
		return s.large.Close()
	}
	key, err := s.to.sharedKey()
	if err != nil {
		return err
	}
	return key.seal(s.w, s.small.Bytes())
}
