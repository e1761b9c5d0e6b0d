//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// withoutRights makes cmd run as an unprivileged user if this process is root.
func withoutRights(cmd *exec.Cmd) {
	const nobody = 65534
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}
