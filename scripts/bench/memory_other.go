//go:build !linux

package main

import "fmt"

// large needs /proc.
func (b *bench) large() error {
	fmt.Println("memory is measured on Linux only")
	return nil
}

// watch runs codex.
func (b *bench) watch(args ...string) (string, used, error) {
	took, out, err := b.output(b.codex, args...)
	return out, used{took, "memory is measured on Linux only"}, err
}
