package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// meter runs the programs of a step and adds up what they take.
type meter struct {
	dir     string // where they run
	watched bool   // memory is measured, which costs time
	took    time.Duration
	memory  memory
}

// memory is the peak of resident memory, in KiB: of a program, and of what it
// started, a backend above all. 0: not known.
type memory struct{ host, child int64 }

func (m memory) max(o memory) memory { return memory{max(m.host, o.host), max(m.child, o.child)} }

// run runs a program with more in its environment, and returns what it prints.
func (m *meter) run(env []string, program string, args ...string) (string, error) {
	return m.runIn(m.dir, env, program, args...)
}

func (m *meter) runIn(dir string, env []string, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Start()
	if err != nil {
		return "", err
	}
	if m.watched {
		m.memory = m.memory.max(watch(cmd))
	}
	err = cmd.Wait()
	m.took += time.Since(start)
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}
