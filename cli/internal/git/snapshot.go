package git

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// snapshotWait bounds one listing of a whole tree: a million files take seconds.
const snapshotWait = 10 * time.Minute

// Snapshot is what git knows of a work tree and one of its commits. It is asked
// twice, whatever the number of files. It takes about 150 bytes a file.
type Snapshot struct {
	Tree   *Tree
	Commit string // full hash; "" where there is none
	SHA256 bool   // objects of the repository are named by SHA-256

	index map[string]struct{}
	blobs map[string]string // by path; object ids as bytes
}

// TakeSnapshot describes the work tree that dir is in, at the commit that ref
// names; an empty ref is HEAD. It returns nil outside of a work tree. A ref that
// cannot be resolved is an error; a full hash is taken as it is. What else git
// does not answer is not known, and no error. Below, relative to the top, limits
// it to a part of the tree; "" and "." are all of it.
func TakeSnapshot(ctx context.Context, dir, ref, below string) (*Snapshot, error) {
	o, err := Locate(ctx, dir, "", ref)
	if err != nil {
		return nil, err
	}
	t, err := Find(dir)
	if t == nil || err != nil || !LooksLikeGitDir(t.Common) || t.checkOwner(ctx) != nil {
		return nil, nil // Locate would have said so, had a ref been given
	}
	s := &Snapshot{Tree: t, Commit: o.Commit, index: map[string]struct{}{}, blobs: map[string]string{}}
	if err := s.readIndex(ctx, below); err != nil {
		s.index = nil // as without git, or with an index that it cannot read
	}
	if err := s.readCommit(ctx, below); err != nil {
		s.blobs = nil // git does not have the commit, which was taken as it is
	}
	s.SHA256 = s.namedBySHA256(ctx)
	return s, ctx.Err()
}

// namedBySHA256 says how objects are named: as the commit is, if git has it, else
// as the repository's settings say.
func (s *Snapshot) namedBySHA256(ctx context.Context) bool {
	if s.Commit != "" && s.blobs != nil {
		return len(s.Commit) == 2*sha256.Size
	}
	format, err := s.Tree.run(ctx, "config", "--get", "extensions.objectformat")
	return err == nil && strings.EqualFold(strings.TrimSpace(string(format)), "sha256")
}

// Indexed reports whether the index could be read.
func (s *Snapshot) Indexed() bool { return s.index != nil }

// Tracked reports whether the index has path, relative to the top.
func (s *Snapshot) Tracked(path string) bool {
	_, ok := s.index[path]
	return ok
}

// Blob returns the object id that the commit has at path, "" for none. It
// reports false where the commit could not be read.
func (s *Snapshot) Blob(path string) (id string, ok bool) {
	return hex.EncodeToString([]byte(s.blobs[path])), s.blobs != nil && s.Commit != ""
}

func (s *Snapshot) readIndex(ctx context.Context, below string) error {
	args := []string{"--literal-pathspecs", "ls-files", "-z", "--cached"}
	if below != "" && below != "." {
		args = append(args, "--", below)
	}
	return s.Tree.stream(ctx, func(name []byte) error {
		s.index[string(name)] = struct{}{}
		return nil
	}, args...)
}

// readCommit lists the commit's files: "MODE blob ID\tPATH".
func (s *Snapshot) readCommit(ctx context.Context, below string) error {
	if s.Commit == "" {
		return nil
	}
	args := []string{"--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", s.Commit}
	if below != "" && below != "." {
		args = append(args, "--", below)
	}
	return s.Tree.stream(ctx, func(line []byte) error {
		about, path, ok := bytes.Cut(line, []byte("\t"))
		fields := bytes.Fields(about)
		if !ok || len(fields) != 3 {
			return fmt.Errorf("git: ls-tree: %q", line)
		}
		id, err := hex.DecodeString(string(fields[2]))
		s.blobs[string(path)] = string(id)
		return err
	}, args...)
}

// stream calls git and hands each NUL-ended piece of its output to take.
func (t *Tree) stream(ctx context.Context, take func([]byte) error, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	cmd := t.command(ctx, args...)
	complaint := &bounded{room: maxOutput}
	cmd.Stderr = complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return callError(ctx, err, complaint)
	}
	pieces := bufio.NewReader(out)
	var taken error
	for taken == nil {
		piece, err := pieces.ReadBytes(0)
		if err != nil {
			break
		}
		taken = take(piece[:len(piece)-1])
	}
	if taken != nil {
		cancel()
	}
	err = cmd.Wait()
	if taken != nil {
		return taken
	}
	return callError(ctx, err, complaint)
}

// Untrack takes paths, relative to the top and each ended by a NUL, out of the
// index, as git rm --cached does; that leaves out, without an error, what is outside
// of a sparse checkout. Paths that the index does not have do not matter.
func (t *Tree) Untrack(ctx context.Context, paths io.Reader) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	cmd := t.command(ctx, "update-index", "--force-remove", "-z", "--stdin")
	complaint := &bounded{room: maxOutput}
	cmd.Stdin, cmd.Stderr = paths, complaint
	return callError(ctx, cmd.Run(), complaint)
}
