package output

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// TestKindsComplete compares the table with the kinds of the contract. That the
// kinds of this program are in it follows from its rows naming the constants.
func TestKindsComplete(t *testing.T) {
	var kinds []Kind
	for _, k := range Kinds() {
		if slices.Contains(kinds, k.Kind) {
			t.Errorf("%s is there twice", k.Kind)
		}
		kinds = append(kinds, k.Kind)
		if k.Meaning == "" || k.Causes == "" {
			t.Errorf("%s is not explained", k.Kind)
		}
		if !slices.ContainsFunc(Codes(), func(c CodeInfo) bool { return c.Code == k.Code }) {
			t.Errorf("%s ends with %d, which is no exit code", k.Kind, k.Code)
		}
	}
	for i, k := range sdk.Kinds() {
		if i >= len(kinds) || kinds[i] != KindOf(k) {
			t.Errorf("kind %d, %s, is not row %d of the table", int(k), k, i)
		}
	}
	for _, k := range []Kind{
		Usage, Config, NoBackend, PluginChanged, NoFile, Ambiguous, OutputExists, OutputClosed, NotPrinted, Chain, Batch, Evidence, Failed,
	} {
		if !slices.Contains(kinds, k) {
			t.Errorf("%s is not in the table", k)
		}
	}
}

func TestCodesExplained(t *testing.T) {
	for _, c := range Codes() {
		if c.Code != ExitDone && (len(c.Causes) == 0 || len(c.Remedy) == 0) {
			t.Errorf("exit code %d is not explained", c.Code)
		}
		for line := range strings.Lines(c.Meaning) {
			if len(strings.TrimSpace(line)) > 72 {
				t.Errorf("exit code %d: a line of the help is too long: %q", c.Code, line)
			}
		}
		if c.Code != ExitDone && !slices.ContainsFunc(Kinds(), func(k KindInfo) bool { return k.Code == c.Code }) {
			t.Errorf("no kind ends with exit code %d", c.Code)
		}
	}
}

// TestFailureOf: one way from an error to kind, code, message and hint.
func TestFailureOf(t *testing.T) {
	busy := sdk.Errorf(sdk.Busy, "locked")
	for _, c := range []struct {
		err  error
		kind Kind
		code Code
		hint bool
	}{
		{busy, "busy", ExitBackend, true},
		{fmt.Errorf("item 3: %w", busy), "busy", ExitBackend, true},
		{errors.New("no space left"), Failed, ExitFailed, false},
		{Usagef("--by is missing").WithHint("add it"), Usage, ExitUsage, true},
		{fmt.Errorf("and more: %w", Errorf(Evidence, "full: %w", busy)), Evidence, ExitEvidence, false},
		{t.Context().Err(), "", ExitDone, false},
	} {
		f := FailureOf(c.err)
		if c.err == nil {
			if f != nil {
				t.Errorf("nil became %v", f)
			}
			continue
		}
		if f.Kind != c.kind || f.Code() != c.code || (f.Hint != "") != c.hint || f.Error() != c.err.Error() || CodeOf(c.err) != c.code {
			t.Errorf("%v: %s, %d, %q, %q", c.err, f.Kind, f.Code(), f.Hint, f.Error())
		}
	}
}
