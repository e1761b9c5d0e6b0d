package verifier

import (
	"container/heap"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/codex-archive/codex/sdk"
)

// Sample is a random choice of records that a run and the runs that resume it
// agree on: each record has a number that follows from key and tombstone, and
// those up to Most are chosen.
type Sample struct {
	Key  []byte `json:"key"`
	Most uint64 `json:"most"`
}

// NewShare chooses about this share, from 0 to 1, of all records.
func NewShare(share float64) *Sample {
	s := &Sample{Key: newKey(), Most: math.MaxUint64}
	if share < 1 {
		s.Most = uint64(share * (1 << 63) * 2)
	}
	return s
}

func newKey() []byte {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // it never fails
	return key
}

// Has reports whether a record is chosen.
func (s *Sample) Has(id sdk.Tombstone) bool { return s.number(id) <= s.Most }

func (s *Sample) number(id sdk.Tombstone) uint64 {
	sum := sha256.Sum256(append(append(make([]byte, 0, 32), s.Key...), id[:]...))
	return binary.BigEndian.Uint64(sum[:])
}

// Chooser finds the sample of so many records among those that it is shown.
type Chooser struct {
	sample Sample
	size   int
	lowest highest
}

// NewChooser returns a Chooser for a sample of size records.
func NewChooser(size int) *Chooser { return &Chooser{sample: Sample{Key: newKey()}, size: size} }

// Show shows it a record.
func (c *Chooser) Show(id sdk.Tombstone) {
	n := c.sample.number(id)
	switch {
	case len(c.lowest) < c.size:
		heap.Push(&c.lowest, n)
	case n < c.lowest[0]:
		c.lowest[0] = n
		heap.Fix(&c.lowest, 0)
	}
}

// Chosen returns the sample, and how many records it has.
func (c *Chooser) Chosen() (*Sample, int) {
	if len(c.lowest) < c.size {
		c.sample.Most = math.MaxUint64 // there are no more
	} else {
		c.sample.Most = c.lowest[0]
	}
	return &c.sample, len(c.lowest)
}

// highest is a heap whose first element is the highest number.
type highest []uint64

func (h highest) Len() int           { return len(h) }
func (h highest) Less(i, j int) bool { return h[i] > h[j] }
func (h highest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *highest) Push(n any)        { *h = append(*h, n.(uint64)) }
func (h *highest) Pop() any {
	n := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return n
}
