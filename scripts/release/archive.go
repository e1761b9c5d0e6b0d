package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// sorted are files in the order of their names, whatever the order they came in.
func sorted(files []file) []file {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files
}

// create makes a file and hands it to write.
func create(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// tarball writes files below one directory, which has the archive's name.
func (b *build) tarball(name string, files []file) error {
	top := strings.TrimSuffix(filepath.Base(name), ".tar.gz")
	return create(name, func(w io.Writer) error {
		packed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		t := tar.NewWriter(packed)
		for _, f := range sorted(files) {
			if err := b.tarEntry(t, file{path.Join(top, f.name), f.mode, f.data}); err != nil {
				return err
			}
		}
		return errors.Join(t.Close(), packed.Close())
	})
}

// tarEntry writes a file, or a directory where the mode says so. It belongs to
// root and has the time of the commit.
func (b *build) tarEntry(t *tar.Writer, f file) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)),
		Mode: int64(f.mode.Perm()), ModTime: b.time, Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
	}
	if f.mode.IsDir() {
		header.Typeflag, header.Name = tar.TypeDir, f.name+"/"
	}
	if f.mode&fs.ModeSticky != 0 {
		header.Mode |= 0o1000
	}
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	_, err := t.Write(f.data)
	return err
}

// zip is tarball in the form that Windows opens.
func (b *build) zip(name string, files []file) error {
	top := strings.TrimSuffix(filepath.Base(name), ".zip")
	return create(name, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, f := range sorted(files) {
			header := &zip.FileHeader{Name: path.Join(top, f.name), Method: zip.Deflate, Modified: b.time}
			header.SetMode(f.mode)
			entry, err := z.CreateHeader(header)
			if err != nil {
				return err
			}
			if _, err := entry.Write(f.data); err != nil {
				return err
			}
		}
		return z.Close()
	})
}
