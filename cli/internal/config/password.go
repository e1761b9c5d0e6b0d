package config

import (
	"fmt"
	"io"
	"strings"
)

const maxPassword = 4 << 10 // bytes: longer than any database takes

// Password returns the line in backend.password_file, or "" where there is no
// such file. From then on [Loaded.Scrub] hides it.
func (l *Loaded) Password() (string, error) {
	if l.Backend.PasswordFile == "" {
		return "", nil
	}
	password, err := readPassword(l.Backend.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("%s: backend.password_file: %s: %w", l.Origin("backend.password_file").Source.where(), showName(l.Backend.PasswordFile), err)
	}
	l.password.Store(&password)
	return password, nil
}

func readPassword(path string) (string, error) {
	f, err := openRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", cause(err)
	}
	if readableByOthers(info) {
		return "", fmt.Errorf("found mode %04o, allowed 0600 or less: others can read the password", info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	if err != nil {
		return "", cause(err)
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case len(data) > maxPassword:
		return "", fmt.Errorf("found more than %d bytes, allowed one line with the password", maxPassword)
	case line == "":
		return "", fmt.Errorf("found no password, allowed one line with it")
	case strings.ContainsAny(line, "\r\n\x00"):
		return "", fmt.Errorf("found more than one line, allowed one with the password")
	}
	return line, nil
}
