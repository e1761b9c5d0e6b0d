// Package contest lets ways of doing the same thing run against each other,
// for the benchmarks of the backends: an archive in this process, the same as a
// process of its own, and the bare driver with the same statements.
//
// The contestants take turns within one run, so that whatever else the machine
// does hits all of them alike, and they are compared round by round.
package contest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Contestant is one way.
type Contestant struct {
	Name string
	// Prepare and Done, where not nil, come before and after each round and are
	// not measured.
	Prepare func() error
	Done    func() error
	// Round does the whole work once.
	Round func() error
}

// result is what the rounds of one contestant took.
type result struct {
	wall, cpu []time.Duration
}

// warmUp is how many rounds do not count: caches fill, plans are made.
const warmUp = 1

// Run measures contestants that each handle items in a round. For each it
// reports the median of items/s, and of microseconds of processor time for each
// item, those of the database's server included where the system tells. For all
// but the last, which is the measure, it also reports the share of the last
// one's items/s that they reach, and the same of processor time.
func Run(b *testing.B, items int, contestants ...Contestant) {
	results := make([]result, len(contestants))
	for round := 0; b.Loop(); round++ {
		for i := range contestants {
			// What one leaves to be done, a database's writing above all, is
			// done while the next one runs. So they come in both orders.
			k := i
			if round%2 == 1 {
				k = len(contestants) - 1 - i
			}
			wall, cpu, err := contestants[k].measure()
			if err != nil {
				b.Fatalf("%s: %v", contestants[k].Name, err)
			}
			if round >= warmUp {
				results[k].wall = append(results[k].wall, wall)
				results[k].cpu = append(results[k].cpu, cpu)
			}
		}
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
	if len(results[0].wall) == 0 {
		b.Log("ask for more rounds, -benchtime 11x: the first does not count")
		return
	}
	last := results[len(results)-1]
	for i, r := range results {
		name := strings.ReplaceAll(contestants[i].Name, " ", "-")
		b.ReportMetric(float64(items)/median(r.wall).Seconds(), name+"-items/s")
		if median(r.cpu) > 0 {
			b.ReportMetric(float64(median(r.cpu).Nanoseconds())/1000/float64(items), name+"-cpu-us/item")
		}
		if i == len(results)-1 {
			break
		}
		b.ReportMetric(ratio(last.wall, r.wall), name+"/"+contestants[len(results)-1].Name)
		if median(r.cpu) > 0 {
			b.ReportMetric(ratio(last.cpu, r.cpu), name+"/"+contestants[len(results)-1].Name+"-cpu")
		}
	}
}

func (c *Contestant) measure() (wall, cpu time.Duration, err error) {
	if c.Prepare != nil {
		if err := c.Prepare(); err != nil {
			return 0, 0, err
		}
	}
	start, before := time.Now(), processorTime()
	if err := c.Round(); err != nil {
		return 0, 0, err
	}
	wall, cpu = time.Since(start), processorTime()-before
	if c.Done != nil {
		err = c.Done()
	}
	return wall, cpu, err
}

func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

// ratio is the median over the rounds of x by y: neighbours in time had the
// same noise.
func ratio(x, y []time.Duration) float64 {
	ratios := make([]float64, min(len(x), len(y)))
	for i := range ratios {
		ratios[i] = float64(x[i]) / float64(y[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}
