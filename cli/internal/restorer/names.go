package restorer

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// checkNames refuses an output that the system would write under another name, or
// not as a file. Only Windows is so: it has devices in every directory, and
// streams behind a colon, and drops blanks and dots at the end of a name.
func checkNames(output string) error {
	if runtime.GOOS != "windows" {
		return nil
	}
	rest := filepath.ToSlash(output[len(filepath.VolumeName(output)):])
	for name := range strings.SplitSeq(rest, "/") {
		why := unusable(name)
		if why == "" && name != "" && name != ".." && !filepath.IsLocal(name) {
			why = "is the name of a device"
		}
		if why != "" {
			return sdk.Errorf(sdk.Invalid, "output %s: %q cannot be the name of a file on Windows: it %s", output, name, why)
		}
	}
	return nil
}

// unusable says why no file of Windows has this name, "" if one can.
func unusable(name string) string {
	if name == "." || name == ".." {
		return ""
	}
	for _, r := range name {
		if r < ' ' || strings.ContainsRune(`<>:"|?*`, r) {
			return fmt.Sprintf("has %q", r)
		}
	}
	if strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		return "ends with a dot or a blank"
	}
	return ""
}
