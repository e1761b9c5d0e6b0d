package output

import (
	"errors"
	"testing"

	"github.com/codex-archive/codex/sdk"
)

// TestWordsAbout: a line names its item once.
func TestWordsAbout(t *testing.T) {
	id := sdk.ID{7}
	name := id.String()
	for want, err := range map[string]error{
		"list: it cannot be read":                          &sdk.Error{Op: "list", Msg: "it cannot be read", Tombstones: []sdk.ID{id}},
		"is encrypted to others":                           Errorf(NoIdentity, "%s is encrypted to others", name),
		"no such file":                                     Errorf(Failed, "%s: no such file", name),
		"get: lost (tombstone " + sdk.ID{8}.String() + ")": &sdk.Error{Op: "get", Msg: "lost", Tombstones: []sdk.ID{{8}}},
	} {
		if got := WordsAbout(name, err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := WordsAbout("", Errorf(Failed, " it failed")); got != " it failed" {
		t.Errorf("without a name: %q", got)
	}
}

// TestWordsOfJoined: errors that were joined are on one line; a path keeps its own.
func TestWordsOfJoined(t *testing.T) {
	err := errors.Join(errors.New("write a\nb: no space"), errors.Join(errors.New("close: x"), errors.New("statat c: y")))
	if got, want := Words(err), "write a\nb: no space; close: x; look at c: y"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestNearest: a suggestion has most of what was typed.
func TestNearest(t *testing.T) {
	names := []string{"url", "format", "list", "store", "by"}
	for typed, want := range map[string]string{
		"fromat": "format", "lsit": "list", "stroe": "store", "urls": "url", "all": "", "bt": "by", "x": "", "to": "",
	} {
		if got := Nearest(typed, names); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
