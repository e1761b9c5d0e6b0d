package backendtest

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/sdk/plugin"
)

// ProgramEnd is a process of the backend as a rule that failed has seen it.
type ProgramEnd struct {
	Pid   int      `json:"pid,omitempty"`   // 0: it did not start
	Ended string   `json:"ended,omitempty"` // "exit status 2", "signal: killed by the host"; "": it was running
	Log   []string `json:"log,omitempty"`   // the last lines that it said; a panic is one, with its stack
}

const (
	// mostPrograms is how many processes the result of a rule shows.
	mostPrograms = 4
	// mostLog is how many lines of one process it shows.
	mostLog = 60
	// mostValue is how many lines of a value in one of them, such as a stack.
	mostValue = 60
)

// programs are the processes that a rule has started.
type programs struct {
	mu  sync.Mutex
	all []*program
}

// program is one of them.
type program struct {
	mu      sync.Mutex
	process *plugin.Process // nil: it has not started
	log     []string
}

var _ hclog.SinkAdapter = (*program)(nil)

// begin returns the next program, and the logger that it is started with: one
// that also passes on what it is told.
func (p *programs) begin(given hclog.Logger) (*program, hclog.Logger) {
	one := &program{}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, one)
	level := hclog.Info
	if given != nil && given.GetLevel() != hclog.NoLevel {
		level = given.GetLevel()
	}
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: level, Output: io.Discard})
	log.RegisterSink(one)
	if given != nil {
		log.RegisterSink(passing{given})
	}
	return one, log
}

// kill ends all of them.
func (p *programs) kill() {
	for _, one := range p.list() {
		if process := one.started(); process != nil {
			process.Kill()
		}
	}
}

func (p *programs) list() []*program {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all
}

func (p *program) started() *plugin.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process
}

func (p *program) is(process *plugin.Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process = process
}

// Accept implements [hclog.SinkAdapter]. What go-plugin says comes as trace.
func (p *program) Accept(_ string, level hclog.Level, message string, pairs ...any) {
	if level == hclog.Trace {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.log) == mostLog {
		p.log = p.log[1:]
	}
	p.log = append(p.log, visible(logLine(level, message, pairs)))
}

// logLine is a line of log as text. A value of several lines follows it.
func logLine(level hclog.Level, message string, pairs []any) string {
	var line, below strings.Builder
	fmt.Fprintf(&line, "%-5s %s", level, message)
	for i := 0; i+1 < len(pairs); i += 2 {
		key, value := fmt.Sprint(pairs[i]), strings.TrimSpace(fmt.Sprint(pairs[i+1]))
		if lines := strings.Split(value, "\n"); len(lines) > 1 {
			value = strings.Join(lines[:min(len(lines), mostValue)], "\n")
			fmt.Fprintf(&below, "\n  %s:\n    %s", key, strings.ReplaceAll(value, "\n", "\n    "))
			continue
		}
		fmt.Fprintf(&line, " %s=%s", key, value)
	}
	return line.String() + below.String()
}

// passing passes lines on to another logger.
type passing struct{ to hclog.Logger }

// Accept implements [hclog.SinkAdapter].
func (p passing) Accept(_ string, level hclog.Level, message string, pairs ...any) {
	p.to.Log(level, message, pairs...)
}

// ends returns the last of the processes that ended otherwise than by themselves
// with code 0, or said anything. It waits a while for those that are ending.
func (p *programs) ends() (ends []ProgramEnd) {
	patience := time.NewTimer(leaveTime)
	defer patience.Stop()
	for _, one := range p.list() {
		end := ProgramEnd{}
		if process := one.started(); process != nil {
			select {
			case <-process.Exited():
			case <-patience.C:
				patience.Reset(0) // for the others, too
			}
			end.Pid, end.Ended = process.Pid(), process.Ending()
		}
		one.mu.Lock()
		end.Log = one.log
		one.mu.Unlock()
		if len(end.Log) > 0 || end.Pid == 0 || end.Ended != "exit status 0" {
			ends = append(ends, end)
		}
	}
	return ends[max(0, len(ends)-mostPrograms):]
}

// text is the process in words.
func (e *ProgramEnd) text() string {
	who, how := fmt.Sprintf("process %d", e.Pid), e.Ended
	if e.Pid == 0 {
		who = "the program"
		how = "did not start"
	} else if how == "" {
		how = "was running"
	}
	said := ""
	if len(e.Log) > 0 {
		said = "; it said:\n  " + strings.ReplaceAll(strings.Join(e.Log, "\n"), "\n", "\n  ")
	}
	return who + ": " + how + said
}

// visible returns text with characters that a terminal acts on written out. Lines
// and tabs stay.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether r is a control character, or one that changes the
// direction of text.
func hidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
}
