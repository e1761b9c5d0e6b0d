//go:build unix

package plugin

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// tlsOnly says that the system has no Unix sockets worth using, so that
// connections are TCP with go-plugin's AutoMTLS.
const tlsOnly = false

// ownGroup makes the process leader of a session and so of a group of its own, so
// that Ctrl-C at the terminal reaches the host only, and so that all of it can be
// killed. A session of its own has no terminal: /dev/tty, which the process could
// write over what the host shows, or read and be stopped, does not open.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// killGroup kills the process and whatever it started in its group.
func killGroup(p *os.Process) error { return unix.Kill(-p.Pid, unix.SIGKILL) }

func processGroup(pid int) (int, error) { return unix.Getpgid(pid) }

// ownedByUs reports whether a file is ours.
func ownedByUs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
