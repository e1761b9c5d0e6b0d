package plugin

import (
	"strings"

	"github.com/hashicorp/go-hclog"
)

// stackKey is the pair of a log line that holds the stack of a panic: the one
// text of a backend whose newlines reach the host's log.
const stackKey = "stack"

// maxStack bounds a stack, in bytes.
const maxStack = 32 << 10

// dump is what a Go program prints while it dies of a panic: from the panic to
// the end of its standard error. It becomes one line of log.
type dump struct {
	message string // the first line; "" while there is none
	stack   strings.Builder
}

// beginsPanic reports whether a line begins a dump.
func beginsPanic(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

// take takes in a line, and reports whether it belongs to a dump.
func (d *dump) take(line string) bool {
	switch {
	case d.message == "" && beginsPanic(line):
		d.message = line
		return true
	case d.message == "" || d.stack.Len()+len(line) >= maxStack:
		return false
	}
	d.stack.WriteString(line + "\n")
	return true
}

// log logs the dump, once, if there is one.
func (d *dump) log(log hclog.Logger) {
	if d.message == "" {
		return
	}
	if stack := strings.TrimSpace(d.stack.String()); stack != "" {
		log.Error(d.message, stackKey, stack)
	} else {
		log.Error(d.message)
	}
	*d = dump{}
}

// cleanStack is clean for a text of several lines.
func cleanStack(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}
