package sources

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/spool"
	"github.com/codex-archive/codex/sdk"
)

// Directory looks at the regular files below dir whose size is that of a wanted
// content, and at the texts of symbolic links.
func (s *Search) Directory(ctx context.Context, dir string) error {
	root := dir + string(filepath.Separator) // a link to a directory may be named
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return sdk.AsError(ctx.Err())
		case s.done():
			return fs.SkipAll
		case err != nil && path == root:
			return err
		case err != nil:
			s.Warn(fmt.Sprintf("%s is left out: %v", path, durable.Cause(err)))
			return nil
		case d.Type().IsRegular():
			return s.file(ctx, path, d)
		case d.Type()&fs.ModeSymlink != 0:
			return s.link(ctx, path)
		}
		return nil
	})
}

// file looks at a regular file. One that cannot be read is left out.
func (s *Search) file(ctx context.Context, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil || !s.fits(info.Size()) {
		return nil // it is gone, or of another size
	}
	f, err := durable.OpenRegular(path, os.O_RDONLY, 0)
	if err != nil {
		s.Warn(fmt.Sprintf("%s is left out: %v", path, durable.Cause(err)))
		return nil
	}
	digest, ok, err := hash(ctx, f, info.Size())
	_ = f.Close() // it was only read
	switch {
	case ctx.Err() != nil:
		return sdk.AsError(ctx.Err())
	case err != nil:
		s.Warn(fmt.Sprintf("%s is left out: %v", path, durable.Cause(err)))
		return nil
	case !ok:
		return nil // it changed
	}
	return s.found(ctx, digest, Content{From: path, Path: path})
}

// link looks at the text of a symbolic link, which is the content of its record.
func (s *Search) link(ctx context.Context, path string) error {
	text, err := os.Readlink(path)
	if err != nil || !s.fits(int64(len(text))) {
		return nil
	}
	digest := sdk.Digest(sha256.Sum256([]byte(text)))
	if _, ok := s.wanted[digest]; !ok {
		return nil
	}
	sp := &spool.Spool{}
	if _, err := sp.Write([]byte(text)); err != nil {
		return err
	}
	return s.found(ctx, digest, Content{From: path, Spool: sp})
}
