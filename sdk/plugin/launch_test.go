//go:build unix

package plugin

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/memory"
)

// script writes an executable file and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "codex-archive-wrong")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWrongPrograms starts what is no backend. Each error is a line that names
// the program and what to do, and nothing stays behind.
func TestWrongPrograms(t *testing.T) {
	stranger := filepath.Join(shortDir(t), "s")
	listenAs(t, stranger)
	tests := []struct {
		name string
		path string
		args []string
		says string
	}{
		{"exits", script(t, "#!/bin/sh\necho 'no config found' >&2\nexit 3\n"), nil, "it ended at once (exit status 3): no config found"},
		{"exits silently", script(t, "#!/bin/sh\nexit 0\n"), nil, "it ended at once (exit status 0); run it by hand"},
		{"killed", script(t, "#!/bin/sh\nkill -9 $$\n"), nil, "signal: killed"},
		{"prints first", script(t, "#!/bin/sh\necho hello; sleep 1000\n"), nil, `it printed "hello" where a backend greets its host`},
		{"prints colours", script(t, "#!/bin/sh\nprintf '\\033[31mred\\n'; sleep 1000\n"), nil, `"[31mred"`},
		{"prints no end", script(t, "#!/bin/sh\nyes | tr -d '\\n'\n"), nil, "where a backend greets"},
		{"newer", script(t, "#!/bin/sh\necho '1|2|unix|/nowhere|grpc|'; sleep 1000\n"), nil, "this plugin speaks protocol 2, this host 1; use a newer codex"},
		{"older", script(t, "#!/bin/sh\necho '1|0|unix|/nowhere|grpc|'; sleep 1000\n"), nil, "this plugin speaks protocol 0, this host 1; use a newer build of the plugin"},
		{"below all versions", script(t, "#!/bin/sh\necho '1|-1|unix|/nowhere|grpc|'; sleep 1000\n"), nil, "this plugin speaks protocol -1, this host 1; use a newer build of the plugin"},
		{"above all versions", script(t, "#!/bin/sh\necho '1|99|unix|/nowhere|grpc|'; sleep 1000\n"), nil, "this plugin speaks protocol 99, this host 1; use a newer codex"},
		{"no version", script(t, "#!/bin/sh\necho '1|99999999999999999999|unix|/nowhere|grpc|'; sleep 1000\n"), nil, "as its protocol, which is not a number"},
		{"serves all machines", script(t, "#!/bin/sh\necho '1|1|tcp|0.0.0.0:80|grpc|'; sleep 1000\n"), nil, `it serves on "0.0.0.0:80", which other machines may serve or reach`},
		{"names another machine", script(t, "#!/bin/sh\necho '1|1|tcp|192.0.2.1:80|grpc|'; sleep 1000\n"), nil, "a loopback address"},
		{"names a host", script(t, "#!/bin/sh\necho '1|1|tcp|localhost:80|grpc|'; sleep 1000\n"), nil, "a loopback address"},
		{"greets in pieces, and never ends", script(t, "#!/bin/sh\nprintf '1|1|'; printf 'unix|'; exec >&-; sleep 1000\n"), nil, `it printed "1|1|unix|"`},
		{"net/rpc", script(t, "#!/bin/sh\necho '1|1|unix|/nowhere|netrpc|'; sleep 1000\n"), nil, `it serves "netrpc"`},
		{"unexpected certificate", script(t, "#!/bin/sh\necho '1|1|unix|/nowhere|grpc|"+strings.Repeat("A", 99)+"'; sleep 1000\n"), nil, "no connection to it"},
		{"serves nothing", script(t, "#!/bin/sh\necho '1|1|unix|/nowhere|grpc|'; sleep 1000\n"), nil, "no connection to it"},
		{"closes stdout", script(t, "#!/bin/sh\nexec >&-; sleep 1000\n"), nil, "closed its standard output"},
		{"names a stranger's socket", script(t, "#!/bin/sh\necho '1|1|unix|"+stranger+"|grpc|'; sleep 1000\n"), nil, "not of the program's process group"},
		{"no interpreter", script(t, "#!/no/such/interpreter\n"), nil, "the interpreter named in its first line is not"},
		{"not a program", script(t, "\x7fELF\x02\x01\x01 of another world"), nil, "install the build for this machine"},
		{"missing", filepath.Join(t.TempDir(), "gone"), nil, "it is not there"},
		{"a backend by hand", as(t, "memory").Path, []string{"--version"}, "it ended at once"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Command{Path: test.path, Args: test.args, SocketDir: shortDir(t), Env: []string{"PATH=" + os.Getenv("PATH")}}
			if test.args != nil {
				c.Env = append(c.Env, roleVar+"=no such role")
			}
			refused(t, c, test.says)
		})
	}
	t.Run("not executable", func(t *testing.T) {
		path := script(t, "#!/bin/sh\n")
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, Command{Path: path, SocketDir: shortDir(t)}, "chmod +x")
	})
	t.Run("never answers", func(t *testing.T) {
		c := Command{Path: script(t, "#!/bin/sh\nsleep 1000\n"), SocketDir: shortDir(t), StartTimeout: 50 * time.Millisecond, Env: []string{"PATH=" + os.Getenv("PATH")}}
		refused(t, c, "no answer within 50ms")
	})
	t.Run("accepts and is mute", func(t *testing.T) {
		c := as(t, "mute")
		c.StartTimeout = 500 * time.Millisecond
		refused(t, c, "no answer within 500ms")
	})
}

// refused launches c and expects NotStarted.
func refused(t *testing.T, c Command, says string) {
	t.Helper()
	_, err := Launch(t.Context(), c)
	if sdk.KindOf(err) != sdk.NotStarted {
		t.Errorf("kind %v", sdk.KindOf(err))
	}
	oneLine(t, err, c.Path, says)
	if left := sockets(t, c.SocketDir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestNoTerminal: a program has a session of its own and so no terminal, over which
// it could write.
func TestNoTerminal(t *testing.T) {
	p, _ := start(t, as(t, "memory"))
	if session, err := unix.Getsid(p.Pid()); err != nil || session != p.Pid() {
		t.Errorf("process %d is in session %d, %v", p.Pid(), session, err)
	}
}

// listenAs serves the reference backend from this very process, whose process
// group no launched program has.
func listenAs(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- ServeListener(ctx, memory.Driver(), l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestCancelDuringLaunch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	marker := filepath.Join(t.TempDir(), "started")
	c := Command{Path: script(t, "#!/bin/sh\n: > "+marker+"\nsleep 1000\n"), SocketDir: shortDir(t), Env: []string{"PATH=" + os.Getenv("PATH")}}
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(marker); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := Launch(ctx, c)
	cancel()
	if sdk.KindOf(err) != sdk.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	oneLine(t, err, c.Path)
	if left := sockets(t, c.SocketDir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestLongSocketDir is about the 108 bytes that a socket's path may have.
func TestLongSocketDir(t *testing.T) {
	c := as(t, "memory")
	c.SocketDir = filepath.Join(c.SocketDir, strings.Repeat("long", 20))
	if err := os.Mkdir(c.SocketDir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Launch(t.Context(), c)
	oneLine(t, err, "too long for a socket's path", "TMPDIR")

	// Where none is given, a long TMPDIR is passed over.
	t.Setenv("TMPDIR", c.SocketDir)
	t.Setenv("XDG_RUNTIME_DIR", "")
	c.SocketDir = ""
	p, err := Launch(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}

// TestForeignSocketDir refuses a directory that others could change.
func TestForeignSocketDir(t *testing.T) {
	base := shortDir(t)
	parent, err := ownParent(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(parent, 0o770); err != nil {
		t.Fatal(err)
	}
	if _, err := newSocketDir(base); err == nil || !strings.Contains(err.Error(), "not a private directory") {
		t.Errorf("group-writable: %v", err)
	}
	os.Remove(parent)
	if err := os.Symlink(t.TempDir(), parent); err != nil {
		t.Fatal(err)
	}
	if _, err := newSocketDir(base); err == nil || !strings.Contains(err.Error(), "not a private directory") {
		t.Errorf("a link: %v", err)
	}
}
