package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// watch reads the peaks of a program and of its children until it has ended. It
// does not wait for it.
func watch(cmd *exec.Cmd) (m memory) {
	pid := cmd.Process.Pid
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil || strings.Contains(string(status), "State:\tZ") {
			return m
		}
		m = m.max(memory{host: peak(string(status))})
		for _, child := range children(pid) {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%s/status", child))
			if err == nil { // else it has ended
				m = m.max(memory{child: peak(string(status))})
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// peak is VmHWM, in KiB.
func peak(status string) (kib int64) {
	if _, rest, ok := strings.Cut(status, "VmHWM:"); ok {
		_, _ = fmt.Sscan(rest, &kib) // 0 says that it is not known
	}
	return kib
}

// children of all threads of a process.
func children(pid int) (pids []string) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list) // "" of a thread that has ended
		pids = append(pids, strings.Fields(string(text))...)
	}
	return pids
}
