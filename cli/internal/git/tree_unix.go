//go:build unix

package git

import (
	"os"
	"strconv"
	"syscall"
)

const (
	openFlags = syscall.O_NONBLOCK // open does not wait for the other end of a named pipe
	noFollow  = syscall.O_NOFOLLOW
)

// ownedByUser reports whether path belongs to the user, or to the one who
// became root by sudo.
func ownedByUser(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	uid := int(stat.Uid)
	if uid == os.Geteuid() {
		return true
	}
	sudo, err := strconv.Atoi(os.Getenv("SUDO_UID"))
	return err == nil && os.Geteuid() == 0 && uid == sudo
}
