package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
)

// clone makes the project a git work tree in which file is the project's own
// file, tracked with everything else, and not trusted.
func clone(t *testing.T, file string) *project {
	t.Helper()
	p := newProject(t, file)
	p.distrust = "git tracks it"
	p.git("init", "-q", "-b", "main")
	p.git("add", "-f", "-A")
	return p
}

func (p *project) git(args ...string) {
	p.t.Helper()
	filetest.Git(p.t, p.dir, args...)
}

// TestUntrustedBackend: what a file that is not trusted may name, and what it
// may not.
func TestUntrustedBackend(t *testing.T) {
	for _, c := range []struct {
		name, backend string
		tracked       []string          // more files that git tracks
		links         map[string]string // made after the clone
		env           map[string]string
		o             Options
		want          []string // in the refusal; nil for none
	}{
		{name: "SQLite inside", backend: `url = "sqlite:///./.codex/archive.sqlite"`},
		{name: "SQLite inside, absolute", backend: `url = "sqlite:///ROOT/x.db"`},
		{name: "in a directory that does not exist", backend: `url = "sqlite:///a/b/x.db"`},
		{name: "type alone", backend: `type = "sqlite"`},
		{name: "flag over a server", backend: `url = "postgres://EVIL/db"`, o: Options{Flags: []Flag{{"--url", "backend.url", "sqlite:////x.db"}}}},

		{name: "PostgreSQL", backend: `url = "postgres://alice:hush@EVIL/db"`, env: map[string]string{"PGPASSWORD": "x", "PGSERVICEFILE": "y", "MYSQL_PWD": "x"},
			want: []string{".codex/archive.toml:2: backend.url: found postgres://alice:***@EVIL/db", "(git tracks it)", "it would get PG", "PGPASSWORD", "PGSERVICEFILE"}},
		{name: "MariaDB", backend: `url = "mysql://alice@EVIL/db"`, env: map[string]string{"MYSQL_PWD": "x", "CODEX_ARCHIVE_PASSWORD_FILE": "f"},
			want: []string{"mysql://alice@EVIL/db", "MYSQL_PWD, CODEX_ARCHIVE_PASSWORD_FILE"}},
		{name: "a vendor", backend: `url = "evil://x"`, want: []string{"evil://x"}},
		{name: "a vendor with a URL of SQLite", backend: "type = \"evil\"\nurl = \"sqlite:///x.db\"", want: []string{"backend.type: found evil"}},
		{name: "variable", backend: `url = "postgres://EVIL/${CODEX_API_KEY}"`, env: map[string]string{"CODEX_API_KEY": "CaNaRy"}, want: []string{"${CODEX_API_KEY}"}},
		{name: "nothing but a variable", backend: `url = "${CODEX_API_KEY}"`, env: map[string]string{"CODEX_API_KEY": "sqlite:///x.db"}, want: []string{"backend.url"}},
		{name: "variable that is not set", backend: `url = "postgres://EVIL/${UNSET}"`, want: []string{"${UNSET}"}},
		{name: "variable in SQLite", backend: `url = "sqlite:///${HOME}"`, env: map[string]string{"HOME": "x"}, want: []string{"backend.url"}},
		{name: "password file", backend: `password_file = "/etc/hostname"`, env: map[string]string{"CODEX_ARCHIVE_URL": "postgres://h/d"}, want: []string{"backend.password_file"}},
		{name: "SQLite outside", backend: `url = "sqlite:////home/me/app.db"`, want: []string{"leads out of the project"}},
		{name: "SQLite above", backend: `url = "sqlite:///../app.db"`, want: []string{"leads out of the project"}},
		{name: "hook", backend: `url = "sqlite:///./.git/hooks/post-checkout"`, want: []string{"in .git"}},
		{name: "hook, other letters", backend: `url = "sqlite:///./.GIT/hooks/post-checkout"`, want: []string{"in .git"}},
		{name: "in another repository", backend: `url = "sqlite:///bare/hooks/post-update"`, tracked: []string{"bare/HEAD", "bare/objects/x", "bare/refs/x"}, want: []string{"bare is a repository"}},
		{name: "tracked", backend: `url = "sqlite:///x.db"`, tracked: []string{"x.db"}, want: []string{"git tracks x.db"}},
		{name: "tracked, other letters", backend: `url = "sqlite:///x.db"`, tracked: []string{"X.db"}, want: []string{"git tracks"}},
		{name: "tracked journal", backend: `url = "sqlite:///./.codex/archive.sqlite"`, tracked: []string{".codex/archive.sqlite-journal"}, want: []string{"git tracks .codex/archive.sqlite-journal"}},
		{name: "tracked WAL", backend: `url = "sqlite:///./.codex/archive.sqlite"`, tracked: []string{".codex/archive.sqlite-wal"}, want: []string{"git tracks .codex/archive.sqlite-wal"}},
		{name: "link", backend: `url = "sqlite:///x.db"`, links: map[string]string{"x.db": "y.db"}, want: []string{"symbolic link"}},
		{name: "linked directory", backend: `url = "sqlite:///dir/x.db"`, links: map[string]string{"dir": ".codex"}, want: []string{"symbolic link"}},
		{name: "linked journal", backend: `url = "sqlite:///x.db"`, links: map[string]string{"x.db-journal": "y"}, want: []string{"symbolic link"}},
		{name: "log that is source", backend: "type = \"sqlite\"\n[logging]\nfile = \"src.py\"", tracked: []string{"src.py"}, want: []string{"logging.file: found src.py"}},
		{name: "log that git tracks", backend: "type = \"sqlite\"\n[logging]\nfile = \"empty.log\"", tracked: []string{"empty.log"}, want: []string{"logging.file"}},

		{name: "diverts the URL", backend: `url = "sqlite:///./mine.db"`, env: map[string]string{"CODEX_ARCHIVE_URL": "postgres://u:CaNaRy@h/team"},
			want: []string{"sqlite:///./mine.db", "CODEX_ARCHIVE_URL says postgres://u:***@h/team"}},
		{name: "diverts the type", backend: `type = "sqlite"`, env: map[string]string{"CODEX_ARCHIVE_BACKEND": "postgres"},
			want: []string{"backend.type", "CODEX_ARCHIVE_BACKEND says postgres"}},
		{name: "says the same", backend: `url = "sqlite:///./mine.db"`, env: map[string]string{"CODEX_ARCHIVE_URL": "sqlite:///./mine.db"}},
		{name: "named by --config", backend: `url = "postgres://EVIL/db"`, o: Options{File: ".codex/archive.toml"}, want: []string{"postgres://EVIL/db"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := clone(t, "")
			p.write(".codex/archive.toml", "[backend]\n"+strings.ReplaceAll(c.backend, "ROOT", p.dir)+"\n")
			for _, name := range c.tracked {
				text := "import os\n"
				if strings.HasPrefix(name, "empty") {
					text = ""
				}
				p.write(name, text)
				p.git("add", "-f", name)
			}
			for name, target := range c.links {
				p.symlink(target, name)
			}
			maps.Copy(p.env, c.env)
			l, err := p.load(c.o)
			if err != nil {
				t.Fatal(err)
			}
			err = l.Refusal()
			var untrusted *UntrustedError
			if (err != nil) != (c.want != nil) || err != nil && !errors.As(err, &untrusted) {
				t.Fatalf("refusal: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
			if err != nil && (strings.Contains(err.Error(), "CaNaRy") || strings.Contains(err.Error(), "hush")) {
				t.Errorf("a secret in %v", err)
			}
			if err != nil && l.Logging.File != "" {
				t.Errorf("log file is %s", l.Logging.File)
			}

			p.distrust = ""
			if c.o.File == "" && len(c.env) == 0 && len(c.tracked) == 0 && !strings.Contains(c.backend, "${") {
				if l, err := p.load(c.o); err != nil || l.Refusal() != nil {
					t.Errorf("trusted: %v", err)
				}
			}
		})
	}
}

// TestUntrustedSections: what is ignored until the file is trusted, and said.
func TestUntrustedSections(t *testing.T) {
	p := clone(t, "[retention]\ndefault = 36500\nwarn_within = 1\n[archive]\nreasons = [\"x\"]\nlevel = \"best\"\n[plugins]\npass_env = \"X\"\n[retry]\nmax_attempts = 4\n[logging]\nlevel = \"error\"\n")
	l := p.mustLoad(Options{})
	if l.Retention.Default != 0 || l.Retention.WarnWithin != 30 || l.Archive.Level != "default" || len(l.Archive.Reasons) != 4 || l.Plugins.PassEnv != nil || l.Retry.MaxAttempts != 4 {
		t.Errorf("got %+v", l.Config)
	}
	if len(l.Warnings) != 5 || !strings.Contains(l.Warnings[0].Message, "archive.toml:2: retention.default is ignored until you trust the file (git tracks it); use codex archive trust") {
		t.Errorf("warnings: %v", l.Warnings)
	}
	if l.WarnLevel() != "info" || l.Logging.Level != "error" {
		t.Errorf("warnings have level %s", l.WarnLevel())
	}
	p.env["CODEX_ARCHIVE_LOG_LEVEL"] = "debug"
	if l := p.mustLoad(Options{}); l.WarnLevel() != "debug" {
		t.Errorf("warnings have level %s", l.WarnLevel())
	}
	p.distrust = ""
	if l := p.mustLoad(Options{}); l.Retention.Default != 36500 || l.Plugins.PassEnv != nil {
		t.Errorf("trusted: %+v", l.Config)
	}
}

// TestTrustedLogFile: a file that was not a log does not become one, also if a
// trusted project file says so.
func TestTrustedLogFile(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "import os\n": false, "{\"ts\":1}\n": false,
		`{"ts":"2026-01-02T03:04:05.678Z","level":"info","msg":"x"}` + "\n":         true,
		"[2026-01-02T03:04:05.678Z] WARN Artifact near retention threshold\nmore\n": true,
	} {
		p := newProject(t, "[logging]\nfile = \"f\"\n")
		p.write("f", text)
		if _, err := p.load(Options{}); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := p.load(Options{Set: []string{"logging.file=f"}}); err != nil {
			t.Errorf("%q by a flag: %v", text, err)
		}
	}
}

// TestBroughtJournal: a file that SQLite plays back into the user's own
// database came with a pull.
func TestBroughtJournal(t *testing.T) {
	p := newProject(t, "")
	if err := os.RemoveAll(filepath.Join(p.dir, ".codex")); err != nil {
		t.Fatal(err)
	}
	p.git("init", "-q")
	p.write(".codex/archive.sqlite", "mine")
	p.write(".codex/archive.sqlite-journal", "mine")
	refused := func(want bool, what string) {
		t.Helper()
		if err := p.mustLoad(Options{}).Refusal(); (err != nil) != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused(false, "the user's own")
	p.git("add", ".codex/archive.sqlite-journal")
	refused(true, "a journal that git tracks")
	p.git("rm", "-q", "--cached", ".codex/archive.sqlite-journal")
	if err := os.Remove(filepath.Join(p.dir, ".codex/archive.sqlite")); err != nil {
		t.Fatal(err)
	}
	p.symlink("../../app.db", ".codex/archive.sqlite")
	refused(false, "the user's own link")
	p.git("add", ".codex/archive.sqlite")
	refused(true, "a link that git tracks")
}

func TestMisspeltVariables(t *testing.T) {
	p := newProject(t, "")
	p.env["CODEX_ARCHIVE_ULR"] = "x"
	p.env["CODEX_ARCHIVE_TRUST"] = "x"
	p.env["CODEX_ARCHIVE_ACME_TOKEN"] = "x"
	p.env["CODEX_ARCHIVE_URI"] = "x"
	p.env["CODEX_ARCHIVE_PASS_ENV"] = "CODEX_ARCHIVE_URI"
	p.env["CODEX_HOME"] = "x"
	l := p.mustLoad(Options{})
	if len(l.Warnings) != 1 || l.Warnings[0].Message != "CODEX_ARCHIVE_ULR is no variable of this program; did you mean CODEX_ARCHIVE_URL?" {
		t.Errorf("warnings: %v", l.Warnings)
	}
}

func TestWithoutPassword(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://u:hush@h/d":              "postgres://u:***@h/d",
		"postgres://u:${P}@h/d":              "postgres://u:${P}@h/d",
		"postgres://u@h/d?password=hush&x=1": "postgres://u@h/d?password=***&x=1",
		"postgres://u@h/d?password=${P}":     "postgres://u@h/d?password=${P}",
		"sqlite:///./x.db":                   "sqlite:///./x.db",
		"evil://u:a@b@c/d":                   "evil://u:a@b@c/d",
		"evil://u:a,host@c/d":                "evil://u:a,host@c/d",
		"${URL}":                             "${URL}",
		"postgres://u:p@h1,u:q@h2/d":         "postgres://u:p@h1,u:q@h2/d",
	} {
		if got := WithoutPassword(url); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

// TestLinkedTreeRoot: all work trees of a clone share the main one's root, and
// a linked tree's own file replaces the main one's.
func TestLinkedTreeRoot(t *testing.T) {
	p := newProject(t, "[retry]\nmax_attempts = 4\n")
	p.git("init", "-q", "-b", "main")
	p.git("-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "--allow-empty", "-m", "x")
	linked := filepath.Join(filepath.Dir(p.dir), "linked")
	p.git("worktree", "add", "-q", "-b", "other", linked)
	l := p.mustLoad(Options{Dir: linked})
	if l.Root != p.dir || l.Retry.MaxAttempts != 4 || l.Project.Tree != p.dir {
		t.Errorf("root %s, %+v", l.Root, l.Retry)
	}
	own := filepath.Join(linked, ".codex", "archive.toml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(own), 0o700), os.WriteFile(own, []byte("[retry]\nmax_attempts = 5\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	l = p.mustLoad(Options{Dir: linked})
	path, _ := l.SQLitePath()
	if l.Root != p.dir || l.Retry.MaxAttempts != 5 || l.Project.Tree != linked || path != filepath.Join(p.dir, ".codex/archive.sqlite") {
		t.Errorf("root %s, tree %s, %+v, %s", l.Root, l.Project.Tree, l.Retry, path)
	}
	forged := filepath.Join(filepath.Dir(p.dir), "forged")
	data, err := os.ReadFile(filepath.Join(linked, ".git"))
	if err = errors.Join(err, os.MkdirAll(forged, 0o700), os.WriteFile(filepath.Join(forged, ".git"), data, 0o600)); err != nil {
		t.Fatal(err)
	}
	if l := p.mustLoad(Options{Dir: forged}); l.Root != forged {
		t.Errorf("a forged .git: root is %s", l.Root)
	}
}

// TestOutside: evidence may lie outside the project only where init --outside
// puts it.
func TestOutside(t *testing.T) {
	p := newProject(t, "")
	p.env["XDG_DATA_HOME"] = filepath.Dir(p.dir)
	env := Options{Environ: environ(p.env)}
	dir := Outside(p.dir, env.Env)
	settings := OutsideSettings(dir)
	file := "[backend]\nurl = \"" + settings["backend.url"] + "\"\n[evidence]\ndir = \"" + settings["evidence.dir"] + "\"\n"
	p.write(".codex/archive.toml", file)
	l := p.mustLoad(Options{})
	if path, _ := l.SQLitePath(); path != filepath.Join(dir, "archive.sqlite") || l.Evidence.Dir != filepath.Join(dir, "evidence") {
		t.Errorf("%s, %s", path, l.Evidence.Dir)
	}
	p.distrust = "git tracks it"
	if _, err := p.load(Options{}); err == nil {
		t.Error("accepted without trust")
	}
	p.distrust = ""
	p.write(".codex/archive.toml", strings.ReplaceAll(file, "/evidence", "/evidence2"))
	if _, err := p.load(Options{}); err == nil {
		t.Error("another directory was accepted")
	}
}
