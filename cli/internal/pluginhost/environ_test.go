package pluginhost

import (
	"slices"
	"testing"
)

// TestEnviron: the fixed few and what the user names, and never the URL, even
// if the user names it.
func TestEnviron(t *testing.T) {
	environ := []string{
		"HOME=h", "USER=u", "LOGNAME=l", "TMPDIR=t", "TZ=UTC", "LANG=C", "LC_ALL=C", "SSL_CERT_FILE=f", "SSL_CERT_DIR=d",
		"XDG_RUNTIME_DIR=r", "PGPASSWORD=p", "MYSQL_PWD=p", "MARIADB_TLS=m",
		"MINE=a=b", "EMPTY=",
		"PATH=p", "LD_PRELOAD=l", "SSL_CERT=c", "HOMEPAGE=h", "LANGUAGE=l", "mine=x", "MINES=x", "AWS_SECRET=s", "CODEX_ACTOR=me", "CODEX_ARCHIVE_URL=u", "CODEX_ARCHIVE_TO_URL=t", "CODEX_ARCHIVE_FROM_URL=f",
	}
	got := Environ(environ, []string{"MINE", "EMPTY", "ABSENT", "CODEX_ARCHIVE_URL", "CODEX_ARCHIVE_TO_URL", "CODEX_ARCHIVE_FROM_URL"})
	if want := environ[:15]; !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}
