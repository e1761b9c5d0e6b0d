package published

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"aead.dev/minisign"
)

// Signature is a signature of minisign and the key that it must be of.
type Signature struct {
	signature minisign.Signature
	text      []byte
	key       minisign.PublicKey
}

// Signer is who has signed, as the verified signature says.
type Signer struct {
	Key     string // its id, as minisign prints it
	Comment string // the trusted comment
}

// ParseSignature reads a signature and a public key, both as minisign writes
// them. The key may also be its line of base64 alone, among blank lines and comments.
func ParseSignature(signature, key []byte) (*Signature, error) {
	s := &Signature{text: signature}
	line, err := keyLine(string(key))
	if err == nil {
		err = s.key.UnmarshalText([]byte(line))
	}
	if err != nil {
		return nil, fmt.Errorf("the key is not one of minisign: %w", plain(err))
	}
	if err := s.signature.UnmarshalText(signature); err != nil {
		return nil, fmt.Errorf("the signature is not one of minisign: %w", plain(err))
	}
	if s.signature.Algorithm != minisign.HashEdDSA {
		return nil, errors.New("the signature is of minisign's old form; sign again with minisign 0.10 or later, or with -H")
	}
	if s.signature.KeyID != s.key.ID() {
		return nil, fmt.Errorf("the signature is by the key %016X, and --key is %016X", s.signature.KeyID, s.key.ID())
	}
	return s, nil
}

// keyLine returns the one line of a file with a public key that is no comment.
func keyLine(text string) (line string, err error) {
	lines := 0
	for l := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		l = strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(l, "untrusted comment:") && strings.Contains(l, "secret key"):
			return "", errors.New("it is a secret key, which only its owner may have")
		case l == "" || l[0] == '#' || strings.HasPrefix(l, "untrusted comment:"):
		default:
			line = l
			lines++
		}
	}
	if lines != 1 {
		return "", fmt.Errorf("it has %d lines besides comments, and a public key has one", lines)
	}
	return line, nil
}

// Verify reads r to its end and reports an error unless s is its signature.
func (s *Signature) Verify(r io.Reader) (Signer, error) {
	in := minisign.NewReader(r)
	if _, err := io.Copy(io.Discard, in); err != nil {
		return Signer{}, err
	}
	if !in.Verify(s.key, s.text) {
		return Signer{}, errors.New("the signature is not one of this file by that key")
	}
	return Signer{fmt.Sprintf("%016X", s.key.ID()), s.signature.TrustedComment}, nil
}

// plain takes the library's name out of its errors.
func plain(err error) error { return errors.New(strings.ReplaceAll(err.Error(), "minisign: ", "")) }
