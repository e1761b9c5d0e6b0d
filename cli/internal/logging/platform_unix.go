//go:build unix

package logging

import "syscall"

// openFlags keeps open from waiting for the other end of a named pipe.
const openFlags = syscall.O_NONBLOCK

const colours = true
