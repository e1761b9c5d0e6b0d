package pluginhost

import (
	"runtime"
	"slices"
	"strings"
)

// passed names the variables that every backend gets; a "*" matches any
// ending. They say who runs it and in which language, where trusted
// certificates lie, and what the databases' own clients read.
var passed = []string{
	"HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LC_*", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"XDG_*", "PG*", "MYSQL_*", "MARIADB_*",
}

// passedOnWindows are needed too where there are libraries to be found below the
// system's directory, and where HOME and TMPDIR have other names.
var passedOnWindows = []string{"SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TMP", "TEMP"}

// never names what is not passed on, even if the user names it: a URL comes with
// the request that opens the archive, where no other process sees its password.
var never = []string{"CODEX_ARCHIVE_URL", "CODEX_ARCHIVE_TO_URL", "CODEX_ARCHIVE_FROM_URL"}

// Environ picks from environ, in the form of os.Environ, what a backend gets:
// the fixed few and those that the user named.
func Environ(environ, named []string) []string {
	fixed := passed
	if runtime.GOOS == "windows" {
		fixed = slices.Concat(passed, passedOnWindows)
	}
	var env []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if !slices.Contains(never, name) && slices.Contains(named, name) || slices.ContainsFunc(fixed, func(p string) bool { return matches(p, name) }) {
			env = append(env, pair)
		}
	}
	return env
}

func matches(pattern, name string) bool {
	if stem, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, stem)
	}
	return pattern == name
}
