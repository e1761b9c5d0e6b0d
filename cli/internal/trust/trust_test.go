package trust

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/filetest"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	filetest.Write(t, path, []byte(text))
}

// inDir is the project in dir, with a server as its archive.
func inDir(dir string) config.Project {
	return config.Project{
		Root: dir, Tree: dir, File: filepath.Join(dir, ".codex", "archive.toml"),
		Settings: []config.Written{{Key: "backend.url", Value: "postgres://u@h/d"}},
	}
}

// TestDecide: in which places a file proves to be the user's own.
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		granted bool
		why     string
	}{
		{"no repository", func(*testing.T, string) {}, true, "no git repository holds it"},
		{"untracked", func(t *testing.T, dir string) { filetest.Git(t, dir, "init", "-q") }, true, "git does not track it"},
		{"ignored", func(t *testing.T, dir string) {
			filetest.Git(t, dir, "init", "-q")
			write(t, filepath.Join(dir, ".gitignore"), ".codex\n")
		}, true, "git does not track it"},
		{"tracked", func(t *testing.T, dir string) { filetest.Git(t, dir, "init", "-q"); filetest.Git(t, dir, "add", "-A") }, false, "git tracks it"},
		{"tracked by a repository above", func(t *testing.T, dir string) {
			filetest.Git(t, filepath.Dir(dir), "init", "-q")
			filetest.Git(t, filepath.Dir(dir), "add", "-A")
		}, false, "git tracks it"},
		{"marked as unchanged", func(t *testing.T, dir string) {
			filetest.Git(t, dir, "init", "-q")
			filetest.Git(t, dir, "add", "-A")
			filetest.Git(t, dir, "update-index", "--skip-worktree", ".codex/archive.toml")
		}, false, "git tracks it"},
		{"tracked in other letters", func(t *testing.T, dir string) {
			filetest.Git(t, dir, "init", "-q")
			write(t, filepath.Join(dir, ".Codex", "archive.toml"), "x")
			filetest.Git(t, dir, "add", "-f", ".Codex")
		}, false, "git tracks it"},
		{"linked directory", func(t *testing.T, dir string) {
			filetest.Git(t, dir, "init", "-q")
			rename(t, filepath.Join(dir, ".codex"), filepath.Join(dir, "evil"))
			symlink(t, "evil", filepath.Join(dir, ".codex"))
			filetest.Git(t, dir, "add", "-f", ".codex", "evil")
		}, false, "git tracks it"},
		{"linked file", func(t *testing.T, dir string) {
			filetest.Git(t, dir, "init", "-q")
			file := filepath.Join(dir, ".codex", "archive.toml")
			rename(t, file, filepath.Join(dir, "evil.toml"))
			symlink(t, "../evil.toml", file)
		}, false, "symbolic link"},
		{"submodule", func(t *testing.T, dir string) {
			filetest.Git(t, dir, "init", "-q")
			other := filetest.Dir(t)
			filetest.Git(t, other, "init", "-q")
			write(t, filepath.Join(other, "archive.toml"), "evil")
			filetest.Git(t, other, "add", "-A")
			filetest.Git(t, other, "commit", "-q", "-m", "x")
			rename(t, filepath.Join(dir, ".codex"), filepath.Join(dir, "away"))
			filetest.Git(t, dir, "submodule", "--quiet", "add", other, ".codex")
		}, false, "git tracks it"},
		{"gitlink without its repository", func(t *testing.T, dir string) {
			filetest.Git(t, dir, "init", "-q")
			filetest.Git(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",.codex")
		}, false, "does not list it"},
		{"forged file .git", func(t *testing.T, dir string) {
			other := filetest.Dir(t)
			filetest.Git(t, other, "init", "-q")
			write(t, filepath.Join(dir, ".git"), "gitdir: "+filepath.Join(other, ".git")+"\n")
		}, false, "does not know this work tree"},
		{"broken .git", func(t *testing.T, dir string) { write(t, filepath.Join(dir, ".git"), "x") }, false, "does not name a repository"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(filetest.Dir(t), "project")
			write(t, filepath.Join(dir, ".codex", "archive.toml"), "x")
			c.prepare(t, dir)
			d := Store{}.Decide(t.Context(), inDir(dir), "")
			if d.Granted != c.granted || !strings.Contains(d.Why, c.why) || d.First != c.granted {
				t.Errorf("%+v, want %v because %s", d, c.granted, c.why)
			}
			if d := (Store{}).Decide(t.Context(), inDir(dir), "x,"+d.Hash); !d.Granted || d.First {
				t.Errorf("with its hash in the environment: %+v", d)
			}
		})
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skip(err)
	}
}

// TestForeign: in another user's project nothing is trusted without being asked.
func TestForeign(t *testing.T) {
	dir := filetest.Dir(t)
	write(t, filepath.Join(dir, ".codex", "archive.toml"), "x")
	p := inDir(dir)
	p.Foreign = true
	if d := (Store{}).Decide(t.Context(), p, ""); d.Granted {
		t.Errorf("%+v", d)
	}
}

// TestHash: it changes with all that trust allows, and not with a password.
func TestHash(t *testing.T) {
	dir := filetest.Dir(t)
	write(t, filepath.Join(dir, "ca.pem"), "one")
	hash := func(url string, more ...config.Written) string {
		p := inDir(dir)
		p.Settings = append([]config.Written{{Key: "backend.url", Value: url}}, more...)
		return Hash(p)
	}
	const url = "postgres://u:hush@h/d?sslrootcert=ca.pem"
	first := hash(url)
	if hash("postgres://u:other@h/d?sslrootcert=ca.pem") != first {
		t.Error("another literal password is another hash")
	}
	seen := map[string]string{first: "first"}
	for name, h := range map[string]string{
		"host":          hash("postgres://u:hush@evil/d?sslrootcert=ca.pem"),
		"variable":      hash("postgres://u:${P}@h/d?sslrootcert=ca.pem"),
		"other":         hash("postgres://u:${Q}@h/d?sslrootcert=ca.pem"),
		"option":        hash("postgres://u:hush@h/d?sslrootcert=ca.pem&sslmode=disable"),
		"password file": hash(url, config.Written{Key: "backend.password_file", Value: "/run/pw"}),
		"retention":     hash(url, config.Written{Key: "retention.default", Value: "36500"}),
		"type":          hash(url, config.Written{Key: "backend.type", Value: "vendor"}),
	} {
		if seen[h] != "" {
			t.Errorf("%s: the hash of %s", name, seen[h])
		}
		seen[h] = name
	}
	if hash(url, config.Written{Key: "a", Value: "1"}, config.Written{Key: "b", Value: "2"}) != hash(url, config.Written{Key: "b", Value: "2"}, config.Written{Key: "a", Value: "1"}) {
		t.Error("the order of lines is part of the hash")
	}
	write(t, filepath.Join(dir, "ca.pem"), "two")
	if hash(url) == first {
		t.Error("another content of a file that is named is the same hash")
	}
	for _, key := range []string{"backend.password_file", "archive.recipients_file", "archive.identity_file"} {
		named := config.Written{Key: key, Value: "keys"}
		write(t, filepath.Join(dir, "keys"), "one")
		before := hash(url, named)
		write(t, filepath.Join(dir, "keys"), "two")
		if hash(url, named) == before {
			t.Errorf("another content of the file that %s names is the same hash", key)
		}
	}
}

// TestStore: it is private, and writers at the same time lose nothing.
func TestStore(t *testing.T) {
	s := Store{filepath.Join(filetest.Dir(t), "state", "codex", "trust.json")}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if err := s.Add("/root", Entry{Hash: fmt.Sprint(i), How: Accepted, At: time.Now()}); err != nil {
				t.Error(err)
			}
			if err := s.Add(fmt.Sprint("/", i), Entry{Hash: "h", How: Untracked}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	entries, err := s.Entries("/root")
	if err != nil || len(entries) != 20 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	for i := range 20 {
		if entries, err := s.Entries(fmt.Sprint("/", i)); err != nil || len(entries) != 1 {
			t.Errorf("%d: %d entries, %v", i, len(entries), err)
		}
	}
	if info, err := os.Stat(s.Path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	// What was used while untracked is replaced, what was accepted stays.
	for _, hash := range []string{"a", "b"} {
		if err := s.Add("/root", Entry{Hash: hash, How: Untracked}); err != nil {
			t.Fatal(err)
		}
	}
	entries, _ = s.Entries("/root")
	untracked := 0
	for _, e := range entries {
		if e.How == Untracked {
			untracked++
		}
	}
	if untracked != 1 || len(entries) != maxEntries || entries[len(entries)-1].Hash != "b" {
		t.Errorf("%d untracked of %d, %+v", untracked, len(entries), entries[len(entries)-1])
	}

	// A store that others could have written, or that is none, trusts nothing and
	// is not overwritten.
	if err := os.Chmod(s.Path, 0o622); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Entries("/root"); err == nil && os.PathSeparator == '/' {
		t.Error("others can write it, and it was read")
	}
	write(t, s.Path, "not JSON")
	if err := os.Chmod(s.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Add("/root", Entry{}); err == nil {
		t.Error("something else was overwritten")
	}
	dir := filetest.Dir(t)
	write(t, filepath.Join(dir, ".codex", "archive.toml"), "x")
	if d := s.Decide(t.Context(), inDir(dir), ""); !d.Granted || d.Store == nil {
		t.Errorf("%+v", d)
	}
}
