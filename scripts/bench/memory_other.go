//go:build !linux

package main

import "os/exec"

// watch needs /proc.
func watch(*exec.Cmd) memory { return memory{} }
