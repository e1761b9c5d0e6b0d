package logging

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// sink turns what hclog hands it into lines and writes them, each with one
// call of Write.
type sink struct {
	level  hclog.Level
	format format
	scrub  func(string) string
	now    func() time.Time
	colour bool // of the level, on stderr

	mu     sync.Mutex // held for a whole line, so that file and stderr agree on the order
	stderr io.Writer
	file   *os.File // nil where there is none, or no longer
	torn   bool     // the file ends in part of a line
	failed bool     // a write to the file failed and that was said
}

var _ hclog.SinkAdapter = (*sink)(nil)

// line is one line before it has a form.
type line struct {
	at    time.Time
	level hclog.Level
	msg   string
	pairs []pair // keys are unique
}

// Accept writes one line.
func (s *sink) Accept(name string, level hclog.Level, msg string, args ...any) {
	if level == hclog.NoLevel {
		level = hclog.Info
	}
	if level < s.level {
		return
	}
	l := line{level: level, msg: s.scrub(msg), pairs: s.pairs(name, args)}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.at = s.now()
	s.write(l)
}

func (s *sink) write(l line) {
	// Errors of stderr have nowhere to go.
	_, _ = s.stderr.Write(s.format(l, s.colour))
	if s.file == nil {
		return
	}
	out := s.format(l, false)
	if s.torn {
		out = append([]byte("\n"), out...)
	}
	n, err := s.file.Write(out)
	s.torn = err != nil && (n > 0 || s.torn)
	if err != nil && !s.failed {
		s.failed = true
		_, _ = s.stderr.Write(s.format(line{at: l.at, level: hclog.Warn, msg: "Log file is incomplete",
			pairs: []pair{{key: "error", value: s.scrub(err.Error())}}}, s.colour))
	}
}

// Close closes the file. Closing twice is harmless.
func (s *sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// pairs puts hclog's alternating keys and values in order: the name of the
// logger, then as given. Of a repeated key the last value counts, in the place
// of the first.
func (s *sink) pairs(name string, args []any) []pair {
	list := make([]pair, 0, 1+(len(args)+1)/2)
	add := func(key string, value any) {
		p := makePair(s.scrub(key), value, s.scrub)
		for i := range list {
			if list[i].key == p.key {
				list[i] = p
				return
			}
		}
		list = append(list, p)
	}
	if name != "" {
		add("plugin", pluginName(s.scrub(name))) // before it is cut: half a secret is not recognised
	}
	for ; len(args) >= 2; args = args[2:] {
		add(keyText(args[0]), args[1])
	}
	if len(args) == 1 {
		add("extra", args[0])
	}
	return list
}

// pluginName is NAME for a logger that is named after the program
// codex-archive-NAME, with or without path, and the name itself otherwise.
func pluginName(name string) string {
	name = strings.TrimPrefix(name, "plugin.")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return strings.TrimSuffix(strings.TrimPrefix(name, "codex-archive-"), ".exe")
}
