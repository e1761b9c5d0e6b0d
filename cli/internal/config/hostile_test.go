package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProjectStaysInside: what only the project chose is written nowhere else,
// whichever way it leads out.
func TestProjectStaysInside(t *testing.T) {
	for _, c := range []struct {
		name, file string
		links      map[string]string // name -> target
		want       string            // in the error; "" for none
	}{
		{name: "inside", file: "[logging]\nfile = \"logs/./x/../a.log\"\n[evidence]\ndir = \"ev\"\n"},
		{name: "absolute inside", file: "[logging]\nfile = \"ROOT/a.log\"\n"},
		{name: "link inside", file: "[logging]\nfile = \"link/a.log\"\n", links: map[string]string{"link": ".codex"}},
		{name: "parent", file: "[logging]\nfile = \"../a.log\"\n", want: "logging.file: found ../a.log, a path that leads out of the project, allowed a path inside ROOT, or any path by CODEX_ARCHIVE_LOG_FILE or --set logging.file"},
		{name: "hidden parent", file: "[evidence]\ndir = \"a/../../b\"\n", want: "evidence.dir"},
		{name: "absolute", file: "[evidence]\ndir = \"/var/tmp/x\"\n", want: "evidence.dir"},
		{name: "neighbour", file: "[evidence]\ndir = \"ROOT2\"\n", want: "evidence.dir"},
		{name: "link out", file: "[logging]\nfile = \"link/a.log\"\n", links: map[string]string{"link": "../.."}, want: "logging.file"},
		{name: "absolute link", file: "[logging]\nfile = \"link/a.log\"\n", links: map[string]string{"link": "/var/tmp"}, want: "logging.file"},
		{name: "link is the file", file: "[logging]\nfile = \"a.log\"\n", links: map[string]string{"a.log": "../b.log"}, want: "logging.file"},
		{name: "dangling link", file: "[logging]\nfile = \"link/a.log\"\n", links: map[string]string{"link": "/nowhere/at/all"}, want: "logging.file"},
		{name: "chain of links", file: "[logging]\nfile = \"a/x.log\"\n", links: map[string]string{"a": "b", "b": "c/d", "c": "../.."}, want: "logging.file"},
		{name: "loop", file: "[logging]\nfile = \"a/x.log\"\n", links: map[string]string{"a": "b", "b": "a"}, want: "logging.file"},
		{name: "git", file: "[logging]\nfile = \".git/hooks/pre-commit\"\n", want: "logging.file: found .git/hooks/pre-commit, a path in .git"},
		{name: "link to git", file: "[logging]\nfile = \"a/pre-commit\"\n", links: map[string]string{"a": "sub/.GIT", "sub/.GIT/x": "x"}, want: "a path in .git"},
		{name: "default evidence", links: map[string]string{".codex/evidence": "../../x"}, want: "default: evidence.dir"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, "")
			p.write(".codex/archive.toml", strings.ReplaceAll(c.file, "ROOT", p.dir))
			for name, target := range c.links {
				p.symlink(target, name)
			}
			l, err := p.load(Options{})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "":
				if rel, err := filepath.Rel(p.dir, l.Logging.File); err != nil || !filepath.IsLocal(rel) {
					t.Errorf("log file is %s", l.Logging.File)
				}
			case err == nil:
				t.Errorf("accepted: log %s, evidence %s", l.Logging.File, l.Evidence.Dir)
			case !strings.Contains(strings.ReplaceAll(err.Error(), p.dir, "ROOT"), c.want):
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestUserMayGoAnywhere: the confinement is for strangers only.
func TestUserMayGoAnywhere(t *testing.T) {
	p := newProject(t, "")
	p.env["CODEX_EVIDENCE_DIR"] = "../ev"
	explicit := p.write("x.toml", "[logging]\nfile = \"../a.log\"\n[plugins]\npass_env = \"X\"\n[backend]\nurl = \"acme://${ANY}\"\n")
	p.env["ANY"] = "thing"
	l := p.mustLoad(Options{File: explicit})
	up := filepath.Dir(p.dir)
	if l.Evidence.Dir != filepath.Join(up, "ev") || l.Logging.File != filepath.Join(up, "a.log") ||
		len(l.Plugins.PassEnv) != 1 || l.Backend.URL != "acme://thing" {
		t.Errorf("got %+v", l.Config)
	}
}

// TestNotExpanded: only files are templates.
func TestNotExpanded(t *testing.T) {
	p := newProject(t, "")
	p.env["DB_X"] = "value"
	p.env["CODEX_ARCHIVE_URL"] = "acme://${DB_X}"
	if l := p.mustLoad(Options{}); l.Backend.URL != "acme://${DB_X}" {
		t.Errorf("got %s", l.Backend.URL)
	}
	if l := p.mustLoad(Options{Set: []string{"backend.url=acme://$${DB_Y}"}}); l.Backend.URL != "acme://$${DB_Y}" {
		t.Errorf("got %s", l.Backend.URL)
	}
}

// TestOverruledTemplate: a variable that only an overruled URL needs may be
// missing.
func TestOverruledTemplate(t *testing.T) {
	p := newProject(t, "[backend]\nurl = \"postgres://u:${DB_PASSWORD}@h/d\"\n")
	l := p.mustLoad(Options{Flags: []Flag{{"--url", "backend.url", "sqlite:///x"}}})
	if l.Backend.URL != "sqlite:///x" || l.Backend.Type != "sqlite" {
		t.Errorf("got %+v", l.Backend)
	}
}

func TestLinkedProjectDir(t *testing.T) {
	p := newProject(t, "")
	project := filepath.Join(p.dir, "project")
	for target, ok := range map[string]bool{"real": true, "../.codex": false, p.dir + "/.codex": false} {
		if err := os.RemoveAll(project); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(project, "real"), 0o700); err != nil {
			t.Fatal(err)
		}
		p.symlink(target, "project/.codex")
		l, err := p.load(Options{Dir: project})
		if (err == nil) != ok {
			t.Errorf(".codex -> %s: %v", target, err)
		}
		if err == nil && l.Root != project {
			t.Errorf("root is %s", l.Root)
		}
	}
}

func TestDanglingProjectFile(t *testing.T) {
	p := newProject(t, "")
	own := filepath.Join(p.dir, ".codex", "archive.toml")
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	if l := p.mustLoad(Options{}); l.ProjectFile != "" {
		t.Errorf("project file is %s", l.ProjectFile)
	}
	p.symlink("nothing", ".codex/archive.toml")
	if _, err := p.load(Options{}); err == nil {
		t.Error("a project file that leads nowhere was taken for none")
	}
}

func TestFindRoot(t *testing.T) {
	p := newProject(t, "")
	p.write("home/.codex/archive.toml", "")
	p.write("home/repo/.git/HEAD", "")
	p.write("home/repo/sub/deep/file", "")
	p.write("home/worktree/.git", "gitdir: elsewhere\n")
	p.write("home/plain/.codex", "a file, not a directory")
	p.env["HOME"] = filepath.Join(p.dir, "home")
	for dir, want := range map[string]string{
		"home/repo/sub/deep": "home/repo",
		"home/repo":          "home/repo",
		"home/worktree":      "home/worktree",
		"home":               "home",      // the home directory itself
		"home/plain":         "",          // home does not count from below, what lies above does
		"home/repo/.git/..":  "home/repo", // cleaned
	} {
		l, err := p.load(Options{Dir: p.dir + "/" + dir})
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if l.Root != filepath.Join(p.dir, want) {
			t.Errorf("%s: root is %s, want %s", dir, l.Root, want)
		}
	}
	alone := t.TempDir()
	if root := findPlace(alone, "").root; root != alone && !holdsProject(root) {
		t.Errorf("root is %s, want %s", root, alone)
	}
}

func TestShownFileName(t *testing.T) {
	p := newProject(t, "x = 1")
	p.write("sub/file", "")
	for dir, want := range map[string]string{p.dir: ".codex/archive.toml:1:", p.dir + "/sub": p.dir + "/.codex/archive.toml:1:"} {
		if _, err := p.load(Options{Dir: dir}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("in %s: %v", dir, err)
		}
	}
	odd := p.write("a\nb.toml", "x = 1")
	if _, err := p.load(Options{File: odd}); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q", err)
	}
}

// TestHostileSize: a file with as many keys as are read, and one with the
// longest key, are no burden.
func TestHostileSize(t *testing.T) {
	for name, text := range map[string]string{
		"one long key": "a" + strings.Repeat(".a", maxFile/2-10) + " = 1",
		"plugins":      "[plugins]\n" + manyKeys(),
	} {
		p := newProject(t, text)
		l, err := p.load(Options{})
		if name == "plugins" && (err != nil || len(l.Warnings) != 1) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && len(err.Error()) > 10_000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

func manyKeys() string {
	var b strings.Builder
	for i := range maxKeys - 10 {
		fmt.Fprintf(&b, "k%d=1\n", i)
	}
	return b.String()
}
