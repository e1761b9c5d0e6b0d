package archiver

import (
	"crypto/sha1" // what git names objects by; nothing else here relies on it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/codex-archive/codex/cli/internal/git"
	"github.com/codex-archive/codex/sdk"
)

// ObjectFormat says how git names content.
type ObjectFormat string

// The formats.
const (
	SHA1   ObjectFormat = "sha1"
	SHA256 ObjectFormat = "sha256"
)

// FormatOf returns the format of the repository that s is of. Outside of one,
// where s is nil, it is that of the commit, and SHA-1 without one.
func FormatOf(s *git.Snapshot, commit string) ObjectFormat {
	if s != nil && s.SHA256 || s == nil && len(commit) == 2*sha256.Size {
		return SHA256
	}
	return SHA1
}

// newBlob returns what hashes size bytes as git does.
func newBlob(size int64, format ObjectFormat) hash.Hash {
	h := sha1.New()
	if format == SHA256 {
		h = sha256.New()
	}
	_, _ = fmt.Fprintf(h, "blob %d\x00", size) // a hash takes every write
	return h
}

// GitBlob returns git's object id of plain.
func GitBlob(plain []byte, format ObjectFormat) string {
	h := newBlob(int64(len(plain)), format)
	h.Write(plain)
	return hex.EncodeToString(h.Sum(nil))
}

// Describe writes into r what content in memory says. Its body is still to be
// made.
func Describe(r *sdk.Record, plain []byte, format ObjectFormat) {
	r.Content = sdk.Content{SHA256: sha256.Sum256(plain), Size: int64(len(plain))}
	r.GitBlob = GitBlob(plain, format)
}

// State says how content with the object id blob, of the file at path, compares
// with the commit of s. It is "" where that is not known, as outside of a work
// tree, where s is nil.
func State(s *git.Snapshot, path, blob string) sdk.WorkTreeState {
	if s == nil || path == "" {
		return ""
	}
	id, ok := s.Blob(path)
	switch {
	case !ok:
		return ""
	case id == blob:
		return sdk.WorkTreeClean
	case id == "" && !s.Indexed():
		return ""
	case id == "" && !s.Tracked(path):
		return sdk.WorkTreeUntracked
	}
	return sdk.WorkTreeModified
}
