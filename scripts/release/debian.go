package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

const (
	debName       = "codex-archive"
	debDocs       = "usr/share/doc/" + debName + "/"
	debMaintainer = "codex archive maintainers <codex-archive@users.noreply.github.com>"
)

// debian writes the package for Debian and what comes from it. It has no scripts:
// dpkg puts files in their places and takes them away.
func (b *build) debian(goarch string, contents []file) error {
	dir := filepath.Join(b.programs, "debian-"+goarch)
	packed, err := b.debianFiles(contents)
	if err != nil {
		return err
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: debName, Arch: goarch, Version: b.debianVersion(), VersionSchema: "none",
		Section: "utils", Priority: "optional", Maintainer: debMaintainer,
		Homepage: "https://github.com/codex-archive/codex", License: "Apache-2.0",
		Description: "archive of source files that are no longer needed\n" +
			"Moves files into a database (SQLite, PostgreSQL, MariaDB) and restores them\n" +
			"years later, byte for byte. It records repository, path, commit, reason and\n" +
			"actor of each file, and keeps a chained log of who did what, when and why.",
		DisableGlobbing: true, MTime: b.time,
		Overridables: nfpm.Overridables{Recommends: []string{"ca-certificates", "git"}},
	})
	for _, f := range packed {
		source := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(source), 0o755), os.WriteFile(source, f.data, 0o600)); err != nil {
			return err
		}
		info.Contents = append(info.Contents, &files.Content{Source: source, Destination: "/" + f.name,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode, MTime: b.time}})
	}
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return err
	}
	name := fmt.Sprintf("%s_%s_%s.deb", debName, b.debianVersion(), goarch)
	return create(filepath.Join(b.out, name), func(w io.Writer) error { return deb.Default.Package(info, w) })
}

// debianFiles moves files to where Debian has them, and adds those that its
// policy asks for.
func (b *build) debianFiles(contents []file) ([]file, error) {
	var moved []file
	for _, f := range contents {
		switch dir, name := path.Split(f.name); dir {
		case "share/doc/codex/":
			if name == "LICENSE" {
				continue // it is in copyright
			}
			f.name = debDocs + name
		case "share/zsh/site-functions/":
			f.name = "usr/share/zsh/vendor-completions/" + name
		default:
			f.name = "usr/" + f.name
		}
		moved = append(moved, f)
	}
	moved = append(moved,
		file{debDocs + "copyright", 0o644, fmt.Appendf(nil, debCopyright, b.time.Year())},
		file{debDocs + "changelog", 0o644, fmt.Appendf(nil, debChangelog, debName, b.debianVersion(), debMaintainer, b.time.Format(time.RFC1123Z))},
		file{"usr/share/lintian/overrides/" + debName, 0o644, fmt.Appendf(nil, debOverrides, debName)},
	)
	for i, f := range moved {
		if name := path.Base(f.name); name != "changelog" && name != "NOTICES" && !strings.HasPrefix(f.name, "usr/share/man/") {
			continue
		}
		data, err := compressed(f.data)
		if err != nil {
			return nil, err
		}
		moved[i] = file{f.name + ".gz", f.mode, data}
	}
	return moved, nil
}

// compressed is data as gzip -9n writes it.
func compressed(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

const debCopyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: codex archive
Source: https://github.com/codex-archive/codex
Comment: The programs contain the work of others. NOTICES.gz beside this file has
 its licences.

Files: *
Copyright: %d The codex archive authors
License: Apache-2.0
 On Debian systems the licence is in /usr/share/common-licenses/Apache-2.0.
`

const debChangelog = `%s (%s) unstable; urgency=medium

  * Built from the commit of this release. CHANGELOG.md beside this file says
    what changed.

 -- %s  %s
`

// debOverrides are what lintian finds in every program of this kind.
const debOverrides = `# Programs in Go without cgo need no shared library.
%[1]s: statically-linked-binary
`
