//go:build unix

package pluginhost

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// trust reports why a program or its directory may not be trusted: a user who
// can write it can run code as us. A group that can write it is worth a warning
// only, because many systems give each user a group of their own.
func trust(path string) (warn string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if err := owned(path, info); err != nil {
		return "", err
	}
	switch mode := info.Mode(); {
	case mode&0o002 != 0:
		return "", fmt.Errorf("%s can be written by everybody: chmod o-w it", path)
	case mode&0o020 != 0:
		return fmt.Sprintf("%s can be written by its group", path), nil
	}
	return "", nil
}

// owned reports a file that belongs neither to this user nor to root.
func owned(path string, info fs.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (uid %d): it must belong to you or to root", path, stat.Uid)
	}
	return nil
}
