package crypt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// maxHeader bounds what is read of a body before its key is known, in bytes: a
// recipient takes less than 1 KiB. A longer header is damage.
const maxHeader = 1 << 20

// Identities are the private keys that read what is encrypted. Without any, as nil
// is, nothing encrypted can be read. They may be used from several goroutines.
type Identities struct {
	keys       *fileKeys // nil: there is none
	names      []string  // the public keys
	recipients []string  // that are configured, for messages
}

// ParseIdentities reads an identity file: private keys as age-keygen writes them,
// one a line, or one SSH private key.
func ParseIdentities(file []byte) (*Identities, error) {
	if bytes.Contains(file, []byte("-----BEGIN ")) && !bytes.Contains(file, []byte("AGE ENCRYPTED FILE")) {
		return parseSSH(file)
	}
	if bytes.Contains(file, []byte("AGE ENCRYPTED FILE")) || bytes.HasPrefix(file, []byte("age-encryption.org/")) {
		return nil, errors.New("found an identity that is protected by a passphrase, which is not supported; allowed one that age -d has decrypted")
	}
	var keys []age.Identity
	var names []string
	for n, line := range keyLines(file) {
		key, err := age.ParseX25519Identity(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: found something else than an identity, allowed AGE-SECRET-KEY-1... or an SSH private key", n)
		}
		keys, names = append(keys, key), append(names, key.Recipient().String())
	}
	if len(keys) == 0 {
		return nil, errors.New("found no identity, allowed AGE-SECRET-KEY-1... or an SSH private key")
	}
	return &Identities{keys: newFileKeys(keys...), names: names}, nil
}

func parseSSH(file []byte) (*Identities, error) {
	key, err := agessh.ParseIdentity(file)
	if protected := (*ssh.PassphraseMissingError)(nil); errors.As(err, &protected) {
		return nil, errors.New("found an SSH key that is protected by a passphrase, which is not supported; allowed one without")
	}
	if err != nil {
		return nil, errors.New("found a private key that cannot be used, allowed an SSH key of type ssh-ed25519 or ssh-rsa")
	}
	signer, err := ssh.ParsePrivateKey(file)
	if err != nil {
		return nil, errors.New("found a private key that cannot be used, allowed an SSH key of type ssh-ed25519 or ssh-rsa")
	}
	return &Identities{keys: newFileKeys(key), names: []string{sshName(signer.PublicKey())}}, nil
}

// For returns i for an archive whose configuration names recipients: messages say
// whom content is encrypted to. i may be nil.
func (i *Identities) For(r *Recipients) *Identities {
	if i == nil {
		i = &Identities{}
	}
	return &Identities{keys: i.keys, names: i.names, recipients: r.Names()}
}

// None reports whether there is no private key.
func (i *Identities) None() bool { return i == nil || i.keys == nil }

// Check reports why content cannot be read, as far as it can be known without its
// body.
func (i *Identities) Check(r *sdk.Record) error {
	if r.Content.Codec != sdk.ZstdAge || !i.None() {
		return nil
	}
	return i.Missing(r.Tombstone.String())
}

const hint = "name the file of a recipient's private key by archive.identity_file or CODEX_ARCHIVE_IDENTITY_FILE"

// Missing is the failure of reading something encrypted without a private key.
func (i *Identities) Missing(what string) error {
	to := ""
	if i != nil && len(i.recipients) > 0 {
		to = " to " + strings.Join(i.recipients, ", ")
	}
	return output.Errorf(output.NoIdentity, "%s is encrypted%s, and archive.identity_file names no identity", what, to).WithHint(hint)
}

// Decrypt returns a reader of what is encrypted in body, which is the body of r.
// An error of kind [output.NoIdentity] means that the body is for others. The
// reader ends in io.EOF only after all of the body was authenticated.
func (i *Identities) Decrypt(r *sdk.Record, body io.Reader) (io.Reader, error) {
	if i.None() {
		return nil, i.unreadable(r, body)
	}
	var begin bytes.Buffer
	header, err := age.ExtractHeader(io.TeeReader(&limited{body, maxHeader}, &begin))
	if err != nil {
		return nil, err
	}
	fileKey, err := i.keys.of(header)
	if other := (*age.NoIdentityMatchError)(nil); errors.As(err, &other) {
		return nil, i.wrong(r, header)
	}
	if err != nil {
		return nil, err
	}
	return age.Decrypt(io.MultiReader(&begin, body), age.NewInjectedFileKeyIdentity(fileKey))
}

// Open appends what is encrypted in body to dst, if it is small and can be read.
// Otherwise [Identities.Decrypt] reads it, or says why not.
func (i *Identities) Open(dst, body []byte) (plain []byte, ok bool) {
	if i.None() {
		return nil, false
	}
	header, payload := split(body)
	if header == nil {
		return nil, false
	}
	fileKey, err := i.keys.of(header)
	if err != nil {
		return nil, false
	}
	return open(dst, fileKey, payload)
}

// unreadable is the failure of a body that there is no private key for. Its header
// says whom it is for, where the configuration does not.
func (i *Identities) unreadable(r *sdk.Record, body io.Reader) error {
	if i == nil || len(i.recipients) == 0 {
		if header, err := age.ExtractHeader(&limited{body, maxHeader}); err == nil {
			i = &Identities{recipients: readers(header)}
		}
	}
	return i.Missing(r.Tombstone.String())
}

// wrong is the failure of a body that is for other keys.
func (i *Identities) wrong(r *sdk.Record, header []byte) error {
	of := readers(header)
	to := fmt.Sprintf("%d recipients", len(of))
	if len(of) == 1 {
		to = "another recipient"
	}
	message := fmt.Sprintf("%s is encrypted to %s (%s), and the identity of %s is none of them",
		r.Tombstone, to, strings.Join(of, ", "), strings.Join(i.names, ", "))
	if len(i.recipients) > 0 {
		message += "; the recipients that are configured now are " + strings.Join(i.recipients, ", ")
	}
	return output.Errorf(output.NoIdentity, "%s", message).WithHint(hint)
}

// readers says whom a header is for, as far as it tells: the type of each key, and of
// SSH keys the beginning of the fingerprint that ssh-keygen -l prints.
func readers(header []byte) (names []string) {
	_, _ = age.DecryptHeader(header, stanzas(func(all []*age.Stanza) { // it reads none: the names are what is wanted
		for _, s := range all {
			name := fmt.Sprintf("%.32q", s.Type)
			if strings.HasPrefix(s.Type, "ssh-") && len(s.Args) > 0 { // printable ASCII, as age has checked
				name = fmt.Sprintf("%.32q SHA256:%.5s…", s.Type, s.Args[0])
			}
			names = append(names, name)
		}
	}))
	slices.Sort(names)
	return names
}

// stanzas is an identity that reads nothing, and is shown the stanzas of a header.
type stanzas func([]*age.Stanza)

// Unwrap implements [age.Identity].
func (s stanzas) Unwrap(all []*age.Stanza) ([]byte, error) {
	s(all)
	return nil, age.ErrIncorrectIdentity
}

// limited is the beginning of a body, in which its header ends.
type limited struct {
	r    io.Reader
	left int
}

var errHeader = errors.New("its header is too long")

func (l *limited) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, errHeader
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// IsForOthers reports whether err says that no identity at hand decrypts a body.
func IsForOthers(err error) bool {
	var f *output.Failure
	return errors.As(err, &f) && f.Kind == output.NoIdentity
}
