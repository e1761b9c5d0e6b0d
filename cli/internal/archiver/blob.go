package archiver

import (
	"crypto/sha1" // what git names objects by; nothing else here relies on it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/codex-archive/codex/sdk"
)

// sha256Commit is the length of a commit's hash in a repository whose objects
// are named by SHA-256.
const sha256Commit = 64

// newBlob returns what hashes size bytes as git does, in the repository that
// commit is of; outside of one that is SHA-1.
func newBlob(size int64, commit string) hash.Hash {
	h := sha1.New()
	if len(commit) == sha256Commit {
		h = sha256.New()
	}
	_, _ = fmt.Fprintf(h, "blob %d\x00", size) // a hash takes every write
	return h
}

// GitBlob returns git's object id of plain in the repository that commit is of.
func GitBlob(plain []byte, commit string) string {
	h := newBlob(int64(len(plain)), commit)
	h.Write(plain)
	return hex.EncodeToString(h.Sum(nil))
}

// Describe writes into r, whose commit is known, what content in memory says.
// Its body is still to be made.
func Describe(r *sdk.Record, plain []byte) {
	r.Content = sdk.Content{SHA256: sha256.Sum256(plain), Size: int64(len(plain))}
	r.GitBlob = GitBlob(plain, r.Commit)
}
