package metrics

import (
	"math"
	"sort"
)

// Timing is a set of measured times, in milliseconds.
type Timing struct {
	values []float64 // sorted once the collector has handed it out
	sum    float64
}

func (t *Timing) add(ms float64) {
	t.values = append(t.values, ms)
	t.sum += ms
}

// Count is how many there are.
func (t *Timing) Count() int { return len(t.values) }

// Sum is all of them together, in milliseconds.
func (t *Timing) Sum() float64 { return t.sum }

// Mean is 0 where nothing was measured.
func (t *Timing) Mean() float64 {
	if len(t.values) == 0 {
		return 0
	}
	return t.sum / float64(len(t.values))
}

// Percentile returns the value below or at which the share p (0 to 1) of all
// values lies, 0 where nothing was measured.
func (t *Timing) Percentile(p float64) float64 {
	if len(t.values) == 0 {
		return 0
	}
	rank := int(math.Ceil(p * float64(len(t.values))))
	return t.values[min(max(rank, 1), len(t.values))-1]
}

// Max is 0 where nothing was measured.
func (t *Timing) Max() float64 { return t.Percentile(1) }

// UpTo counts the values of at most ms.
func (t *Timing) UpTo(ms float64) int {
	return sort.Search(len(t.values), func(i int) bool { return t.values[i] > ms })
}

// Bucket is one bar of a histogram: how many values lie above From and at or
// below To.
type Bucket struct {
	From, To float64 // milliseconds
	Count    int
}

// Histogram puts the values into buckets whose ends are 1, 2 and 5 times powers
// of ten, from the one of the smallest value to that of the largest.
func (t *Timing) Histogram() []Bucket {
	if len(t.values) == 0 {
		return nil
	}
	var buckets []Bucket
	from, below := 0.0, 0
	for i := 0; below < len(t.values); i++ {
		to := bound(i)
		if upTo := t.UpTo(to); upTo > 0 {
			buckets = append(buckets, Bucket{from, to, upTo - below})
			below = upTo
		}
		from = to
	}
	return buckets
}

// bound is the i-th end of a bucket: 0.1, 0.2, 0.5, 1, 2, 5, 10, … milliseconds.
func bound(i int) float64 {
	step := [3]float64{1, 2, 5}[i%3]
	if power := i/3 - 1; power >= 0 {
		return step * math.Pow10(power)
	}
	return step / 10
}
