package output

import (
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
)

// Screen is standard error. While a live bar is shown in its last line, lines
// are written above the bar, and the bar is drawn again below them.
type Screen struct {
	stderr io.Writer

	mu  sync.Mutex // held for a line with all that is drawn around it
	bar *progressbar.ProgressBar
}

// NewScreen returns the screen that writes to stderr.
func NewScreen(stderr io.Writer) *Screen { return &Screen{stderr: stderr} }

// Write writes p, which should be whole lines, with one call.
func (s *Screen) Write(p []byte) (int, error) { return s.Above(s.stderr, p) }

// Fd lets the log see whether this is a terminal.
func (s *Screen) Fd() uintptr {
	if f, ok := s.stderr.(*os.File); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// Above writes lines to w, which may be the same terminal.
func (s *Screen) Above(w io.Writer, lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		return w.Write(lines)
	}
	_ = s.bar.Clear()
	defer s.bar.RenderBlank()
	return w.Write(lines)
}

// Begin draws a bar at done of total.
func (s *Screen) Begin(done, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar = progressbar.NewOptions(total,
		progressbar.OptionSetWriter(s.stderr),
		progressbar.OptionFullWidth(),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionUseANSICodes(true),
	)
	_ = s.bar.Set(done)
}

// Set moves the bar.
func (s *Screen) Set(done int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.bar.Set(done)
}

// End removes the bar.
func (s *Screen) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Exit()
		_ = s.bar.Clear()
		s.bar = nil
	}
}
