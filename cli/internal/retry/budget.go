package retry

import "sync"

// Budget bounds the repeats of all calls of one command together, so that many
// workers do not overload a server that is down: each repeat takes a token, each
// success puts one back. A nil Budget never runs out.
type Budget struct {
	mu   sync.Mutex
	left int
	most int
}

// NewBudget returns a full budget of so many repeats.
func NewBudget(repeats int) *Budget { return &Budget{left: repeats, most: repeats} }

func (b *Budget) take() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

func (b *Budget) putBack() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+1, b.most)
}
