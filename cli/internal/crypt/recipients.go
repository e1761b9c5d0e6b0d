package crypt

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// maxRecipients bounds the header of each body, which has up to 750 bytes for a
// recipient.
const maxRecipients = 100

// Recipients are the keys that can read what is encrypted. They are public. They may
// be used from several goroutines.
type Recipients struct {
	keys  []age.Recipient
	names []string

	mu     sync.Mutex
	shared *sharedKey // of the next small bodies
	left   int        // how many more get it
}

// ParseRecipients reads a recipients file: one public key a line, as age-keygen
// prints it or as an SSH .pub file has it. Empty lines, and those that begin with
// "#", do not count.
func ParseRecipients(file []byte) (*Recipients, error) {
	r := &Recipients{}
	for n, line := range keyLines(file) {
		key, name, err := parseRecipient(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		r.keys, r.names = append(r.keys, key), append(r.names, name)
	}
	switch {
	case len(r.keys) == 0:
		return nil, errors.New("found no recipient, allowed one public key a line")
	case len(r.keys) > maxRecipients:
		return nil, fmt.Errorf("found %d recipients, allowed at most %d", len(r.keys), maxRecipients)
	}
	if _, err := newSharedKey(r.keys); err != nil { // a key may be well formed and unusable
		return nil, errors.New("found a key that nothing can be encrypted to")
	}
	return r, nil
}

// keyLines yields the lines of a file of keys by their numbers, from 1, without
// those that are empty or begin with "#".
func keyLines(file []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(string(file)) {
			n++
			line = strings.TrimSpace(line)
			if line != "" && line[0] != '#' && !yield(n, line) {
				return
			}
		}
	}
}

// errRecipient does not say what was found: it may be a private key.
var errRecipient = errors.New("found something else than a public key, allowed age1..., ssh-ed25519 ... and ssh-rsa ... with at least 2048 bits")

func parseRecipient(line string) (key age.Recipient, name string, err error) {
	if strings.HasPrefix(line, "age1") {
		key, err := age.ParseX25519Recipient(line)
		if err != nil {
			return nil, "", errRecipient
		}
		return key, key.String(), nil
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, "", errRecipient
	}
	switch public.Type() {
	case ssh.KeyAlgoED25519:
		key, err = agessh.NewEd25519Recipient(public)
	case ssh.KeyAlgoRSA:
		key, err = agessh.NewRSARecipient(public)
	default:
		err = errRecipient
	}
	if err != nil {
		return nil, "", errRecipient
	}
	return key, sshName(public), nil
}

// sshName names a public key as ssh-keygen -l does.
func sshName(public ssh.PublicKey) string { return public.Type() + " " + ssh.FingerprintSHA256(public) }

// Names returns the public keys, those of SSH by their fingerprints.
func (r *Recipients) Names() []string {
	if r == nil {
		return nil
	}
	return r.names
}

// Encrypt returns a writer that encrypts to w. Close ends the body, and not w.
func (r *Recipients) Encrypt(w io.Writer) io.WriteCloser { return &sealer{to: r, w: w} }

// sharedKey returns the key for one more small body.
func (r *Recipients) sharedKey() (*sharedKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == 0 {
		key, err := newSharedKey(r.keys)
		if err != nil {
			return nil, err
		}
		r.shared, r.left = key, bodiesPerKey
	}
	r.left--
	return r.shared, nil
}
