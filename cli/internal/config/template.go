package config

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Template returns a configuration file in which every key is explained. All
// keys are commented out: a file beats the environment, so one that set
// everything would leave the environment nothing to say. Those in settings are
// set.
func Template(settings map[string]string) string {
	var b strings.Builder
	b.WriteString("# Settings of codex archive for this project.\n" +
		"# A flag beats this file, and this file beats the environment: what stays\n" +
		"# commented out can still be set by the variable named beside it.\n")
	for _, section := range sections() {
		fmt.Fprintf(&b, "\n# %s\n[%s]\n", section[1], section[0])
		for _, k := range Keys() {
			if k.section() == section[0] {
				writeKey(&b, k, settings)
			}
		}
	}
	return b.String()
}

func writeKey(b *strings.Builder, k Key, settings map[string]string) {
	_, name, _ := strings.Cut(k.Name, ".")
	value := k.Default
	if k.quoted {
		value = `"` + value + `"` // no default has a character to escape
	}
	fmt.Fprintf(b, "\n# %s\n# Allowed: %s. Environment: %s.\n# %s = %s\n", k.Doc, k.Allowed, k.Variable, name, value)
	if set, ok := settings[k.Name]; ok {
		line, err := toml.Marshal(map[string]string{name: set})
		if err == nil { // strings always have a form in TOML
			b.Write(line)
		}
	}
}
