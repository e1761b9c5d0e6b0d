package memory

import "hash/maphash"

// node is a pair in a treap: a search tree by key in which no node has a higher
// rank than the one above it. Ranks are as good as random, so that the tree is
// flat. A node never changes; what would change it copies the path to it.
type node struct {
	key          string
	value        []byte
	rank         uint64
	below, above *node
}

var seed = maphash.MakeSeed()

func rank(key []byte) uint64 { return maphash.Bytes(seed, key) }

// seek returns the first node whose key is not below key, or nil.
func (n *node) seek(key string) (first *node) {
	for n != nil {
		if n.key < key {
			n = n.above
		} else {
			first, n = n, n.below
		}
	}
	return first
}

// split returns the nodes below key, and the others.
func (n *node) split(key string) (below, from *node) {
	if n == nil {
		return nil, nil
	}
	c := *n
	if n.key < key {
		c.above, from = n.above.split(key)
		return &c, from
	}
	below, c.below = n.below.split(key)
	return below, &c
}

// join is the reverse of split: all keys of low are below those of high.
func join(low, high *node) *node {
	switch {
	case low == nil:
		return high
	case high == nil:
		return low
	case low.rank >= high.rank:
		c := *low
		c.above = join(low.above, high)
		return &c
	}
	c := *high
	c.below = join(low, high.below)
	return &c
}
