//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/output"
	reference "github.com/codex-archive/codex/sdk/memory"
)

// attached is a project without a program of its backend, which serves an address
// until the test ends.
type attached struct {
	*project
	address string
	backend *exec.Cmd
}

// attach starts the slow backend as a debugger would.
func attach(t *testing.T, options, listen string, change ...func(*exec.Cmd)) *attached {
	t.Helper()
	p := newProject(t)
	p.env = append(p.env, "CODEX_ARCHIVE_BACKEND=slow", "CODEX_ARCHIVE_URL=slow://me:caNAry@9?"+options)
	p.manifest(9)
	if listen == "" {
		listen = "unix:" + filepath.Join(p.runtime, "s")
	}
	a := &attached{project: p, backend: exec.Command(filepath.Join(programs, "vendor", "codex-archive-slow"), "--listen", listen)}
	for _, f := range change {
		f(a.backend)
	}
	said, err := a.backend.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.backend.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.backend.Process.Kill()
		a.backend.Wait()
	})
	in := bufio.NewReader(said)
	for a.address == "" {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("the backend said %q, %v", line, err)
		}
		if _, address, ok := strings.Cut(strings.TrimSpace(line), "--attach "); ok {
			a.address = address
		}
	}
	go io.Copy(io.Discard, in)
	return a
}

// on runs an archive command on the attached backend.
func (a *attached) on(args ...string) result {
	a.t.Helper()
	return a.run(append([]string{"archive", "--attach", a.address}, args...)...)
}

// mustServe fails unless the backend runs and serves.
func (a *attached) mustServe() {
	a.t.Helper()
	if r := a.on("list", "--limit", "1"); r.code != 0 || !strings.Contains(r.stdout, "00000000-0000-4000-8000-000000000009") {
		a.t.Errorf("list: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// TestAttach runs commands, one after the other, on a backend that no directory
// has, at the address that it printed.
func TestAttach(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"", "tcp:127.0.0.1:0"} {
		a := attach(t, "", listen)
		a.mustServe()
		for _, command := range [][]string{
			{"health-check"},
			{"restore", firstItem, "out.txt"},
			{"batch-restore", "m.json", "--results", "r.json"},
			{"show", firstItem},
			{"verify"},
			{"hold", firstItem, "--case", "c"},
		} {
			r := a.on(command...)
			if r.code != 0 || strings.Contains(r.stderr, "Attached over TCP") != strings.HasPrefix(a.address, "tcp:") {
				t.Errorf("%q: exit code %d\n%s%s", command, r.code, r.stdout, r.stderr)
			}
		}
		if string(a.read("out.txt")) != "1\n" || a.restored() != 9 {
			t.Errorf("%q, %d files", a.read("out.txt"), a.restored())
		}
		a.backend.Process.Signal(syscall.SIGTERM)
		if err := a.backend.Wait(); err != nil {
			t.Errorf("the backend ended with %v", err)
		}
		if r := a.on("list"); r.code != output.ExitBackend {
			t.Errorf("without a backend: exit code %d\n%s", r.code, r.stderr)
		}
	}
}

// TestAttachRefused: what must not be attached to gets no URL and no password.
func TestAttachRefused(t *testing.T) {
	t.Parallel()
	a := attach(t, "", "")
	for name, c := range map[string]struct {
		flags []string
		says  string
	}{
		"another name":      {[]string{"--attach", a.address, "--backend", "sqlite", "--url", "sqlite:///x.db"}, `calls itself "slow", backend.type is "sqlite"`},
		"another machine":   {[]string{"--attach", "tcp:192.0.2.1:80"}, "allowed unix:PATH, or tcp:127.0.0.1:PORT"},
		"every interface":   {[]string{"--attach", "tcp:0.0.0.0:80"}, "allowed unix:PATH"},
		"a name":            {[]string{"--attach", "tcp:db.example.com:80"}, "allowed unix:PATH"},
		"no port":           {[]string{"--attach", "tcp:127.0.0.1:0"}, "allowed unix:PATH"},
		"nothing":           {[]string{"--attach", ""}, `found "", allowed unix:PATH`},
		"another transport": {[]string{"--attach", "http://127.0.0.1:80"}, "allowed unix:PATH"},
		"a setting":         {[]string{"--set", "plugins.attach=" + a.address}, "plugins.attach"},
	} {
		r := a.run(append([]string{"archive", "list"}, c.flags...)...)
		if r.code != output.ExitUsage || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: exit code %d\n%s", name, r.code, r.stderr)
		}
	}
	if r := a.run("archive", "list", "--attach", "unix:"+filepath.Join(a.dir, "none")); r.code != output.ExitBackend {
		t.Errorf("no socket: exit code %d\n%s", r.code, r.stderr)
	}
	a.env = append(a.env, "CODEX_ARCHIVE_ATTACH="+a.address)
	if r := a.run("archive", "list"); r.code != output.ExitUsage || !strings.Contains(r.stderr, "no program codex-archive-slow") {
		t.Errorf("by a variable: exit code %d\n%s", r.code, r.stderr)
	}
	a.mustServe()
	for _, lock := range []string{"", "nonsense"} {
		a.write(".codex/plugins.lock", []byte(lock))
		if r := a.on("list"); r.code != output.ExitUsage || !strings.Contains(r.stderr, "plugins.lock") {
			t.Errorf("with the lock %q: exit code %d\n%s", lock, r.code, r.stderr)
		}
	}
}

// TestAttachTwoArchives: of the two archives of a command, both use the attached
// backend where both have its type. The program of another is started.
func TestAttachTwoArchives(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.write("f.txt", []byte("1\n"))
	p.write("to.toml", []byte("[backend]\ntype = \"memory\"\nurl = \"memory://b\"\n"))
	p.write("file.toml", []byte("[backend]\nurl = \"sqlite:///./b.sqlite\"\n"))
	address := "unix:" + serveDriver(t, reference.Driver())
	on := func(url string, args ...string) result {
		return p.run(append([]string{"archive", "--attach", address, "--backend", "memory", "--url", url}, args...)...)
	}
	if r := on("memory://a", "store", "repo", "f.txt", "--reason", "dead"); r.code != 0 {
		t.Fatal(r.stderr)
	}
	for _, config := range []string{"to.toml", "file.toml"} {
		if r := on("memory://a", "copy", "--to-config", config); r.code != 0 {
			t.Errorf("copy to %s: exit code %d\n%s", config, r.code, r.stderr)
		}
	}
	if r := on("memory://b", "list"); !strings.Contains(r.stdout, "f.txt") {
		t.Errorf("the attached backend has no copy: %s%s", r.stdout, r.stderr)
	}
	if r := p.run("archive", "--config", "file.toml", "list"); !strings.Contains(r.stdout, "f.txt") {
		t.Errorf("the other backend has no copy: %s%s", r.stdout, r.stderr)
	}
	r := p.run("archive", "--attach", address, "--config", "file.toml", "copy", "--to-config", "to.toml")
	if r.code != output.ExitUsage || !strings.Contains(r.stderr, "--attach is for the backend of the first archive") {
		t.Errorf("to the attached backend alone: exit code %d\n%s", r.code, r.stderr)
	}
}

// TestAttachOtherUser: a command does not connect to a socket of another user, nor
// to a program of another user behind a socket of its own.
func TestAttachOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("starting a program as another user needs root")
	}
	t.Parallel()
	dir, err := os.MkdirTemp("", "cx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	copyFile(t, filepath.Join(programs, "vendor", "codex-archive-slow"), program)
	a := attach(t, "", "unix:"+filepath.Join(dir, "s"), func(c *exec.Cmd) {
		c.Path = program
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	if r := a.on("list"); r.code != output.ExitUsage || !strings.Contains(r.stderr, "belongs to another user") {
		t.Errorf("a socket of another user: exit code %d\n%s", r.code, r.stderr)
	}
	if err := os.Chown(filepath.Join(dir, "s"), 0, 0); err != nil {
		t.Fatal(err)
	}
	if r := a.on("list"); r.code != output.ExitBackend || !strings.Contains(r.stderr, "belongs to user 65534") {
		t.Errorf("a process of another user: exit code %d\n%s", r.code, r.stderr)
	}
}

// TestAttachedIsNotKilled: a command whose backend hangs, as it does at a
// breakpoint, ends by --timeout and by Ctrl-C, and the backend runs on.
func TestAttachedIsNotKilled(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"open", "get", "close"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			a := attach(t, "stick="+method, "")
			r := a.on("restore", firstItem, "out.txt", "--timeout", "3")
			if method != "close" && r.code != output.ExitBackend {
				t.Errorf("exit code %d\n%s", r.code, r.stderr)
			}
			cmd := a.command("archive", "restore", firstItem, "out2.txt", "--attach", a.address)
			cmd.Stderr = writerFunc(func(b []byte) (int, error) {
				if strings.Contains(string(b), "Still waiting") {
					_ = cmd.Process.Signal(os.Interrupt)
				}
				return len(b), nil
			})
			began := time.Now()
			if err := cmd.Run(); err == nil && method != "close" {
				t.Error("it succeeded")
			}
			if code := cmd.ProcessState.ExitCode(); method != "close" && code != 130 {
				t.Errorf("exit code %d after %v", code, time.Since(began))
			}
			a.env = append(a.env, "CODEX_ARCHIVE_URL=slow://9")
			a.mustServe()
		})
	}
}

// TestPanicOfABackend: the panic of a backend reaches the log of the command at
// error, with its stack in lines that can be read.
func TestPanicOfABackend(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"panic": `ERROR panic in the backend `, "crash": "ERROR panic: a bug in get "} {
		p := batchProject(t, 1, name+"=get")
		r := p.run("archive", "restore", firstItem, "out.txt", "--log-level", "error")
		for _, text := range []string{want, "\n  | goroutine ", "main.(*slow).stickIn", "ERROR Restore failed: "} {
			if !strings.Contains(r.stderr, text) {
				t.Errorf("%s: no %q in\n%s", name, text, r.stderr)
			}
		}
		r = p.run("archive", "restore", firstItem, "out.txt", "--log-format", "json")
		if !strings.Contains(r.stderr, `"level":"error"`) || !strings.Contains(r.stderr, `"stack":"goroutine `) || !strings.Contains(r.stderr, `\n`) {
			t.Errorf("%s: %s", name, r.stderr)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}
