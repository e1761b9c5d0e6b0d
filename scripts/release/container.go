package main

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// containerRoot is what an image needs besides the programs, and an empty one has
// not: a place for temporary files and sockets, a user who is not root, and a
// directory to work in.
const containerRoot = "container-root.tar"

// container writes the container file and the root that it adds.
func (b *build) container() error {
	recipe, err := os.ReadFile(filepath.Join(b.source, "scripts", "release", "Containerfile"))
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { _, err := w.Write(recipe); return err }
	if err := create(filepath.Join(b.out, "Containerfile"), write); err != nil {
		return err
	}
	return create(filepath.Join(b.out, containerRoot), func(w io.Writer) error {
		t := tar.NewWriter(w)
		for _, f := range []file{
			{"etc", fs.ModeDir | 0o755, nil},
			{"etc/group", 0o644, []byte("root:x:0:\ncodex:x:65532:\n")},
			{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/sbin/nologin\ncodex:x:65532:65532:codex:/work:/sbin/nologin\n")},
			{"tmp", fs.ModeDir | fs.ModeSticky | 0o777, nil},
			{"work", fs.ModeDir | fs.ModeSticky | 0o777, nil},
		} {
			if err := b.tarEntry(t, f); err != nil {
				return err
			}
		}
		return errors.Join(t.Close())
	})
}
