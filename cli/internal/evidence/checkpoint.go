package evidence

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// maxNote bounds a signed note, in bytes: a receipt holds one line of the log.
const maxNote = 2 * MaxLine

// SignTree returns a checkpoint of a log (C2SP tlog-checkpoint): a signed note
// with the name of the key as origin, and size and root of the tree. more are
// lines that follow.
func (k *PrivateKey) SignTree(t tlog.Tree, more ...string) ([]byte, error) {
	lines := append([]string{k.signer.Name(), strconv.FormatInt(t.N, 10), t.Hash.String()}, more...)
	return k.SignNote(strings.Join(lines, "\n") + "\n")
}

// OpenTree returns the tree of a checkpoint that k has signed, and the lines that
// follow.
func (k *PublicKey) OpenTree(signed []byte) (t tlog.Tree, more []string, err error) {
	text, err := k.OpenNote(signed)
	if err != nil {
		return t, nil, err
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 || lines[0] != k.verifier.Name() {
		return t, nil, errors.New("is no checkpoint of this key's log")
	}
	t.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || t.N < 0 || lines[1] != strconv.FormatInt(t.N, 10) {
		return t, nil, errors.New("has no size")
	}
	if t.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return t, nil, errors.New("has no root hash")
	}
	return t, lines[3:], nil
}

// ReadNote reads a file that holds a signed note.
func ReadNote(path string) ([]byte, error) { return durable.ReadRegular(path, maxNote) }
