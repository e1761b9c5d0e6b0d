package extsort

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever is added comes out in order, twice, however many runs there are.
func TestSorter(t *testing.T) {
	for _, limit := range []int{1, 200, 4000, 0} {
		random := rand.New(rand.NewPCG(1, 2))
		s := &Sorter{limit: limit}
		var want [][]byte
		for range 3000 {
			item := make([]byte, random.IntN(40))
			for i := range item {
				item[i] = byte(random.IntN(4))
			}
			want = append(want, item)
			if err := s.Add(item); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(want, bytes.Compare)
		for range 2 {
			n := 0
			for item, err := range s.All() {
				if err != nil || !bytes.Equal(item, want[n]) {
					t.Fatalf("limit %d: item %d is %x, %v; want %x", limit, n, item, err, want[n])
				}
				n++
			}
			if n != len(want) {
				t.Fatalf("limit %d: %d items, want %d", limit, n, len(want))
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingSorted(t *testing.T) {
	var s Sorter
	for range s.All() {
		t.Fatal("an item")
	}
}

// A loop may end before the last item.
func TestLoopEndsEarly(t *testing.T) {
	s := &Sorter{limit: 1}
	defer s.Close()
	for _, text := range []string{"c", "a", "b"} {
		if err := s.Add([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for item, err := range s.All() {
		if string(item) != "a" || err != nil {
			t.Fatalf("%s, %v", item, err)
		}
		break
	}
}
