package evidence

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// SignNote returns a signed note (C2SP signed-note) of a text, which ends in a
// newline.
func (k *PrivateKey) SignNote(text string) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, k.signer)
}

// ErrOtherKey says that a key has not signed a note.
var ErrOtherKey = errors.New("is not signed by the key")

// OpenNote returns the text of a note that k has signed.
func (k *PublicKey) OpenNote(signed []byte) (string, error) {
	n, err := note.Open(signed, note.VerifierList(k.verifier))
	var unknown *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unknown):
		return "", fmt.Errorf("%w %s", ErrOtherKey, k.Name())
	case errors.As(err, &invalid):
		return "", fmt.Errorf("the signature of %s does not fit: it was changed after it was signed", k.Name())
	case err != nil:
		return "", errors.New("is no signed note")
	}
	return n.Text, nil
}
