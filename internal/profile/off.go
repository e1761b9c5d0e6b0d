//go:build !profile

// Package profile writes profiles of a program that was built with the tag
// "profile": see make profile. Without the tag nothing of it is in the program: a
// variable that makes a shipped program write files would be one more way in, and
// runtime/pprof one more thing to start.
package profile

// Start does nothing.
func Start() (stop func()) { return func() {} }
