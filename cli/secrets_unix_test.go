//go:build unix

package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
)

// canary is part of every password here. It must show up nowhere.
const canary = "CaNaRy"

// passwords hold every character that means something in a URL.
var passwords = []string{
	canary, canary + "/x", "x@" + canary, canary + ":x", "#" + canary, "?" + canary, canary + "%", "%zz" + canary,
	"a/b@c:d#e?f%g" + canary, canary + "&password=" + canary, " " + canary,
}

// TestSecrets tries passwords in URLs, rightly encoded and as they are, against
// a server that is not there, and looks at all that the commands print and
// write.
func TestSecrets(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.write("a.txt", []byte("a"))
	closed := closedPort(t)
	commands := [][]string{
		{"archive", "store", "repo", "a.txt", "--reason", "dead"},
		{"archive", "restore", "12345678", "out"},
		{"archive", "health-check"}, {"archive", "list", "--json"}, {"archive", "config-show"},
		{"archive", "config-show", "--origin"}, {"archive", "config-show", "--json"}, {"archive", "init", "--json"},
	}
	base := p.env
	for _, scheme := range []string{"postgres", "mysql", "vendor"} {
		for i, password := range passwords {
			for _, u := range []string{
				fmt.Sprintf("%s://ann:%s@%s/db", scheme, url.QueryEscape(password), closed),
				fmt.Sprintf("%s://ann:%s@%s/db", scheme, password, closed),
				fmt.Sprintf("%s://ann@%s/db?password=%s", scheme, closed, password),
			} {
				p.env = append(base[:len(base):len(base)], "CODEX_ARCHIVE_URL="+u,
					"CODEX_ARCHIVE_LOG_LEVEL=debug", "CODEX_ARCHIVE_LOG_FILE=.codex/archive.log")
				command := commands[i%len(commands)]
				r := p.run(command...)
				if r.code == 0 && !strings.HasPrefix(command[1], "config") {
					t.Errorf("%v: succeeded", command)
				}
				for _, text := range []string{r.stdout, r.stderr} {
					if strings.Contains(text, canary) || strings.Contains(text, "goroutine ") {
						t.Errorf("codex %v with %s prints:\n%s", command, u, text)
					}
				}
			}
		}
	}
	p.secretFree(t, canary)
	if n := count(p.evidence(), "status=failed"); n == 0 {
		t.Error("no failure in the evidence: nothing was tried")
	}
}

// closedPort returns an address without a listener.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestSecretsOfProcesses looks at the plugin while it talks to a server that
// never answers: no password is in its arguments or its environment.
func TestSecretsOfProcesses(t *testing.T) {
	t.Parallel()
	needsProc(t)
	for _, scheme := range []string{"postgres", "mysql"} {
		t.Run(scheme, func(t *testing.T) { secretsOfProcesses(t, scheme) })
	}
}

func secretsOfProcesses(t *testing.T, scheme string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newProject(t)
	p.env = append(p.env, "CODEX_ARCHIVE_URL="+scheme+"://ann:"+canary+"@"+l.Addr().String()+"/db", "SECRET_OF_OTHERS="+canary)
	run := p.start("archive", "health-check", "--timeout", "60")
	conn, err := l.Accept() // the plugin has the URL now
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	plugin := run.plugin()
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", plugin, file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), canary) {
			t.Errorf("%s of the plugin: %q", file, text)
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", run.Process.Pid))
	if err != nil || strings.Contains(string(text), canary) {
		t.Errorf("arguments of codex: %q, %v", text, err)
	}
	run.Process.Signal(os.Interrupt)
	if r := run.wait(); r.code != output.ExitInterrupted {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
}
