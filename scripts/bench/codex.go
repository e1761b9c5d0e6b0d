package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"filippo.io/age"

	"github.com/codex-archive/codex/scripts/databases"
)

// codex is the program on one database.
type codex struct {
	program, backend, label string
	other                   bool               // not the one that is measured
	server                  *databases.Durable // nil for SQLite
	encrypted               bool               // to one recipient
}

func (c codex) contestant() contestant {
	return contestant{name: c.label, begin: func(j *job, dir string) (*entry, error) {
		a := &archive{codex: c, job: j, dir: dir, out: filepath.Join(dir, "out")}
		return a.begin()
	}}
}

// archive is one archive of codex.
type archive struct {
	codex    codex
	job      *job
	dir, out string
	env      []string
	database *databases.Database // nil for SQLite
	empty    int64               // bytes of the database before there was an archive
	id       string              // of what was stored: a set or a tombstone
	each     []manifestItem      // instead of a set, where each file was stored by itself
}

type manifestItem struct {
	Tombstone string `json:"tombstone"`
	Output    string `json:"output"`
}

func (a *archive) begin() (*entry, error) {
	url := "sqlite:///" + a.file()
	if a.codex.server != nil {
		var err error
		if a.database, err = a.codex.server.Create(); err != nil {
			return nil, err
		}
		if a.empty, err = a.database.Size(); err != nil {
			return nil, err
		}
		url = a.database.SocketURL()
	}
	a.env = []string{
		"HOME=" + a.dir, "CODEX_ACTOR=bench", "CODEX_EVIDENCE_DIR=" + filepath.Join(a.dir, "evidence"),
		"CODEX_ARCHIVE_BACKEND=" + a.codex.backend, "CODEX_ARCHIVE_URL=" + url,
	}
	if a.codex.encrypted {
		if err := a.drawKey(); err != nil {
			return nil, err
		}
	}
	if _, err := a.run(&meter{dir: a.job.dir}, "init"); err != nil {
		return nil, err
	}
	e := &entry{out: a.out, size: a.size, steps: map[string]func(*meter) error{
		stepStore: a.store, stepAgain: a.store, stepShow: a.show, stepRestore: a.restore,
	}}
	if a.database != nil {
		e.drop = a.database.Drop
	}
	return e, nil
}

// drawKey has what is stored encrypted to a new key, and read with it.
func (a *archive) drawKey() error {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	recipients, identity := filepath.Join(a.dir, "recipients.txt"), filepath.Join(a.dir, "identity.txt")
	a.env = append(a.env, "CODEX_ARCHIVE_RECIPIENTS_FILE="+recipients, "CODEX_ARCHIVE_IDENTITY_FILE="+identity)
	return errors.Join(os.WriteFile(recipients, []byte(key.Recipient().String()+"\n"), 0o600),
		os.WriteFile(identity, []byte(key.String()+"\n"), 0o600))
}

func (a *archive) file() string { return filepath.Join(a.dir, "archive.sqlite") }

// run runs an archive command.
func (a *archive) run(m *meter, args ...string) (string, error) {
	return m.run(a.env, a.codex.program, append([]string{"archive"}, args...)...)
}

var stored = regexp.MustCompile(`(?:Set: |"tombstone": ")([0-9a-f-]{36})`)

func (a *archive) store(m *meter) (err error) {
	a.id, err = a.storePath(m, a.job.name)
	if err == nil || !a.codex.other || !a.job.manifest {
		return err
	}
	// Another codex may be too old for a directory.
	a.each = nil
	return filepath.WalkDir(filepath.Join(a.job.dir, a.job.name), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if path, err = filepath.Rel(a.job.dir, path); err != nil {
			return err
		}
		id, err := a.storePath(m, path)
		a.each = append(a.each, manifestItem{Tombstone: id, Output: filepath.Join(a.out, path)})
		return err
	})
}

func (a *archive) storePath(m *meter, path string) (id string, err error) {
	text, err := a.run(m, "store", "bench", path, "--reason", "dead")
	if err != nil {
		return "", err
	}
	found := stored.FindStringSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("store said %q", text)
	}
	return found[1], nil
}

func (a *archive) show(m *meter) error {
	_, err := a.run(m, "show", a.id)
	return err
}

func (a *archive) restore(m *meter) error {
	var err error
	results := filepath.Join(a.dir, "results.json")
	switch {
	case a.job.single:
		_, err = a.run(m, "restore", a.id, a.out)
	case a.job.manifest:
		manifest := filepath.Join(a.dir, "manifest.json")
		var text []byte
		if text, err = a.manifest(m); err == nil {
			err = os.WriteFile(manifest, text, 0o644)
		}
		if err == nil {
			_, err = a.run(m, "batch-restore", manifest, "--results", results)
		}
	default:
		_, err = a.run(m, "batch-restore", "--set", a.id, "--output-dir", a.out, "--results", results)
	}
	return err
}

func (a *archive) manifest(m *meter) ([]byte, error) {
	if a.each != nil {
		return json.Marshal(map[string]any{"items": a.each})
	}
	text, err := a.run(&meter{dir: m.dir}, "list", "--set", a.id, "--format", "manifest", "--output-dir", a.out, "--limit", "0")
	return []byte(text), err
}

// size is that of the database, and of the bodies in it. Another codex may be too
// old to tell the latter.
func (a *archive) size() (archive, bodies int64, err error) {
	text, err := a.run(&meter{dir: a.job.dir}, "stats", "--json")
	if err != nil && a.codex.other {
		text = "{}"
	} else if err != nil {
		return 0, 0, err
	}
	var stats struct {
		Bodies int64 `json:"stored_bytes"`
	}
	if err := json.Unmarshal([]byte(text), &stats); err != nil {
		return 0, 0, err
	}
	if a.database == nil {
		info, err := os.Stat(a.file())
		if err != nil {
			return 0, 0, err
		}
		return info.Size(), stats.Bodies, nil
	}
	archive, err = a.database.Size()
	return archive - a.empty, stats.Bodies, err
}
