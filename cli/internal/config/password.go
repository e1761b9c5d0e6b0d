package config

import (
	"errors"
	"strings"
)

const maxPassword = 4 << 10 // bytes: longer than any database takes

// Password returns the line in backend.password_file, or "" where there is no
// such file. From then on [Loaded.Scrub] hides it.
func (l *Loaded) Password() (string, error) {
	const key = "backend.password_file"
	data, err := l.namedFile(key, l.Backend.PasswordFile, maxPassword, checkPrivate("the password"))
	if err != nil || data == nil {
		return "", err
	}
	password, err := passwordIn(data)
	if err != nil {
		return "", l.aboutFile(key, l.Backend.PasswordFile, err)
	}
	l.password.Store(&password)
	return password, nil
}

func passwordIn(data []byte) (string, error) {
	line := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case line == "":
		return "", errors.New("found no password, allowed one line with it")
	case strings.ContainsAny(line, "\r\n\x00"):
		return "", errors.New("found more than one line, allowed one with the password")
	}
	return line, nil
}
