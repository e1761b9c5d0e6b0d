package batch

import "testing"

// TestTwins: names that differ in case are compared by the file system itself,
// and only those.
func TestTwins(t *testing.T) {
	t.Chdir(t.TempDir())
	list := []string{"/nowhere/at/all/x", "/nowhere/at/all/X", "/nowhere/AT/all/y", "/nowhere/at/all/x"}
	twins := newTwins(list)
	if got := twins.of(3, list[3]); got != 0 {
		t.Errorf("a place that is there twice: %d", got)
	}
	for place, want := range map[string]int{"/nowhere/at/all": -1, "/nowhere/at/all/z": -1, list[2]: 2} {
		if got := twins.of(len(list), place); got != want {
			t.Errorf("%s: %d, want %d", place, got, want)
		}
	}
	for _, names := range [][2]string{{"A", "a"}, {"Ä", "ä"}, {"STRASSE", "strasse"}} {
		if oneCase(names[0]) != oneCase(names[1]) {
			t.Errorf("%q", names)
		}
	}
	if samePlace("/a/b", "/a") || samePlace("/a/b", "/a/c") {
		t.Error("different names are one")
	}
}
