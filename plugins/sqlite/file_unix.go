//go:build unix

package main

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// writable asks the system instead of opening the file: closing a file ends all
// locks that SQLite has on it in this process.
func writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }

// names returns how many names a file has.
func names(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}
