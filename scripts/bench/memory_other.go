//go:build !linux

package main

import "fmt"

// large needs /proc.
func (b *bench) large() error {
	fmt.Println("memory is measured on Linux only")
	return nil
}
