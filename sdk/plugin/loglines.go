package plugin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"unicode"

	"github.com/hashicorp/go-hclog"
)

// Bounds of what a backend may say on standard error.
const (
	maxLine   = 64 << 10 // bytes of a line; the rest of it is dropped
	keptLines = 200      // last lines kept for a crash report
	maxQuote  = 300      // bytes of a line that an error quotes
)

// loglines forwards the lines of a backend's standard error to the host's log
// and remembers the last ones. go-plugin could do it, but a line of bad JSON
// panics it, and nothing is filtered.
type loglines struct {
	log     hclog.Logger
	secrets *secrets
	dump    dump // used by copyFrom and forward only

	mu    sync.Mutex
	kept  []string // a ring once it is full
	next  int      // where in kept the next line goes
	panic string   // the first line of a Go panic
}

// copyFrom forwards all lines of r. It ends with r.
func (l *loglines) copyFrom(r io.Reader) {
	defer func() { l.dump.log(l.log) }()
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, more, err := in.ReadLine()
		if err != nil {
			return
		}
		l.forward(line)
		for more && err == nil {
			_, more, err = in.ReadLine()
		}
	}
}

// forward handles one line.
func (l *loglines) forward(line []byte) {
	text := clean(l.secrets.scrub(string(line)))
	if strings.TrimSpace(text) == "" {
		return
	}
	entry, ok := parseEntry(text)
	if !ok {
		entry = plainEntry(text)
	}
	l.keep(entry.message)
	if !ok && l.dump.take(text) {
		return
	}
	l.log.Log(entry.level, entry.message, entry.pairs...)
}

// keep remembers a line.
func (l *loglines) keep(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) < keptLines {
		l.kept = append(l.kept, line)
	} else {
		l.kept[l.next] = line
		l.next = (l.next + 1) % keptLines
	}
	if l.panic == "" && beginsPanic(line) {
		l.panic = line
	}
}

// lastWords returns what best explains an end: the first line of a panic, else
// the last line, else "". It is at most maxQuote bytes long.
func (l *loglines) lastWords() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	words := l.panic
	if words == "" && len(l.kept) > 0 {
		words = l.kept[(l.next+len(l.kept)-1)%len(l.kept)]
	}
	return quote(words)
}

// quote shortens a line for use in an error.
func quote(line string) string {
	line = strings.TrimSpace(line)
	if len(line) > maxQuote {
		line = strings.ToValidUTF8(line[:maxQuote], "") + "…"
	}
	return line
}

// clean makes text fit for a terminal and a log: valid UTF-8 without control
// characters.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// entry is one line of log.
type entry struct {
	level   hclog.Level
	message string
	pairs   []any
}

// parseEntry reads a JSON object with "@level" and "@message", the form of
// hclog and of [Serve]. The order of its pairs is kept.
func parseEntry(text string) (entry, bool) {
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	if token, err := in.Token(); err != nil || token != json.Delim('{') {
		return entry{}, false
	}
	var e entry
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return entry{}, false
		}
		var value any
		if err := in.Decode(&value); err != nil {
			return entry{}, false
		}
		e.set(key.(string), value)
	}
	if e.level == hclog.NoLevel || e.message == "" {
		return entry{}, false
	}
	return e, true
}

// set takes one pair of a line. Values that are not what their key promises
// count as ordinary pairs.
func (e *entry) set(key string, value any) {
	text, isText := value.(string)
	switch {
	case key == "@timestamp":
	case key == "@level" && isText:
		e.level = hclog.LevelFromString(text)
	case key == "@message" && isText:
		e.message = clean(text)
	case key == stackKey && isText:
		e.pairs = append(e.pairs, key, cleanStack(text))
	case isText:
		e.pairs = append(e.pairs, clean(key), clean(text))
	default:
		e.pairs = append(e.pairs, clean(key), flat(value))
	}
}

// flat turns objects and lists into text and leaves numbers, booleans and null.
func flat(value any) any {
	switch value.(type) {
	case map[string]any, []any:
		b, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return clean(string(bytes.TrimSpace(b)))
	}
	return value
}

// plainEntry guesses the level of a line that is not JSON by its prefix.
func plainEntry(text string) entry {
	for prefix, level := range map[string]hclog.Level{
		"[DEBUG]": hclog.Debug, "[INFO]": hclog.Info, "[WARN]": hclog.Warn, "[ERROR]": hclog.Error,
	} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return entry{level: level, message: strings.TrimSpace(rest)}
		}
	}
	if strings.HasPrefix(text, "[TRACE]") {
		return entry{level: hclog.Trace, message: strings.TrimSpace(text[len("[TRACE]"):])}
	}
	return entry{level: hclog.Debug, message: text}
}

// lineWriter logs what is written to it as lines, at Debug: what a backend
// prints after Serve has taken its standard output.
type lineWriter struct {
	lines  *loglines
	stream string
	buf    []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	for {
		i := bytes.IndexByte(w.buf, '\n')
		if i < 0 && len(w.buf) < maxLine {
			return len(p), nil
		}
		if i < 0 {
			i = len(w.buf) - 1
		}
		if text := clean(w.lines.secrets.scrub(string(w.buf[:i+1]))); strings.TrimSpace(text) != "" {
			w.lines.log.Debug(text, "stream", w.stream)
		}
		w.buf = append(w.buf[:0], w.buf[i+1:]...)
	}
}

// traceLogger demotes everything that go-plugin itself says to Trace: it reports
// ordinary ends as errors, and what matters is in the errors we return.
type traceLogger struct{ hclog.Logger }

func (q traceLogger) Log(_ hclog.Level, msg string, args ...any) { q.Logger.Trace(msg, args...) }
func (q traceLogger) Debug(msg string, args ...any)              { q.Logger.Trace(msg, args...) }
func (q traceLogger) Info(msg string, args ...any)               { q.Logger.Trace(msg, args...) }
func (q traceLogger) Warn(msg string, args ...any)               { q.Logger.Trace(msg, args...) }
func (q traceLogger) Error(msg string, args ...any)              { q.Logger.Trace(msg, args...) }

// With keeps what it returns traceLogger.
func (q traceLogger) With(args ...any) hclog.Logger { return traceLogger{q.Logger.With(args...)} }

// Named keeps what it returns traceLogger.
func (q traceLogger) Named(name string) hclog.Logger { return traceLogger{q.Logger.Named(name)} }

// ResetNamed keeps what it returns traceLogger.
func (q traceLogger) ResetNamed(name string) hclog.Logger {
	return traceLogger{q.Logger.ResetNamed(name)}
}
