// Package extsort sorts byte strings that need not fit into memory.
package extsort

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"io"
	"iter"
	"slices"

	"github.com/codex-archive/codex/cli/internal/spool"
)

// runSize is how much is sorted in memory, in bytes; more goes to a temporary
// file.
const runSize = 16 << 20

// readAhead is what each sorted run has in memory while all are merged, in bytes.
const readAhead = 32 << 10

// Sorter sorts what is added to it, in the order of bytes. The zero value is
// ready. It must be closed.
type Sorter struct {
	text  []byte   // of the items that are not written yet, one behind the other
	items [][2]int // where they begin and end in text
	runs  []int64  // where the sorted runs end in the spool
	spool spool.Spool
	limit int // instead of runSize; 0: that
}

// Close frees everything.
func (s *Sorter) Close() error {
	s.text, s.items = nil, nil
	return s.spool.Close()
}

// Add adds an item. It is copied.
func (s *Sorter) Add(item []byte) error {
	s.items = append(s.items, [2]int{len(s.text), len(s.text) + len(item)})
	s.text = append(s.text, item...)
	limit := runSize
	if s.limit > 0 {
		limit = s.limit
	}
	if len(s.text)+16*len(s.items) < limit {
		return nil
	}
	return s.flush()
}

// flush writes the items in memory as one sorted run.
func (s *Sorter) flush() error {
	if len(s.items) == 0 {
		return nil
	}
	slices.SortFunc(s.items, func(a, b [2]int) int { return bytes.Compare(s.text[a[0]:a[1]], s.text[b[0]:b[1]]) })
	w := bufio.NewWriterSize(&s.spool, 64<<10)
	var length [binary.MaxVarintLen64]byte
	for _, at := range s.items {
		item := s.text[at[0]:at[1]]
		// The writer keeps the first error for Flush.
		_, _ = w.Write(binary.AppendUvarint(length[:0], uint64(len(item)))) // see above
		_, _ = w.Write(item)                                                // see above
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.runs = append(s.runs, s.spool.Size())
	s.text, s.items = s.text[:0], s.items[:0]
	return nil
}

// All yields the items in order. An item is valid until the loop body returns.
// Nothing may be added meanwhile. All may be called again.
func (s *Sorter) All() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := s.flush(); err != nil {
			yield(nil, err)
			return
		}
		var h runs
		from := int64(0)
		for _, to := range s.runs {
			r := &run{r: bufio.NewReaderSize(io.NewSectionReader(s.written(), from, to-from), readAhead)}
			from = to
			if err := r.next(); err != nil {
				yield(nil, err)
				return
			}
			h = append(h, r)
		}
		heap.Init(&h)
		for len(h) > 0 {
			if !yield(h[0].item, nil) {
				return
			}
			switch err := h[0].next(); err {
			case nil:
				heap.Fix(&h, 0)
			case io.EOF:
				heap.Pop(&h)
			default:
				yield(nil, err)
				return
			}
		}
	}
}

func (s *Sorter) written() io.ReaderAt {
	if b, ok := s.spool.Bytes(); ok {
		return bytes.NewReader(b)
	}
	return &s.spool
}

// run is a sorted run that is being read.
type run struct {
	r    *bufio.Reader
	item []byte
}

// next reads the next item. Its error at the end is io.EOF.
func (r *run) next() error {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return err
	}
	r.item = slices.Grow(r.item[:0], int(n))[:n]
	_, err = io.ReadFull(r.r, r.item)
	return err
}

// runs is a heap, the run with the least item first.
type runs []*run

func (h runs) Len() int           { return len(h) }
func (h runs) Less(i, j int) bool { return bytes.Compare(h[i].item, h[j].item) < 0 }
func (h runs) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runs) Push(x any)        { *h = append(*h, x.(*run)) }
func (h *runs) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	*h = (*h)[:last]
	return r
}
