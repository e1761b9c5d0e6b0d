package config

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
)

const maxPassword = 4 << 10 // bytes: longer than any database takes

// Password returns the line in backend.password_file, or "" where there is no
// such file. From then on [Loaded.Scrub] hides it.
func (l *Loaded) Password() (string, error) {
	path := l.Backend.PasswordFile
	if path == "" {
		return "", nil
	}
	if err := l.refusal; err != nil {
		return "", err
	}
	source := l.Origin("backend.password_file").Source
	password, err := "", error(nil)
	if l.foreignMayRead(source, path) {
		password, err = readPassword(path)
	} else {
		err = errors.New("found a file that the owner of the project cannot read, allowed one that the owner can")
	}
	if err != nil {
		return "", durable.NamedFile(source.where()+": backend.password_file", showName(path), err, "")
	}
	l.password.Store(&password)
	return password, nil
}

// foreignMayRead reports whether a file that source names may be read: in a
// project of another user only what that user could read.
func (l *Loaded) foreignMayRead(source Source, path string) bool {
	return l.Project == nil || !l.Project.Foreign || source.Layer != ProjectFile && source.Layer != ExplicitFile || readableBy(l.Root, path)
}

func readPassword(path string) (string, error) {
	f, err := openRegular(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return "", durable.Cause(err)
	}
	if err := checkPrivate(path, info); err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	if err != nil {
		return "", durable.Cause(err)
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case len(data) > maxPassword:
		return "", fmt.Errorf("found more than %d bytes, allowed one line with the password", maxPassword)
	case line == "":
		return "", errors.New("found no password, allowed one line with it")
	case strings.ContainsAny(line, "\r\n\x00"):
		return "", errors.New("found more than one line, allowed one with the password")
	}
	return line, nil
}
