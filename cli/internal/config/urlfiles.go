package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/durable"
)

// fileOptions are the options of URLs by which drivers of PostgreSQL and
// MariaDB, ours and others, read a file.
func fileOptions() []string {
	return []string{
		"sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile", "servicefile",
		"ssl-ca", "ssl-cert", "ssl-key", "ssl_ca", "ssl_cert", "ssl_key", "serverPubKey", "server-public-key",
	}
}

// FilesInURL returns the files that the options of a URL name, absolute ones
// as they are and others below root.
func FilesInURL(raw, root string) []string {
	_, query, _ := strings.Cut(raw, "?")
	query, _, _ = strings.Cut(query, "#")
	var files []string
	for option := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(option, "=")
		value, err := url.QueryUnescape(value)
		if err != nil || value == "" || value == "system" || !slices.ContainsFunc(fileOptions(), func(o string) bool { return strings.EqualFold(o, name) }) {
			continue
		}
		if !filepath.IsAbs(value) {
			value = filepath.Join(root, value)
		}
		files = append(files, value)
	}
	return files
}

// CheckFiles checks the files that the URL names, before a backend reads them:
// each is a regular file of at most 1 MiB. Files that do not exist are for the
// backend to say.
func (l *Loaded) CheckFiles() error {
	origin := l.Origin("backend.url")
	for _, path := range FilesInURL(l.Backend.URL, l.Root) {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		found := ""
		switch {
		case !info.Mode().IsRegular():
			found = durable.FileType(info.Mode())
		case info.Size() > maxFile:
			found = "more than 1 MiB"
		case !l.foreignMayRead(origin.Source, path):
			found = "a file that the owner of the project cannot read"
		default:
			continue
		}
		return &ValueError{where: origin.Source.where(), key: origin.Key, found: fmt.Sprintf("%s in %s", found, showName(path)),
			allowed: "a regular file of at most 1 MiB"}
	}
	return nil
}
