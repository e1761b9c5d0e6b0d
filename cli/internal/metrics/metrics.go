// Package metrics counts and times what the evidence log tells: how often each
// action was done, how often it failed, and how long it and its phases took.
//
// Numbers are exact: every value is kept (8 bytes each, so about 24 MB for a
// million restores) and sorted once. A percentile is the value at rank
// ceil(p * n), a value that was measured and not one between two.
package metrics

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/codex-archive/codex/cli/internal/evidence"
)

// Filter says which lines count. Zero fields let everything pass.
type Filter struct {
	Since   time.Time // at or after
	Action  string    // see [Group]; in either case
	Backend string
}

// Collector takes in lines. The zero value is not ready: see [NewCollector].
type Collector struct {
	filter Filter
	since  string // in the form of the log
	groups map[key]*Group
	line   *decoder

	// Unreadable counts lines that are no records.
	Unreadable int
}

type key struct{ action, backend, host string }

// Group is what is known about one action on one backend. The action of a
// failure counts as that which failed: RESTORE_FAIL as RESTORE.
type Group struct {
	Action  string
	Backend string
	Host    string // of events: which host did it; "" for lines

	Count    int // done, well or not
	Failures int // of these, failed or refused
	Retries  int // attempts that were followed by another; not in Count

	Duration      Timing // of those that went well
	Decompression Timing // where it was measured
	Write         Timing // where it was measured
	Failed        Timing // of those that did not go well
}

// NewCollector returns a collector of the lines that f selects.
func NewCollector(f Filter) *Collector {
	f.Action = strings.TrimSuffix(strings.ToUpper(f.Action), failSuffix)
	c := &Collector{filter: f, groups: map[key]*Group{}, line: newDecoder()}
	if !f.Since.IsZero() {
		// A line is cut to milliseconds, so one of the same millisecond may be
		// older than Since or not: it counts only if Since has no finer part.
		since := f.Since.UTC()
		if whole := since.Truncate(time.Millisecond); whole.Before(since) {
			since = whole.Add(time.Millisecond)
		}
		c.since = since.Format(evidence.TimeForm)
	}
	return c
}

// Add takes in a line, without its newline.
func (c *Collector) Add(line []byte) {
	f := &c.line.fields
	if err := c.line.read(line); err != nil || len(f.action) == 0 || f.measured&hasDuration == 0 || !isStamp(f.ts) {
		c.Unreadable++
		return
	}
	if string(f.ts) < c.since {
		return
	}
	action := bytes.TrimSuffix(f.action, []byte(failSuffix))
	if c.filter.Action != "" && string(action) != c.filter.Action || c.filter.Backend != "" && string(f.backend) != c.filter.Backend {
		return
	}
	c.group(key{string(action), string(f.backend), ""}).add(f)
}

// Event is an event of an archive's history: something that went well.
type Event struct {
	At                             time.Time
	Action, Backend, Host          string
	Duration, Decompression, Write string // milliseconds in decimal, "" where not measured
}

// AddEvent takes in an event. What is no number was not measured.
func (c *Collector) AddEvent(e Event) {
	if e.At.UTC().Format(evidence.TimeForm) < c.since ||
		c.filter.Action != "" && e.Action != c.filter.Action || c.filter.Backend != "" && e.Backend != c.filter.Backend {
		return
	}
	f := fields{}
	for _, phase := range []struct {
		text string
		to   *float64
		has  phases
	}{{e.Duration, &f.duration, hasDuration}, {e.Decompression, &f.decompression, hasDecompression}, {e.Write, &f.write, hasWrite}} {
		if n, err := milliseconds([]byte(phase.text)); err == nil {
			*phase.to, f.measured = n, f.measured|phase.has
		}
	}
	c.group(key{e.Action, e.Backend, e.Host}).add(&f)
}

// isStamp reports whether a time has the log's form, as far as comparing needs.
func isStamp(ts []byte) bool {
	return len(ts) == len(evidence.TimeForm) && ts[4] == '-' && ts[10] == 'T' && ts[len(ts)-1] == 'Z'
}

// failSuffix is what the name of an action has more when it failed.
const failSuffix = "_FAIL"

func (c *Collector) group(k key) *Group {
	g := c.groups[k]
	if g == nil {
		g = &Group{Action: k.action, Backend: k.backend, Host: k.host}
		c.groups[k] = g
	}
	return g
}

func (g *Group) add(f *fields) {
	switch string(f.status) {
	case "started":
		return // the record of the outcome follows, and counts
	case "retrying":
		g.Retries++
		return
	case "failed", "refused":
		g.Count++
		g.Failures++
		g.Failed.add(f.duration)
		return
	}
	g.Count++
	if f.measured&hasDuration != 0 {
		g.Duration.add(f.duration)
	}
	if f.measured&hasDecompression != 0 {
		g.Decompression.add(f.decompression)
	}
	if f.measured&hasWrite != 0 {
		g.Write.add(f.write)
	}
}

// Groups returns what was collected, by action, backend and host. Nothing may be
// added afterwards.
func (c *Collector) Groups() []*Group {
	groups := slices.SortedFunc(maps.Values(c.groups), func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Host, b.Host))
	})
	for _, g := range groups {
		for _, t := range []*Timing{&g.Duration, &g.Decompression, &g.Write, &g.Failed} {
			slices.Sort(t.values)
		}
	}
	return groups
}
