//go:build unix

package docs_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// withoutDelve starts the program that Delve would start, with the same flags.
const withoutDelve = `#!/bin/sh
while [ "$1" != -- ]; do
	program=$1
	shift
done
shift
exec "$program" "$@"
`

// TestDebugABackend follows the recipe for debugging a backend: its first command in
// one terminal, the others in another. Where Delve is not installed, the program runs
// without it.
func TestDebugABackend(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it builds a program")
	}
	t.Parallel()
	work, env := t.TempDir(), vendorEnv(t)
	buildMystore(t, work, env)
	// Paths of sockets are short, and those of tests are not: it runs in another directory.
	dir, err := os.MkdirTemp("", "cx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Rename(filepath.Join(work, "mystore", "codex-archive-mystore"), filepath.Join(dir, "codex-archive-mystore")); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("dlv"); err != nil {
		if err := os.WriteFile(filepath.Join(dir, "dlv"), []byte(withoutDelve), 0o755); err != nil {
			t.Fatal(err)
		}
		env = append(env, "PATH="+dir+string(os.PathListSeparator)+pathOf(env))
	}
	commands := indented(t, "writing-a-backend.md", "## Debug it\n")
	if len(commands) != 5 || !strings.HasPrefix(commands[0], "dlv exec ") || !strings.HasPrefix(commands[4], "codex plugin test ") {
		t.Fatalf("the recipe is %q", commands)
	}
	terminal := exec.Command("sh", "-c", "exec "+commands[0])
	terminal.Dir, terminal.Env = dir, env
	terminal.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	says, err := terminal.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := terminal.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-terminal.Process.Pid, syscall.SIGKILL) }) // it may have ended
	in := bufio.NewScanner(says)
	for in.Scan() && !strings.Contains(in.Text(), "--attach unix:mystore.sock") {
	}
	if in.Err() != nil || in.Text() == "" {
		t.Fatalf("it ended without an address: %v", in.Err())
	}
	go func() { // ends with the program
		for in.Scan() {
		}
	}()
	shell(t, dir, env, strings.Join(commands[1:], "\n")+"\n")
	if err := syscall.Kill(-terminal.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = terminal.Wait() // Delve reports the signal as an error
}
