package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xrash/smetrics"
)

// unknown is the error for a key that does not exist, with the nearest that
// does.
func (l *loader) unknown(where, name string) error {
	section, _, dotted := strings.Cut(name, ".")
	var names, sectionNames []string
	for _, k := range l.keys {
		names = append(names, k.Name)
		if k.section() == section {
			sectionNames = append(sectionNames, k.Name)
		}
	}
	p := &ValueError{where: where, key: showName(name)}
	switch {
	case !dotted && len(sectionNames) > 0:
		p.found, p.allowed = "a value in place of a section", "["+section+"]"
		return p
	case len(sectionNames) > 0:
		p.found, p.allowed = "an unknown key", strings.Join(sectionNames, " ")
	default:
		p.found, p.allowed = "an unknown section", strings.Join(sectionList(), " ")
		if !dotted {
			p.found = "a key outside a section"
		}
	}
	if near := nearest(name, names); near != "" {
		p.allowed += " (did you mean " + near + "?)"
	}
	return p
}

func sectionList() []string {
	var list []string
	for _, s := range sections() {
		list = append(list, s[0])
	}
	return list
}

// nearest returns the one of names that name was most probably meant to be, or
// "".
func nearest(name string, names []string) string {
	if len(name) > maxShown {
		return "" // bounds the work: distance costs the product of both lengths
	}
	best, least := "", 4 // up to 3 wrong letters
	for _, candidate := range names {
		if _, last, dotted := strings.Cut(candidate, "."); dotted && name == last {
			return candidate
		}
		if d := smetrics.WagnerFischer(name, candidate, 1, 1, 1); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// otherVariables are those that the program reads besides the settings.
func otherVariables() []string {
	return []string{
		fileVariable, safeVariable, "CODEX_ARCHIVE_TRUST", "CODEX_ACTOR", "CODEX_ARCHIVE_PLUGIN_PATH",
		"CODEX_ARCHIVE_TO_URL", "CODEX_ARCHIVE_FROM_URL", "CODEX_ARCHIVE_PLUGIN", "CODEX_ARCHIVE_PLUGIN_LOG_LEVEL", "CODEX_ARCHIVE_HOST_PID",
	}
}

// warnMisspelt warns of each variable that is one of ours but for a few
// letters. One that a backend is to see is the backend's own.
func (l *loader) warnMisspelt() {
	known := otherVariables()
	for _, k := range l.keys {
		known = append(known, k.Variable)
	}
	for _, pair := range l.options.Environ {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "CODEX_") || slices.Contains(known, name) || slices.Contains(l.loaded.Plugins.PassEnv, name) {
			continue
		}
		if near := nearest(name, known); near != "" {
			l.loaded.Warnings = append(l.loaded.Warnings, Warning{
				Message: fmt.Sprintf("%s is no variable of this program; did you mean %s?", showName(name), near),
				Pairs:   []any{"variable", name},
			})
		}
	}
}

// showTOML names a TOML value of the wrong type.
func showTOML(value any, secret bool) string {
	switch v := value.(type) {
	case string:
		if secret {
			return "a string"
		}
		return show(v) + " (a string)"
	case bool:
		return fmt.Sprint(v) + " (a boolean)"
	case int64:
		return fmt.Sprint(v) + " (an integer)"
	case float64:
		return decimal(v) + " (a float)"
	case []any:
		return "an array"
	case map[string]any:
		return "a table"
	case time.Time:
		return "a time"
	}
	return "a date or time"
}
