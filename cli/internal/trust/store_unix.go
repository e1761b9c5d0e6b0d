//go:build unix

package trust

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// checkOwner refuses a store that another user could have written.
func checkOwner(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(stat.Uid) != os.Geteuid() {
		return errors.New("another user owns it")
	}
	if info.Mode().Perm()&0o022 != 0 {
		return errors.New("other users can write it")
	}
	return nil
}
