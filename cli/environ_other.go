//go:build !windows

package main

import "os"

// environ is [os.Environ].
func environ() []string { return os.Environ() }
