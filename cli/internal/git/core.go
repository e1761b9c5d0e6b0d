package git

import (
	"path/filepath"
	"strings"
)

const maxConfig = 1 << 20 // bytes of a repository's config; real ones have a few hundred

// coreSettings returns bare ("true" or absent) and worktree (absolute) of the
// section [core] in the config of a repository, as git init, clone and
// submodule write them. Files that it includes are not read.
func coreSettings(gitDir string) map[string]string {
	data, err := readSmall(filepath.Join(gitDir, "config"), maxConfig)
	if err != nil {
		return nil
	}
	found := map[string]string{}
	inCore := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section, rest, _ := strings.Cut(line, "]")
			inCore = strings.EqualFold(strings.TrimSpace(section[1:]), "core")
			line = strings.TrimSpace(rest)
		}
		if !inCore || line == "" {
			continue
		}
		key, value, assigned := strings.Cut(line, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch {
		case key == "worktree" && assigned:
			found[key] = absolute(strings.ReplaceAll(strings.Trim(value, `"`), `\\`, `\`), gitDir)
		case key == "bare" && (!assigned || isTrue(value)):
			found[key] = "true"
		case key == "bare":
			delete(found, key)
		}
	}
	return found
}

func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}
