// Package trust decides whether the user wrote the project's own file, or
// accepted it.
//
// A file that git tracks came with a clone, so another person may have written
// it. It is trusted if the user accepted its hash. A file that is proved to be
// untracked is the user's own; its first use is remembered, so that it stays
// trusted when it is committed.
package trust

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/config"
	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/git"
)

// Variable is the environment variable that lists accepted hashes.
const Variable = "CODEX_ARCHIVE_TRUST"

// Decision is what is known about one file.
type Decision struct {
	Hash    string // what accepting the file would accept
	Granted bool
	Why     string
	First   bool  // it is granted because the file is untracked, and the store does not know that yet
	Store   error // why the store could not be read
}

// Decide decides on p. accepted is the value of [Variable].
func (s Store) Decide(ctx context.Context, p config.Project, accepted string) Decision {
	d := Decision{Hash: Hash(p)}
	if slices.Contains(strings.FieldsFunc(accepted, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }), d.Hash) {
		d.Granted, d.Why = true, Variable+" has its hash"
		return d
	}
	var entries []Entry
	entries, d.Store = s.Entries(p.Tree)
	for _, e := range entries {
		if e.Hash == d.Hash {
			d.Granted, d.Why = true, fmt.Sprintf("%s on %s", e.How, e.At.Format("2006-01-02"))
			return d
		}
	}
	if p.Foreign {
		d.Why = "another user owns its directory"
		return d
	}
	if p.Silent {
		d.Granted, d.Why = true, "it sets nothing"
		return d
	}
	proof, err := git.ProveUntracked(ctx, p.File)
	if err != nil {
		d.Why = err.Error()
		return d
	}
	d.Granted, d.Why, d.First = true, proof, len(p.Settings) > 0
	return d
}

// Hash returns, in hex, the SHA-256 over all that trust in p allows: each
// setting of the sections that need it, as it is written, without literal
// passwords, and the content of the files inside the root that these settings
// name.
func Hash(p config.Project) string {
	h := sha256.New()
	add(h, "codex archive trust 1")
	settings := slices.Clone(p.Settings)
	slices.SortFunc(settings, func(a, b config.Written) int { return strings.Compare(a.Key, b.Key) })
	for _, w := range settings {
		value := w.Value
		if w.Key == "backend.url" {
			value = config.WithoutPassword(value)
		}
		add(h, w.Key, value)
	}
	for _, path := range files(p) {
		rel, err := filepath.Rel(p.Root, path)
		if err == nil && filepath.IsLocal(rel) {
			add(h, "file", filepath.ToSlash(rel), digest(path))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// add hashes texts so that no two lists of texts are the same bytes.
func add(h hash.Hash, texts ...string) {
	for _, text := range texts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		h.Write(length[:])
		h.Write([]byte(text)) // a hash takes everything
	}
}

// files returns the files that the settings name.
func files(p config.Project) []string {
	named := config.FilesInURL(p.Value("backend.url"), p.Root)
	for _, key := range []string{"backend.password_file", "archive.recipients_file", "archive.identity_file"} {
		path := p.Value(key)
		if path == "" || path == "none" {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(p.Root, path)
		}
		named = append(named, path)
	}
	return named
}

const maxNamed = 1 << 20 // bytes of a file that a setting names: more is refused when it is used

// digest returns the SHA-256 of a file's content, or a word where there is none
// that could be used.
func digest(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxNamed {
		return "unusable"
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "unusable"
	}
	f, err := durable.OpenRegular(real, os.O_RDONLY, 0)
	if err != nil {
		return "unusable"
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxNamed)); err != nil {
		return "unusable"
	}
	return hex.EncodeToString(h.Sum(nil))
}
