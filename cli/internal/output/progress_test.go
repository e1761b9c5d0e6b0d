package output

import (
	"bytes"
	"strings"
	"testing"
)

// progressOf runs a run of total items in steps and returns what it prints.
func progressOf(p Progress, total int, steps ...int) string {
	var out bytes.Buffer
	p.Out, p.Screen = &out, NewScreen(&out)
	p.Begin(0, total)
	for _, n := range steps {
		p.Add(n)
	}
	p.End()
	return out.String()
}

func TestProgress(t *testing.T) {
	for _, test := range []struct {
		name string
		got  string
		want string
	}{
		{"counts", progressOf(Progress{}, 3, 1, 1, 1), "Progress: 1/3 (33%)\nProgress: 2/3 (66%)\nProgress: 3/3 (100%)\n"},
		{"percent", progressOf(Progress{Percent: true}, 2, 1, 1), "Progress: 50%\nProgress: 100%\n"},
		{"nothing new to say", progressOf(Progress{}, 1000, 1, 1, 8), "Progress: 10/1000 (1%)\n"},
		{"more than were counted", progressOf(Progress{}, 2, 2, 1), "Progress: 2/2 (100%)\n"},
		{"total not known", progressOf(Progress{}, 0, 1, 1), ""},
		{"for programs", progressOf(Progress{Silent: true}, 2, 1, 1), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
		}
	}
	if got := progressOf(Progress{Bar: true}, 2, 1, 1); strings.Contains(got, "Progress") || !strings.Contains(got, "100% (2/2)") || !strings.HasSuffix(got, clearLine) {
		t.Errorf("with a bar: %q", got)
	}
}

// TestProgressNames: what runs is named before it runs, also where there is no
// terminal.
func TestProgressNames(t *testing.T) {
	for bar, want := range map[bool]string{
		false: "Progress: 0/2 (0%), running one\nProgress: 1/2 (50%), running two\nProgress: 2/2 (100%)\n",
		true:  "100% (2/2) two" + clearLine,
	} {
		var out bytes.Buffer
		p := Progress{Out: &out, Screen: NewScreen(&out), Bar: bar}
		p.Begin(0, 2)
		for _, name := range []string{"one", "two"} {
			p.Next(name)
			p.Add(1)
		}
		p.End()
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("with a bar %v: %q, want %q", bar, out.String(), want)
		}
	}
}

func TestCount(t *testing.T) {
	for want, got := range map[string]string{
		"0 records": Count(0, "record"), "1 record": Count(1, "record"), "2 records": Count(int64(2), "record"), "30 days": Count(30, "day"),
		"1 discrepancy": Count(1, "discrepancy"), "3 discrepancies": Count(3, "discrepancy"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
