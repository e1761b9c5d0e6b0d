package memory

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/codex-archive/codex/sdk/kvbackend"
)

// store is a [kvbackend.Store] in a tree that never changes: a transaction reads the
// tree that was there when it began, and a commit puts another one in its place.
type store struct {
	writer sync.Mutex
	root   atomic.Pointer[node]
}

var _ kvbackend.Store = (*store)(nil)

// View implements [kvbackend.Store].
func (s *store) View(_ context.Context, fn func(kvbackend.Tx) error) error {
	return fn(&tx{s.root.Load()})
}

// Update implements [kvbackend.Store].
func (s *store) Update(_ context.Context, fn func(kvbackend.Tx) error) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	t := tx{s.root.Load()}
	if err := fn(&t); err != nil {
		return err
	}
	s.root.Store(t.root)
	return nil
}

// Close implements [kvbackend.Store]. The archive stays with its driver.
func (s *store) Close() error { return nil }

// tx is a transaction: the tree as it has made it.
type tx struct{ root *node }

// Get implements [kvbackend.Tx].
func (t *tx) Get(key []byte) ([]byte, error) {
	if n := t.root.seek(string(key)); n != nil && n.key == string(key) {
		return n.value, nil
	}
	return nil, nil
}

// Seek implements [kvbackend.Tx].
func (t *tx) Seek(key []byte) (k, v []byte, err error) {
	if n := t.root.seek(string(key)); n != nil {
		return []byte(n.key), n.value, nil
	}
	return nil, nil, nil
}

// Put implements [kvbackend.Tx].
func (t *tx) Put(key, value []byte) error {
	n := &node{key: string(key), value: value, rank: rank(key)}
	below, above := t.without(key)
	t.root = join(join(below, n), above)
	return nil
}

// Delete implements [kvbackend.Tx].
func (t *tx) Delete(key []byte) error {
	t.root = join(t.without(key))
	return nil
}

// without returns the pairs below key and those above it.
func (t *tx) without(key []byte) (below, above *node) {
	below, from := t.root.split(string(key))
	_, above = from.split(string(key) + "\x00")
	return below, above
}
