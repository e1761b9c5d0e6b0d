package plugin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/codex-archive/codex/sdk"
)

// lease has every opening of a file hang, that of a program by the kernel too, as
// a file system that does not answer does. met waits until one hangs. The kernel
// breaks a lease after 45 seconds.
func lease(t *testing.T, path string) (met, end func()) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EAGAIN) { // else it is still open after the lease before
			t.Skipf("a file system with leases: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
	met = func() {
		for {
			held, err := unix.FcntlInt(f.Fd(), unix.F_GETLEASE, 0)
			if err != nil {
				t.Error(err)
			}
			if held != unix.F_WRLCK {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	end = func() {
		if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
			t.Error(err)
		}
		f.Close() // not enough: a process that is being made has it open, too
	}
	return met, end
}

// TestLaunchHangs: a program, or its interpreter, on a file system that does not
// answer costs a launch its time and no more. The launch hung, and all of its
// host with it.
func TestLaunchHangs(t *testing.T) {
	program := script(t, "#!/bin/sh\nsleep 1000\n")
	interpreter := script(t, "#!/bin/sh\nsleep 1000\n")
	interpreted := script(t, "#!"+interpreter+"\n")
	for _, test := range []struct {
		name        string
		path, stuck string
		sum         *sdk.Digest
	}{
		{"program", program, program, nil},
		{"program with a sum", program, program, sumOf(t, program)},
		{"interpreter", interpreted, interpreter, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Command{Path: test.path, SocketDir: shortDir(t), SHA256: test.sum, StartTimeout: 100 * time.Millisecond}
			_, end := lease(t, test.stuck)
			refused(t, c, "no answer within 100ms, and it could not even be started")
			end()

			met, end := lease(t, test.stuck)
			defer end()
			c.StartTimeout = time.Hour
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				met()
				cancel()
			}()
			if _, err := Launch(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("FIFO", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "codex-archive-fifo")
		if err := unix.Mkfifo(path, 0o700); err != nil {
			t.Fatal(err)
		}
		refused(t, Command{Path: path, SocketDir: shortDir(t), SHA256: &sdk.Digest{}}, "not a regular file")
	})
}

// TestKillDuringStart kills a program while the kernel makes its process. kill hung
// until that was done, and the program then ran.
func TestKillDuringStart(t *testing.T) {
	// Until the process is there its thread cannot be stopped, so no garbage is
	// collected, and other goroutines have other threads.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	path := script(t, "#!/bin/sh\nsleep 1000\n")
	c := &Command{Path: path, Logger: hclog.NewNullLogger()}
	p := newChild(c, &loglines{log: c.Logger, secrets: &secrets{}}, func() {})
	met, end := lease(t, path)
	started := make(chan error, 1)
	go func() { started <- p.Start(t.Context()) }()
	met()
	killed := make(chan struct{})
	go func() {
		p.kill()
		close(killed)
	}()
	select {
	case <-killed:
	case <-started:
		t.Error("kill waited for the start")
	}
	end()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if p.ending() != "signal: killed" || !p.killed {
		t.Errorf("it ended with %s", p.ending())
	}
}
