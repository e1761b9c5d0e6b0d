package evidence

import (
	"strings"
	"testing"
)

// TestWordsOfBrokenLines: what is wrong with a line is said without the names of Go's
// packages and types, and on one line.
func TestWordsOfBrokenLines(t *testing.T) {
	for _, line := range []string{
		"", "\x00", "\x7fELF", "[]", "null", `"x"`, "3", "{", "{}", `{"v":1`, `{"v":"x"}`, `{"v":1,"seq":[]}`, `{"seq":9,"v":1,"prev":"x"}`,
		"{\"action\":\"\x1b\"}", `{"v":1} {}`, `{"ts":3}`, `{"v":1,"seq":1,"ts":"yesterday"}`,
	} {
		l := Line{Raw: []byte(line), Part: FileName, Number: 4}
		_, asRecord := l.Record()
		_, asLink := new(linkReader).read(l)
		for _, err := range []error{asRecord, asLink} {
			if err == nil {
				continue // each reads what it needs
			}
			for _, word := range []string{"json:", "jsontext", "Go value", "evidence.", "looking for", "EOF", "\n", "parsing time"} {
				if strings.Contains(err.Error(), word) {
					t.Errorf("%q: %q", line, err)
				}
			}
		}
		if asRecord == nil && asLink == nil {
			t.Errorf("%q is a record", line)
		}
	}
}
