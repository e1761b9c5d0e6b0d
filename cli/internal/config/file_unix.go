//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// openFlags keeps open from waiting for the other end of a named pipe.
const openFlags = syscall.O_NONBLOCK

// foreign reports whether info's file belongs to another user than the one
// this process acts for.
func foreign(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) != os.Geteuid()
}

// readableByOthers reports whether anybody but the owner has rights to info's
// file.
func readableByOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
