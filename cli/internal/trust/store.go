package trust

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
)

const (
	storeVersion = 1
	maxStore     = 8 << 20          // bytes: about 20,000 projects
	maxEntries   = 20               // of one project: branches with files of their own
	lockWait     = 10 * time.Second // for another process that writes one entry
)

// Store is the file that remembers what the user trusts, trust.json. It is
// written whole, under a lock, and readable for the user alone.
type Store struct {
	Path string // "" where the environment names no place for state
}

// How a file came to be trusted.
const (
	Untracked = "used while git did not track it"
	Accepted  = "accepted"
	Init      = "written by init"
)

// Entry is one trusted content of a project's file.
type Entry struct {
	Hash string    `json:"hash"`
	URL  string    `json:"url"` // of the archive, as written, without a password
	How  string    `json:"how"`
	At   time.Time `json:"at"`
}

type document struct {
	Version int                `json:"version"`
	Roots   map[string][]Entry `json:"roots"` // by directory; the newest entry last
}

// Open returns the store that the environment names; it need not exist.
func Open(env func(string) (string, bool)) Store {
	state, _ := env("XDG_STATE_HOME")
	if home, _ := env("HOME"); !filepath.IsAbs(state) && filepath.IsAbs(home) {
		state = filepath.Join(home, ".local", "state")
	}
	if !filepath.IsAbs(state) {
		return Store{}
	}
	return Store{filepath.Join(state, "codex", "trust.json")}
}

// Entries returns what is trusted in the project in dir, the newest last.
func (s Store) Entries(dir string) ([]Entry, error) {
	d, err := s.read()
	return d.Roots[dir], err
}

func (s Store) read() (document, error) {
	d := document{Version: storeVersion, Roots: map[string][]Entry{}}
	if s.Path == "" {
		return d, nil
	}
	f, err := durable.OpenRegular(s.Path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return d, err
	}
	if err := checkOwner(info); err != nil {
		return d, fmt.Errorf("%s: %w", s.Path, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxStore+1))
	if err != nil {
		return d, err
	}
	var read document
	if err := json.Unmarshal(data, &read); err != nil || len(data) > maxStore {
		return d, fmt.Errorf("%s: found something that this program did not write; move it away to start again", s.Path)
	}
	if read.Version != storeVersion {
		return d, fmt.Errorf("%s: found version %d, allowed %d: another version of this program wrote it", s.Path, read.Version, storeVersion)
	}
	if read.Roots != nil {
		d.Roots = read.Roots
	}
	return d, nil
}

// Add remembers e for the project in dir. What was remembered while git did not
// track the file is replaced by what it says now; what the user accepted stays.
func (s Store) Add(dir string, e Entry) error {
	if s.Path == "" {
		return errors.New("neither XDG_STATE_HOME nor HOME names a directory")
	}
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o700); err != nil {
		return err
	}
	lock, err := durable.Lock(s.Path+".lock", os.O_RDWR|os.O_CREATE, 0o600, lockWait)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // it holds nothing but the lock
	d, err := s.read()
	if err != nil {
		return err
	}
	entries := slices.DeleteFunc(d.Roots[dir], func(old Entry) bool {
		return old.Hash == e.Hash || e.How != Accepted && old.How != Accepted
	})
	entries = append(entries, e)
	d.Roots[dir] = entries[max(0, len(entries)-maxEntries):]
	return durable.WriteFile(s.Path, 0o600, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(d)
	})
}
