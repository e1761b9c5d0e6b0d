//go:build unix

package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// writable asks the system instead of opening the file: closing a file ends all
// locks that SQLite has on it in this process.
func writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

func isReadOnlyFS(err error) bool { return errors.Is(err, unix.EROFS) }
