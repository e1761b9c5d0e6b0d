package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/codex-archive/codex/cli/internal/spool"
)

// tree is a Merkle tree (RFC 6962) that grows: of all its hashes it keeps those
// that the next leaf may need, one for each bit of its size.
type tree struct {
	size int64
	full []tlog.Hash           // roots of complete subtrees, the largest first
	keep func(tlog.Hash) error // if not nil, is given each hash in the order of [tlog.StoredHashIndex]
}

// add adds a leaf.
func (t *tree) add(leaf tlog.Hash) error {
	h := leaf
	err := t.stored(h)
	for n := t.size; n&1 == 1 && err == nil; n >>= 1 {
		last := len(t.full) - 1
		h = tlog.NodeHash(t.full[last], h)
		t.full = t.full[:last]
		err = t.stored(h)
	}
	t.full = append(t.full, h)
	t.size++
	return err
}

func (t *tree) stored(h tlog.Hash) error {
	if t.keep == nil {
		return nil
	}
	return t.keep(h)
}

// head returns size and root.
func (t *tree) head() tlog.Tree {
	root := tlog.Hash(sha256.Sum256(nil))
	for i := len(t.full) - 1; i >= 0; i-- {
		if root = tlog.NodeHash(t.full[i], root); i == len(t.full)-1 {
			root = t.full[i]
		}
	}
	return tlog.Tree{N: t.size, Hash: root}
}

// hashes keeps all hashes of a tree, 64 bytes a leaf, outside memory where they
// are many. It is a [tlog.HashReader] once it is complete.
type hashes struct {
	spool spool.Spool
	w     *bufio.Writer
}

func newHashes() *hashes {
	h := &hashes{}
	h.w = bufio.NewWriterSize(&h.spool, 64<<10)
	return h
}

func (h *hashes) add(hash tlog.Hash) error {
	_, err := h.w.Write(hash[:])
	return err
}

// complete says that nothing is added any more.
func (h *hashes) complete() error { return h.w.Flush() }

func (h *hashes) Close() error { return h.spool.Close() }

// ReadHashes returns the hashes with these stored indexes.
func (h *hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var all io.ReaderAt = &h.spool
	if b, ok := h.spool.Bytes(); ok {
		all = bytes.NewReader(b)
	}
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if _, err := all.ReadAt(found[i][:], index*tlog.HashSize); err != nil {
			return nil, err
		}
	}
	return found, nil
}
