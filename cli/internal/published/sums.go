package published

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/codex-archive/codex/cli/internal/pluginhost"
	"github.com/codex-archive/codex/sdk"
)

// ParseSums reads a file SHA256SUMS and returns what it says of programs, sorted
// by backend and platform. A program is named by the directory that an archive holds
// it in, codex-archive-NAME_VERSION_OS_ARCH/codex-archive-NAME, or, published alone, by
// such a name of its own. Lines about other files are skipped.
func ParseSums(data []byte) ([]pluginhost.Locking, error) {
	var programs []pluginhost.Locking
	in := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; in.Scan(); n++ {
		if in.Text() == "" {
			continue
		}
		sum, file, ok := parseSum(in.Text())
		if !ok {
			return nil, fmt.Errorf("line %d: found %.120q, allowed SHA256 and a file, as sha256sum prints them", n, in.Text())
		}
		program, ok := programOf(file)
		if !ok {
			continue
		}
		program.SHA256 = sum
		i := slices.IndexFunc(programs, func(p pluginhost.Locking) bool { return p.Name == program.Name && p.Platform == program.Platform })
		switch {
		case i < 0:
			programs = append(programs, program)
		case programs[i] != program:
			return nil, fmt.Errorf("line %d: two programs of backend %q for %s", n, program.Name, program.Platform)
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if len(programs) == 0 {
		return nil, errors.New("it names no program of a backend, such as codex-archive-NAME_VERSION_OS_ARCH/codex-archive-NAME")
	}
	slices.SortFunc(programs, func(a, b pluginhost.Locking) int {
		return strings.Compare(a.Name+" "+a.Platform, b.Name+" "+b.Platform)
	})
	return programs, nil
}

// parseSum reads "SHA256  FILE", or "SHA256 *FILE" for a file read as binary.
func parseSum(line string) (sum sdk.Digest, file string, ok bool) {
	digits, file, found := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
	if !found || len(file) < 2 || file[0] != ' ' && file[0] != '*' {
		return sum, "", false
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(sum) {
		return sum, "", false
	}
	return sdk.Digest(b), file[1:], true
}

// programOf returns which program a file of the sums is.
func programOf(file string) (pluginhost.Locking, bool) {
	named, archive, ok := ParseName(path.Base(file))
	if !ok || archive {
		return pluginhost.Locking{}, false
	}
	if named.Platform == "" {
		dir, archive, ok := ParseName(path.Base(path.Dir(file)))
		if !ok || archive || dir.Platform == "" || dir.Backend != named.Backend {
			return pluginhost.Locking{}, false
		}
		named = dir
	}
	return pluginhost.Locking{Name: named.Backend, Platform: named.Platform, Version: named.Version}, true
}
