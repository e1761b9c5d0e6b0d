package config

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
)

const (
	outsideDatabase = "archive.sqlite"
	outsideEvidence = "evidence"
)

// Outside returns the directory in which init --outside puts archive and
// evidence of the project at root, or "" where the environment names no place
// for data. Projects of one name differ in the digest of their paths.
func Outside(root string, env func(string) (string, bool)) string {
	data, _ := env("XDG_DATA_HOME")
	if home, _ := env("HOME"); !filepath.IsAbs(data) && filepath.IsAbs(home) {
		data = filepath.Join(home, ".local", "share")
	}
	if !filepath.IsAbs(data) {
		return ""
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	sum := sha256.Sum256([]byte(root))
	return filepath.Join(data, "codex", "archives", filepath.Base(root)+"-"+hex.EncodeToString(sum[:4]))
}

// OutsideSettings returns what init --outside writes into the project's file.
func OutsideSettings(dir string) map[string]string {
	return map[string]string{
		"backend.url":  "sqlite:///" + filepath.ToSlash(filepath.Join(dir, outsideDatabase)),
		"evidence.dir": filepath.Join(dir, outsideEvidence),
	}
}
