// Package logging writes the program's log lines: text for people or JSON for
// machines, to standard error and, if one is named, appended to a file.
//
// hclog carries the lines from everywhere, backend programs included; what it
// would print itself is neither of our two formats, so its own output goes
// nowhere and a sink of ours writes.
package logging

import (
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/term"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// Options says what is logged, how, and where.
type Options struct {
	Level   string                // debug, info, warn or error; "" is info
	Format  string                // json or text; auto is text if Stderr is a terminal, else json; "" is auto
	Stderr  io.Writer             // nil for none
	File    string                // gets the same lines, appended; "" for none
	NoColor bool                  // no colour even on a terminal
	Scrub   func(s string) string // applied to every message, key and value; nil for none
	Now     func() time.Time      // the clock; nil for time.Now
}

// New returns a logger and what closes its file. Lines that are logged after
// Close go to Stderr only.
//
// Numbers stay numbers in JSON; a [time.Duration], and any number under a key
// that ends in _ms, is written as milliseconds with one decimal. A named
// logger's lines carry its name as plugin=NAME.
func New(o Options) (hclog.InterceptLogger, io.Closer, error) {
	level := hclog.Info
	if o.Level != "" {
		if level = hclog.LevelFromString(o.Level); level < hclog.Debug || level > hclog.Error {
			return nil, nil, fmt.Errorf("log level: found %q, allowed debug info warn error", o.Level)
		}
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	terminal := IsTerminal(o.Stderr)
	f, err := formatNamed(o.Format, terminal)
	if err != nil {
		return nil, nil, err
	}
	s := &sink{level: level, format: f, scrub: o.Scrub, now: o.Now, stderr: o.Stderr, colour: terminal && !o.NoColor && colours}
	if o.File != "" {
		if s.file, err = openFile(o.File); err != nil {
			return nil, nil, fmt.Errorf("logging.file: %s: %w", o.File, durable.Cause(err))
		}
	}
	if s.scrub == nil {
		s.scrub = func(s string) string { return s }
	}
	if s.now == nil {
		s.now = time.Now
	}
	// The level is set here too, for the sake of IsDebug and its like.
	logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: level, Output: io.Discard})
	logger.RegisterSink(s)
	return logger, s, nil
}

// IsTerminal reports whether w, a file or something around one, is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

func formatNamed(name string, terminal bool) (format, error) {
	switch name {
	case "json":
		return jsonLine, nil
	case "text":
		return textLine, nil
	case "auto", "":
		if terminal {
			return textLine, nil
		}
		return jsonLine, nil
	}
	return nil, fmt.Errorf("log format: found %q, allowed json text", name)
}
