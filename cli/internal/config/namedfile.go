package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// maxKeyFile is how many bytes a file of keys may have.
const maxKeyFile = 1 << 20

// Recipients returns what parse makes of archive.recipients_file, nil where there
// is none.
func Recipients[T any](l *Loaded, parse func([]byte) (*T, error)) (*T, error) {
	return parsed(l, "archive.recipients_file", l.Archive.RecipientsFile, checkUnwritable, parse)
}

// Identities returns what parse makes of archive.identity_file, nil where there is
// none. A file that others can read is refused.
func Identities[T any](l *Loaded, parse func([]byte) (*T, error)) (*T, error) {
	return parsed(l, "archive.identity_file", l.Archive.IdentityFile, checkPrivate("the key"), parse)
}

func parsed[T any](l *Loaded, key, path string, check fileCheck, parse func([]byte) (*T, error)) (*T, error) {
	data, err := l.namedFile(key, path, maxKeyFile, check)
	if err != nil || data == nil {
		return nil, err
	}
	value, err := parse(data)
	if err != nil {
		return nil, l.aboutFile(key, path, err)
	}
	return value, nil
}

// fileCheck returns an error if users have rights on a file that they must not
// have.
type fileCheck func(path string, info fs.FileInfo) error

// namedFile returns the content of the file at path that the setting key names,
// nil where it names none.
func (l *Loaded) namedFile(key, path string, limit int64, check fileCheck) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	if err := l.refusal; err != nil {
		return nil, err
	}
	if !l.foreignMayRead(l.Origin(key).Source, path) {
		return nil, l.aboutFile(key, path, errors.New("found a file that the owner of the project cannot read, allowed one that the owner can"))
	}
	data, err := readChecked(path, limit, check)
	if err != nil {
		return nil, l.aboutFile(key, path, err)
	}
	return data, nil
}

// aboutFile says which setting names the file that err is about.
func (l *Loaded) aboutFile(key, path string, err error) error {
	return durable.NamedFile(l.Origin(key).Source.where()+": "+key, showName(path), err, "")
}

// foreignMayRead reports whether a file that source names may be read: in a
// project of another user only what that user could read.
func (l *Loaded) foreignMayRead(source Source, path string) bool {
	return l.Project == nil || !l.Project.Foreign || source.Layer != ProjectFile && source.Layer != ExplicitFile || readableBy(l.Root, path)
}

// readChecked returns the content of a regular file that passes check.
func readChecked(path string, limit int64, check fileCheck) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, durable.Cause(err)
	}
	if err := check(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, durable.Cause(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("found more than %d bytes, allowed at most that", limit)
	}
	return data, nil
}
