package plugin

import (
	"os"
	"os/exec"
	"syscall"
)

// tlsOnly says that the system has no Unix sockets worth using, so that
// connections are TCP with go-plugin's AutoMTLS. Tried under Wine.
const tlsOnly = true

// ownGroup keeps Ctrl-C at the console from the process.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup kills the process alone; what it started ends with its lifeline. A
// job object would do better.
func killGroup(p *os.Process) error { return p.Kill() }

func processGroup(pid int) (int, error) { return pid, nil }

func ownedByUs(os.FileInfo) bool { return true }
