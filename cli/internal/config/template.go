package config

import (
	"fmt"
	"strings"
)

// Template returns a configuration file in which every key is explained. All
// keys are commented out: a file beats the environment, so one that set
// everything would leave the environment nothing to say.
func Template() string {
	var b strings.Builder
	b.WriteString("# Settings of codex archive for this project.\n" +
		"# A flag beats this file, and this file beats the environment: what stays\n" +
		"# commented out can still be set by the variable named beside it.\n")
	for _, section := range sections() {
		fmt.Fprintf(&b, "\n# %s\n[%s]\n", section[1], section[0])
		for _, k := range Keys() {
			if k.Section() == section[0] {
				writeKey(&b, k)
			}
		}
	}
	return b.String()
}

func writeKey(b *strings.Builder, k Key) {
	_, name, _ := strings.Cut(k.Name, ".")
	value := k.Default
	if k.quoted {
		value = `"` + value + `"` // no default has a character to escape
	}
	fmt.Fprintf(b, "\n# %s\n# Allowed: %s. Environment: %s.\n# %s = %s\n", k.Doc, k.Allowed, k.Variable, name, value)
}
