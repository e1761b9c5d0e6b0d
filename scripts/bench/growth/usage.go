package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// usage is what a process has used so far. All of it is zero where the system
// has no /proc.
type usage struct {
	cpu     time.Duration
	written int64 // bytes handed to files
}

func (u usage) minus(before usage) usage {
	return usage{u.cpu - before.cpu, u.written - before.written}
}

// ticks of /proc/PID/stat in a second, on every Linux that Go runs on.
const ticks = 100

func usageOf(pid int) (u usage) {
	var user, system int64
	if _, rest, ok := strings.Cut(proc(pid, "stat"), ") "); ok {
		if fields := strings.Fields(rest); len(fields) > 12 {
			_, _ = fmt.Sscan(fields[11], &user)   // 0 says that it is not known
			_, _ = fmt.Sscan(fields[12], &system) // the same
		}
	}
	u.cpu = time.Duration(user+system) * time.Second / ticks
	u.written = number(proc(pid, "io"), "wchar:")
	return u
}

// peak is VmHWM of a process, in KiB.
func peak(pid int) int64 { return number(proc(pid, "status"), "VmHWM:") }

func proc(pid int, file string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return ""
	}
	return string(text)
}

// number is the one that follows a name.
func number(text, name string) (n int64) {
	if _, rest, ok := strings.Cut(text, name); ok {
		_, _ = fmt.Sscan(rest, &n) // 0 says that it is not known
	}
	return n
}
