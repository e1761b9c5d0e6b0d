package evidence

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// maxKey bounds the file of a key, in bytes.
const maxKey = 4 << 10

// GenerateKey makes a key for checkpoints and receipts, whose name is also the
// origin of the log. The private key goes to a new file that only its owner can
// read, the public key to another new file; the public key is returned.
func GenerateKey(name, privatePath, publicPath string) (string, error) {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(publicPath); !errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(err, &fs.PathError{Op: "create", Path: publicPath, Err: fs.ErrExist})
	}
	if err := createKey(privatePath, 0o600, private); err != nil {
		return "", err
	}
	return public, createKey(publicPath, 0o644, public)
}

func createKey(path string, perm fs.FileMode, text string) error {
	err := durable.CreateFile(path, perm, func(w io.Writer) error {
		_, err := io.WriteString(w, text+"\n")
		return err
	})
	if errors.Is(err, fs.ErrExist) {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return err
}

// CheckKeyName reports an error unless name can be that of a key.
func CheckKeyName(name string) error {
	public, err := note.NewEd25519VerifierKey(name, make([]byte, 32))
	if err == nil {
		_, err = note.NewVerifier(public) // checks the name
	}
	if err != nil || strings.ContainsFunc(name, isControl) {
		return fmt.Errorf("found %q, allowed a name without blanks and plus signs", name)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }

// PrivateKey signs.
type PrivateKey struct{ signer note.Signer }

// ReadPrivateKey reads the key at path. A file that others can read, or write, is
// an error, and so is what is no regular file. No error has a part of the key.
func ReadPrivateKey(path string) (*PrivateKey, error) {
	f, err := durable.OpenRegular(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkPrivate(path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("is no private key of evidence keygen")
	}
	return &PrivateKey{signer}, nil
}

// Name returns the name of the key and its hash, which signatures carry.
func (k *PrivateKey) Name() string { return keyName(k.signer) }

func keyName(k interface {
	Name() string
	KeyHash() uint32
}) string {
	return fmt.Sprintf("%s+%08x", k.Name(), k.KeyHash())
}

// PublicKey verifies.
type PublicKey struct{ verifier note.Verifier }

// ReadPublicKey reads the key at path, or takes path for the key itself.
func ReadPublicKey(path string) (*PublicKey, error) {
	if v, err := note.NewVerifier(path); err == nil {
		return &PublicKey{v}, nil
	}
	text, err := durable.ReadRegular(path, maxKey)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("is no public key of evidence keygen")
	}
	return &PublicKey{v}, nil
}

// Name returns the name of the key and its hash.
func (k *PublicKey) Name() string { return keyName(k.verifier) }
