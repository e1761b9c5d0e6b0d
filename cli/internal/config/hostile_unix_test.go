//go:build unix

package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// TestForeignProjectDir needs a directory of another user: root gives one away,
// all others have the root directory, to which a link leads.
func TestForeignProjectDir(t *testing.T) {
	p := newProject(t, "[logging]\nlevel = \"debug\"\n")
	dir := filepath.Join(p.dir, ".codex")
	refused := func(name, owner string) {
		t.Helper()
		_, err := p.load(Options{})
		var value *ValueError
		if !errors.As(err, &value) || err.Error() != dir+": found a directory that another user ("+owner+") owns, allowed one that you own" ||
			value.Hint != "if you trust "+owner+", add "+p.dir+" to CODEX_ARCHIVE_SAFE_DIRECTORY" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	theirs, owner := "/", "root"
	if os.Geteuid() == 0 {
		theirs, owner = "theirs", "uid 54321"
		if err := os.Chown(dir, 54321, 54321); err != nil {
			t.Fatal(err)
		}
		refused("owned", owner)
		for _, list := range []string{p.dir, "/nowhere:" + p.dir + "/", "*"} {
			p.env["CODEX_ARCHIVE_SAFE_DIRECTORY"] = list
			if l, err := p.load(Options{}); err != nil || !l.Project.Foreign {
				t.Errorf("%s: %v", list, err)
			}
		}
		p.env["CODEX_ARCHIVE_SAFE_DIRECTORY"] = filepath.Dir(p.dir)
		refused("a list with another root", owner)
		delete(p.env, "CODEX_ARCHIVE_SAFE_DIRECTORY")
	}
	if err := os.Rename(dir, filepath.Join(p.dir, "theirs")); err != nil {
		t.Fatal(err)
	}
	p.symlink(theirs, ".codex")
	refused("linked", owner)
}

// TestForeignProjectReads: root that works for another user reads no file that
// this user could not read.
func TestForeignProjectReads(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	outside := filetest.Dir(t)
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("CaNaRy"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProject(t, "[backend]\nurl = \"postgres://u@h/d?sslrootcert="+secret+"\"\npassword_file = \""+secret+"\"\n")
	for _, dir := range []string{p.dir, filepath.Join(p.dir, ".codex")} {
		if err := os.Chown(dir, 54321, 54321); err != nil {
			t.Fatal(err)
		}
	}
	p.env["CODEX_ARCHIVE_SAFE_DIRECTORY"] = "*"
	l := p.mustLoad(Options{})
	if got, err := l.Password(); err == nil {
		t.Errorf("password_file: %q", got)
	}
	if err := l.CheckFiles(); err == nil {
		t.Error("sslrootcert was accepted")
	}
	l = p.mustLoad(Options{Set: []string{"backend.password_file=" + secret}})
	if got, err := l.Password(); err != nil || got != "CaNaRy" {
		t.Errorf("the user's own choice: %q, %v", got, err)
	}
}

// TestFilesInURL: what a URL names must be a small regular file. A pipe would
// hang, a device would never end.
func TestFilesInURL(t *testing.T) {
	p := newProject(t, "")
	if err := syscall.Mkfifo(filepath.Join(p.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	large, err := os.Create(filepath.Join(p.dir, "large"))
	if err != nil || large.Truncate(10<<30) != nil {
		t.Fatal(err)
	}
	large.Close()
	p.write("ca.pem", "x")
	for query, want := range map[string]string{
		"sslrootcert=/dev/zero": "a device", "sslkey=pipe": "a pipe", "ssl-ca=.": "a directory", "x=1&sslcert=large": "more than 1 MiB",
		"sslrootcert=%2Fdev%2Fzero": "a device", "sslrootcert=ca.pem": "", "sslrootcert=gone": "", "sslrootcert=system": "", "y=/dev/zero": "",
	} {
		l := p.mustLoad(Options{Flags: []Flag{{"--url", "backend.url", "postgres://u:CaNaRy@h/d?" + query}}})
		err := l.CheckFiles()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "CaNaRy")) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
}

func TestNamedPipes(t *testing.T) {
	p := newProject(t, "")
	pipe := filepath.Join(p.dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.load(Options{File: "pipe"}); err == nil || err.Error() != "pipe: found a pipe, allowed a regular file" {
		t.Errorf("got %v", err)
	}
	own := filepath.Join(p.dir, ".codex", "archive.toml")
	if err := os.Rename(pipe, own); err != nil {
		t.Fatal(err)
	}
	if _, err := p.load(Options{}); err == nil || !strings.Contains(err.Error(), "a pipe") {
		t.Errorf("got %v", err)
	}
	p = newProject(t, "")
	if _, err := p.load(Options{File: os.DevNull}); err == nil || !strings.Contains(err.Error(), "a device") {
		t.Errorf("got %v", err)
	}
}

// TestProjectDirIsFile: what is wrong is .codex and not the file looked for in it.
func TestProjectDirIsFile(t *testing.T) {
	dir := filetest.Dir(t)
	path := filepath.Join(dir, ".codex")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := path + ": found something that is no directory, allowed a directory, which this program would make"
	if _, err := Load(t.Context(), Options{Dir: dir}); err == nil || err.Error() != want {
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
		{name: "others", text: "CaNaRy", mode: 0o604, wantErr: "found mode 0604, allowed 0600 or less, or 0440 or 0444 for a mounted secret: others can read the password"},
		{name: "group", text: "CaNaRy", mode: 0o640, wantErr: "found mode 0640"},
		{name: "written by others", text: "CaNaRy", mode: 0o620, wantErr: "others can change the password"},
		{name: "mounted for a group", text: "CaNaRy", mode: 0o440, want: "CaNaRy"},
		{name: "mounted for all", text: "CaNaRy", mode: 0o444, want: "CaNaRy"},
		{name: "mounted and writable", text: "CaNaRy", mode: 0o446, wantErr: "others can change the password"},
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
	if _, err := l.Password(); err == nil || err.Error() != "--set: backend.password_file: "+filepath.Join(p.dir, "none at all")+": no such file" {
		t.Errorf("missing file: %v", err)
	}
}

// TestUnreadable: a project file that cannot be read is not taken for none. A
// link to itself is the example, as it stops root too.
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

// TestPasswordInOpenDirectory: in a directory that all can write another user
// could put the file there.
func TestPasswordInOpenDirectory(t *testing.T) {
	p := newProject(t, "")
	path := p.write("open/pw", "CaNaRy")
	if err := errors.Join(os.Chmod(path, 0o444), os.Chmod(filepath.Dir(path), 0o777)); err != nil {
		t.Fatal(err)
	}
	l := p.mustLoad(Options{Set: []string{"backend.password_file=open/pw"}})
	if got, err := l.Password(); err == nil || !strings.Contains(err.Error(), "a directory that all users can write") {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestKeyFiles: a file of keys is a regular one of at most 1 MiB, by a link or not.
// Others must not read identities, nor write recipients.
func TestKeyFiles(t *testing.T) {
	parse := func(file []byte) (*string, error) {
		text := string(file)
		if text == "wrong" {
			return nil, errors.New("line 1: found something else")
		}
		return &text, nil
	}
	recipients := func(l *Loaded) (*string, error) { return Recipients(l, parse) }
	identities := func(l *Loaded) (*string, error) { return Identities(l, parse) }
	for name, c := range map[string]struct {
		key     string
		read    func(*Loaded) (*string, error)
		allowed []fs.FileMode
		refused []fs.FileMode
	}{
		"recipients": {"archive.recipients_file", recipients, []fs.FileMode{0o600, 0o644, 0o664, 0o444}, []fs.FileMode{0o666, 0o602}},
		"identities": {"archive.identity_file", identities, []fs.FileMode{0o600, 0o400, 0o440}, []fs.FileMode{0o644, 0o640, 0o604, 0o620, 0o666}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, "")
			if got, err := c.read(p.mustLoad(Options{})); got != nil || err != nil {
				t.Errorf("without a file: %v, %v", got, err)
			}
			file := p.write("keys", "CaNaRy")
			p.symlink("keys", "link")
			p.write("wrong", "wrong")
			p.write("huge", strings.Repeat("CaNaRy ", 200_000))
			err := errors.Join(syscall.Mkfifo(filepath.Join(p.dir, "pipe"), 0o600), os.Chmod(filepath.Join(p.dir, "wrong"), 0o600), os.Chmod(filepath.Join(p.dir, "huge"), 0o600))
			if err != nil {
				t.Fatal(err)
			}
			read := func(path string) (*string, error) {
				return c.read(p.mustLoad(Options{Set: []string{c.key + "=" + path}}))
			}
			for path, want := range map[string]string{
				"pipe": "found a pipe", ".": "found a directory", "/dev/zero": "found a device", "huge": "found more than 1048576 bytes",
				"gone": "no such file", "wrong": "line 1: found something else",
			} {
				if got, err := read(path); got != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--set: "+c.key+": ") {
					t.Errorf("%s: %v, %v, want %q", path, got, err, want)
				}
			}
			for i, mode := range append(c.allowed, c.refused...) {
				if err := os.Chmod(file, mode); err != nil {
					t.Fatal(err)
				}
				for _, path := range []string{"keys", "link"} {
					got, err := read(path)
					if ok := err == nil && *got == "CaNaRy"; ok != (i < len(c.allowed)) {
						t.Errorf("%s with mode %04o: %v", path, mode, err)
					}
				}
			}
		})
	}
}
