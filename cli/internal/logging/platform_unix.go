//go:build !windows

package logging

const colours = true
