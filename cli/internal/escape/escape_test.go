package escape

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// controls are the characters that a terminal obeys or reorders text for.
func controls() []rune {
	var all []rune
	for r := rune(0); r < ' '; r++ {
		all = append(all, r)
	}
	for r := rune(0x7f); r < 0xa0; r++ {
		all = append(all, r)
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.Is(unicode.Bidi_Control, r) {
			all = append(all, r)
		}
	}
	return all
}

func TestControls(t *testing.T) {
	for _, r := range controls() {
		s := "a" + string(r) + "b"
		if got := Text(s); strings.ContainsRune(got, r) || !strings.HasPrefix(got, `a\`) || !strings.HasSuffix(got, "b") {
			t.Errorf("Text(%q) = %q", s, got)
		}
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		got := JSON(string(raw))
		if strings.ContainsRune(got, r) {
			t.Errorf("JSON(%q) = %q", raw, got)
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != s {
			t.Errorf("JSON(%q) = %q, which means %q, %v", raw, got, back, err)
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"src/naïve 文件.txt":    "src/naïve 文件.txt",
		`a\n "b"`:             `a\n "b"`,
		"a\nb\t\"c\"":         `a\nb\t"c"`,
		"\x1b[31mred":         `\x1b[31mred`,
		"\u009b31m":           `\u009b31m`,
		"gpj.\u202egnp":       `gpj.\u202egnp`,
		"\xff\xfe":            `\xff\xfe`,
		"zero\u200bwidth":     `zero\u200bwidth`,
		"\U000e0041tag":       `\U000e0041tag`,
		"line\u2028separator": `line\u2028separator`,
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestJSONKeepsLayout(t *testing.T) {
	const text = "{\n\t\"a\": \"\U000e0041\"\n}\n"
	if got, want := JSON(text), "{\n\t\"a\": \"\\udb40\\udc41\"\n}\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
