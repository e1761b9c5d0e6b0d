//go:build unix

package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestForeignProjectDir needs a directory of another user: root gives one away,
// all others have the root directory, to which a link leads.
func TestForeignProjectDir(t *testing.T) {
	const nobody = 65534
	p := newProject(t, "[logging]\nlevel = \"debug\"\n")
	dir := filepath.Join(p.dir, ".codex")
	want := dir + ": found a directory that another user owns, allowed one that you own"
	theirs := "/"
	if os.Geteuid() == 0 {
		theirs = "theirs"
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		if _, err := p.load(Options{}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := os.Rename(dir, filepath.Join(p.dir, "theirs")); err != nil {
		t.Fatal(err)
	}
	p.symlink(theirs, ".codex")
	if _, err := p.load(Options{}); err == nil || err.Error() != want {
		t.Errorf("linked: got %v, want %s", err, want)
	}
}

func TestNamedPipes(t *testing.T) {
	p := newProject(t, "")
	pipe := filepath.Join(p.dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.load(Options{File: "pipe"}); err == nil || err.Error() != "pipe: found a named pipe, allowed a regular file" {
		t.Errorf("got %v", err)
	}
	own := filepath.Join(p.dir, ".codex", "archive.toml")
	if err := os.Rename(pipe, own); err != nil {
		t.Fatal(err)
	}
	if _, err := p.load(Options{}); err == nil || !strings.Contains(err.Error(), "a named pipe") {
		t.Errorf("got %v", err)
	}
	p = newProject(t, "")
	if _, err := p.load(Options{File: os.DevNull}); err == nil || !strings.Contains(err.Error(), "a device") {
		t.Errorf("got %v", err)
	}
}

// TestProjectDirIsFile: what is wrong is .codex and not the file looked for in it.
func TestProjectDirIsFile(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ".codex")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := path + ": found something that is no directory, allowed a directory, which this program would make"
	if _, err := Load(Options{Dir: dir}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPassword(t *testing.T) {
	for _, c := range []struct {
		name, text string
		mode       fs.FileMode
		want       string
		wantErr    string
	}{
		{name: "line", text: " pass word \n", mode: 0o600, want: " pass word "},
		{name: "no newline", text: "CaNaRy", mode: 0o400, want: "CaNaRy"},
		{name: "CRLF", text: "CaNaRy\r\n", mode: 0o600, want: "CaNaRy"},
		{name: "others", text: "CaNaRy", mode: 0o604, wantErr: "found mode 0604, allowed 0600 or less: others can read the password"},
		{name: "group", text: "CaNaRy", mode: 0o640, wantErr: "found mode 0640"},
		{name: "two lines", text: "CaNaRy\nCaNaRy\n", mode: 0o600, wantErr: "found more than one line"},
		{name: "empty", text: "\n", mode: 0o600, wantErr: "found no password"},
		{name: "long", text: strings.Repeat("CaNaRy", 1000), mode: 0o600, wantErr: "found more than 4096 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, "[backend]\npassword_file = \"pw\"\n")
			if err := os.Chmod(p.write("pw", c.text), c.mode); err != nil {
				t.Fatal(err)
			}
			l := p.mustLoad(Options{})
			got, err := l.Password()
			switch {
			case c.wantErr == "" && (err != nil || got != c.want):
				t.Errorf("got %q, %v", got, err)
			case c.wantErr == "" && strings.Contains(l.Scrub("it is "+c.want+"!"), strings.TrimSpace(c.want)):
				t.Error("the password is not scrubbed")
			case c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr) || strings.Contains(err.Error(), "CaNaRy") ||
				!strings.HasPrefix(err.Error(), ".codex/archive.toml:2: backend.password_file: ")):
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	p := newProject(t, "")
	if got, err := p.mustLoad(Options{}).Password(); got != "" || err != nil {
		t.Errorf("without a file: %q, %v", got, err)
	}
	l := p.mustLoad(Options{Set: []string{"backend.password_file=none at all"}})
	if _, err := l.Password(); err == nil || err.Error() != "--set: backend.password_file: "+filepath.Join(p.dir, "none at all")+": no such file or directory" {
		t.Errorf("missing file: %v", err)
	}
}

// TestUnreadable: a project file that cannot be read is not taken for none. A
// link to itself stands for all reasons, as it stops root too.
func TestUnreadable(t *testing.T) {
	p := newProject(t, "")
	own := filepath.Join(p.dir, ".codex", "archive.toml")
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	p.symlink("archive.toml", ".codex/archive.toml")
	if _, err := p.load(Options{}); err == nil || !strings.Contains(err.Error(), "too many levels") {
		t.Errorf("got %v", err)
	}
}
