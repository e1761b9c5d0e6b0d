// Command codex archives retired files in a database and brings them back.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version and commit are set by the Makefile.
var (
	version = "unknown"
	commit  = "unknown"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	dir, _ := os.Getwd() // "" where it is gone
	p := &program{stdin: os.Stdin, stdout: &outlet{File: os.Stdout}, stderr: os.Stderr, environ: os.Environ(), dir: dir}
	os.Exit(p.run(ctx, os.Args[1:]))
}
