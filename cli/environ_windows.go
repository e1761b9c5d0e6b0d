package main

import (
	"os"
	"slices"
	"strings"
)

// environ is [os.Environ] as the program looks names up: in capitals, because
// case means nothing in names of Windows, where PATH is called Path; and with a
// HOME, which is called USERPROFILE.
func environ() []string {
	var vars []string
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		vars = append(vars, strings.ToUpper(name)+"="+value)
	}
	named := func(name string) func(string) bool {
		return func(pair string) bool { return strings.HasPrefix(pair, name+"=") }
	}
	if i := slices.IndexFunc(vars, named("USERPROFILE")); i >= 0 && !slices.ContainsFunc(vars, named("HOME")) {
		vars = append(vars, "HOME"+strings.TrimPrefix(vars[i], "USERPROFILE"))
	}
	return vars
}
