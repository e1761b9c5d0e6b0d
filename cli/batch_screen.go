package main

import (
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
)

// screen is standard error. While a live bar stands in its last line, what is
// written goes above the bar, which is drawn again below: neither is glued to
// the other.
type screen struct {
	stderr io.Writer

	mu  sync.Mutex // held for a line with all that is drawn around it
	bar *progressbar.ProgressBar
}

// Write writes p, which should be whole lines, with one call.
func (s *screen) Write(p []byte) (int, error) { return s.above(s.stderr, p) }

// Fd lets the log see whether this is a terminal.
func (s *screen) Fd() uintptr {
	if f, ok := s.stderr.(*os.File); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// above writes lines to w, which may be another way to the same terminal.
func (s *screen) above(w io.Writer, lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		return w.Write(lines)
	}
	_ = s.bar.Clear()
	defer s.bar.RenderBlank()
	return w.Write(lines)
}

// begin draws a bar that has done so many of total.
func (s *screen) begin(done, total int) {
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

// set moves the bar.
func (s *screen) set(done int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.bar.Set(done)
}

// end takes the bar away.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Exit()
		_ = s.bar.Clear()
		s.bar = nil
	}
}
