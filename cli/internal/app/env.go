package app

import (
	"io"
	"strings"

	"github.com/codex-archive/codex/cli/internal/output"
)

// Env is the outside world as one run sees it.
type Env struct {
	Stdin  io.Reader
	Stdout *output.Stdout
	Stderr io.Writer
	Vars   []string // as [os.Environ]
	Dir    string   // the current directory, "" if it was removed
	Host   string   // name of this machine, "" where it has none
}

// Lookup is [os.LookupEnv] for the environment of this run.
func (e *Env) Lookup(name string) (string, bool) {
	for i := len(e.Vars) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(e.Vars[i], name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// Get returns the value of a variable, "" if it is not set.
func (e *Env) Get(name string) string {
	value, _ := e.Lookup(name)
	return value
}
