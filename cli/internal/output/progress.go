package output

import (
	"bytes"
	"fmt"
	"io"
)

// Progress tells people how far a long run is: in lines on stdout or, where they
// look at a terminal, with a live bar on stderr in place of these lines. The run
// prints its other lines with it too, above the bar. Its methods are called by one
// goroutine at a time.
type Progress struct {
	Out     io.Writer // standard output
	Screen  *Screen
	Bar     bool // a live bar takes the place of the Progress lines
	Silent  bool // no lines for people: the result is JSON
	Percent bool // the Progress lines show no counts

	done, total int    // items; total is 0 where it is not known
	next        string // the item that runs, where one runs at a time and is named
	err         error  // the first of printing
}

// Begin says that so many of total items are done, and draws the bar. Without it,
// or where total is 0, items are counted and not shown.
func (p *Progress) Begin(done, total int) {
	p.done, p.total = done, total
	if p.Bar && total > 0 {
		p.Screen.Begin(min(done, total), total)
	}
}

// Next names the item that runs now: in a line of its own, so that one that hangs is
// known, or in the bar.
func (p *Progress) Next(item string) {
	p.next = item
	if p.Bar {
		p.Screen.Name(item)
		return
	}
	p.Printf("Progress: %d/%d (%d%%), running %s", min(p.done, p.total), p.total, p.percent(), item)
}

// Add counts n more items as done.
func (p *Progress) Add(n int) {
	before := p.percent()
	p.done += n
	switch {
	case p.total == 0:
	case p.next != "" && !p.Bar && p.done < p.total: // Next prints the counts
	case p.Bar:
		p.Screen.Set(min(p.done, p.total))
	case p.percent() == before:
	case p.Percent:
		p.Printf("Progress: %d%%", p.percent())
	default:
		p.Printf("Progress: %d/%d (%d%%)", min(p.done, p.total), p.total, p.percent())
	}
}

// percent is at most 100: there may be more items than were counted before.
func (p *Progress) percent() int { return min(p.done*100/max(p.total, 1), 100) }

// Done returns how many items are done.
func (p *Progress) Done() int { return p.done }

// Left returns how many items are not done.
func (p *Progress) Left() int { return max(p.total-p.done, 0) }

// End takes the bar away.
func (p *Progress) End() { p.Screen.End() }

// Printf prints a line for people. A run goes on if its lines cannot be written.
func (p *Progress) Printf(format string, args ...any) {
	if !p.Silent {
		p.write(fmt.Appendf(nil, format+"\n", args...))
	}
}

// PrintSome prints a line for people about a number that is not 0.
func (p *Progress) PrintSome(format string, n int64) {
	if n > 0 {
		p.Printf(format, n)
	}
}

// PrintJSON prints v as one line, for programs.
func (p *Progress) PrintJSON(v any) {
	var line bytes.Buffer
	if err := WriteJSONLine(&line, v); err != nil && p.err == nil {
		p.err = err
	}
	p.write(line.Bytes())
}

func (p *Progress) write(lines []byte) {
	if p.err == nil {
		_, p.err = p.Screen.above(p.Out, lines)
	}
}

// Err returns the first error of printing.
func (p *Progress) Err() error { return p.err }
