// Package app runs one command line: it takes the arguments apart, reads the
// configuration, sets up the log, and hands a command what it needs.
package app
