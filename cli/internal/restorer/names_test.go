package restorer

import "testing"

func TestNamesThatWindowsCannotHave(t *testing.T) {
	for name, want := range map[string]string{
		"a.py": "", ".": "", "..": "", ".git": "", "a b.txt": "", "\u00e4": "",
		"a:b": "has ':'", "a?": "has '?'", "a*b": "has '*'", `a"b`: `has '"'`, "a|b": "has '|'", "<a>": "has '<'",
		"a\tb": `has '\t'`, "a.": "ends with a dot or a blank", "a ": "ends with a dot or a blank", "...": "ends with a dot or a blank",
	} {
		if got := unusable(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
