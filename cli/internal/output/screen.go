package output

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// Screen is standard error. While a live bar is shown in its last line, lines
// are written above the bar, and the bar is drawn again below them.
type Screen struct {
	stderr io.Writer

	mu          sync.Mutex // held for a line with all that is drawn around it
	live        bool       // a bar is shown
	done, total int
	name        string // of what runs, behind the bar
	drawn       string // the bar in the last line
}

// NewScreen returns the screen that writes to stderr.
func NewScreen(stderr io.Writer) *Screen { return &Screen{stderr: stderr} }

// Write writes p, which should be whole lines, with one call.
func (s *Screen) Write(p []byte) (int, error) { return s.above(s.stderr, p) }

// Fd is how the log finds out whether this is a terminal.
func (s *Screen) Fd() uintptr {
	if f, ok := s.stderr.(*os.File); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// above writes lines to w, which may be the same terminal.
func (s *Screen) above(w io.Writer, lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.live {
		return w.Write(lines)
	}
	s.clear()
	defer s.draw()
	return w.Write(lines)
}

// Begin draws a bar at done of total.
func (s *Screen) Begin(done, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live, s.done, s.total = true, done, total
	s.draw()
}

// Set moves the bar.
func (s *Screen) Set(done int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = done
	s.redraw()
}

// Name shows a name behind the bar.
func (s *Screen) Name(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = name
	s.redraw()
}

func (s *Screen) redraw() {
	if s.live && s.text() != s.drawn {
		s.clear()
		s.draw()
	}
}

// text is the bar with the name, where there is room for it.
func (s *Screen) text() string {
	width := Width(s)
	bar := barText(s.done, s.total, width)
	if with := bar + " " + s.name; bar != "" && s.name != "" && (width == 0 || len(with) < width) {
		return with
	}
	return bar
}

// End removes the bar.
func (s *Screen) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live {
		s.clear()
		s.live = false
	}
}

// ClearLine takes the bar away for a program that ends at once.
func ClearLine(stderr io.Writer) {
	if Width(stderr) > 0 {
		_, _ = io.WriteString(stderr, clearLine) // the program ends
	}
}

// clearLine clears the line and goes to its beginning.
const clearLine = "\x1b[2K\r"

// clear takes the bar away. What a signal's key has left in the line goes too.
func (s *Screen) clear() {
	_, _ = io.WriteString(s.stderr, clearLine) // the terminal is gone: nothing to clear
	s.drawn = ""
}

func (s *Screen) draw() {
	s.drawn = s.text()
	_, _ = io.WriteString(s.stderr, "\r"+s.drawn) // the terminal is gone: nothing to show
}

// maxBar is the longest bar, in columns: a line that is shorter than the window
// stays one line when the window becomes narrower.
const maxBar = 40

// barText is a bar for a terminal of so many columns. Where there is no room for
// one the numbers are shown alone, or nothing.
func barText(done, total, width int) string {
	numbers := fmt.Sprintf("%d%% (%d/%d)", done*100/max(total, 1), done, total)
	room := maxBar
	if width > 0 { // else it is not known
		room = min(width-1, maxBar) // a full last column would begin another line
	}
	length := room - len(numbers) - len("[] ")
	switch {
	case length >= 5:
		full := done * length / max(total, 1)
		return "[" + strings.Repeat("#", full) + strings.Repeat(".", length-full) + "] " + numbers
	case len(numbers) <= room:
		return numbers
	}
	return ""
}
