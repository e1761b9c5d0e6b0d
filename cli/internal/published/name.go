package published

import (
	"runtime"
	"strings"

	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
)

// Name is what the name of a published file says:
// codex-archive-NAME_VERSION_OS_ARCH, or codex-archive-NAME alone.
type Name struct {
	Backend  string
	Version  string // "" if it is not in the name
	Platform string // as [pluginhost.Platform]; "" if it is not in the name
}

// archives are the endings of archives, longest first.
func archives() []string { return []string{".tar.gz", ".tgz", ".tar", ".zip"} }

// ParseName reads the name of a file, without its directory. archive says that
// it is the name of an archive and not of a program.
func ParseName(file string) (n Name, archive, ok bool) {
	rest, ok := strings.CutPrefix(file, pluginhost.Prefix)
	if !ok {
		return n, false, false
	}
	for _, ending := range archives() {
		if stem, found := strings.CutSuffix(rest, ending); found {
			rest, archive = stem, true
			break
		}
	}
	parts := strings.Split(strings.TrimSuffix(rest, ".exe"), "_")
	n.Backend = parts[0]
	switch len(parts) {
	case 1:
	case 4:
		n.Version, n.Platform = parts[1], parts[2]+"/"+parts[3]
		if !pluginhost.ValidVersion(n.Version) || !plainWord(parts[2]) || !plainWord(parts[3]) {
			return Name{}, false, false
		}
	default:
		return Name{}, false, false
	}
	return n, archive, sdk.ValidBackendName(n.Backend)
}

// plainWord reports whether w is a name that Go could use for a system or an
// architecture.
func plainWord(w string) bool {
	return w != "" && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// programHere reports whether file is the name of a program for this system. In an
// archive for several systems the suffix tells which are for Windows.
func programHere(file string) (backend string, ok bool) {
	n, archive, ok := ParseName(file)
	isExe := strings.HasSuffix(file, ".exe")
	return n.Backend, ok && !archive && n.Version == "" && isExe == (runtime.GOOS == "windows")
}
