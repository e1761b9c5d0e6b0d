package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/codex-archive/codex/cli/internal/durable"
	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

// TestResultsForm holds the results file against the form of the guide, byte
// for byte but for the wall time.
func TestResultsForm(t *testing.T) {
	m := manifest("a<b>.txt", "b", "c")
	r := NewResults(m)
	r.Set(0, 234500*time.Microsecond, nil)
	r.Set(1, 12300*time.Microsecond, sdk.Errorf(sdk.NotFound, "Tombstone not found"))
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatalf("%v in %s", err, b.String())
	}
	const items = `[
    {
      "item": {
        "tombstone": "uuid-1",
        "output": "a<b>.txt"
      },
      "status": "success",
      "duration_ms": 234.5,
      "error": null
    },
    {
      "item": {
        "tombstone": "uuid-2",
        "output": "b"
      },
      "status": "failed",
      "duration_ms": 12.3,
      "error": "Tombstone not found",
      "code": 4
    },
    {
      "item": {
        "tombstone": "uuid-3",
        "output": "c"
      },
      "status": "skipped",
      "duration_ms": 0.0,
      "error": null
    }
  ]`
	if got := string(doc["items"]); got != items {
		t.Errorf("items: %s", got)
	}
	var summary map[string]any
	if err := json.Unmarshal(doc["summary"], &summary); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"total": 3.0, "succeeded": 1.0, "failed": 1.0, "skipped": 1.0} {
		if summary[key] != want {
			t.Errorf("%s is %v, want %v", key, summary[key], want)
		}
	}
	if _, ok := summary["total_duration_ms"].(float64); !ok || len(summary) != 5 {
		t.Errorf("summary %v, want exactly five keys", summary)
	}
}

// saved writes results of m to a results file in dir, the items of done being
// successes.
func saved(t *testing.T, dir string, m *Manifest, at time.Time, done ...int) string {
	t.Helper()
	f, err := CreateFile(dir, RestoreForm, at)
	if err != nil {
		t.Fatal(err)
	}
	r := NewResults(m)
	for _, i := range done {
		r.Set(i, time.Second, nil)
	}
	if err := f.Save(r); err != nil {
		t.Fatal(err)
	}
	return f.Path()
}

func TestNamesAndParse(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	day := time.Date(2025, 10, 17, 13, 22, 36, 0, time.FixedZone("", 3600))
	m, other := manifest("a", "b", "c"), manifest("a")
	other.Path = "other.json"
	if all, err := Names(dir, RestoreForm); len(all) != 0 || err != nil {
		t.Errorf("%v, %v in an empty directory", all, err)
	}
	var names []string
	names = append(names, saved(t, dir, m, day.Add(-time.Hour), 0, 1, 2))
	for range 10 {
		names = append(names, saved(t, dir, m, day, 0))
	}
	names = append(names, saved(t, dir, m, day, 0, 2))
	saved(t, dir, other, day.Add(time.Hour), 0)
	if names[1] != "batch_restore_20251017_122236.json" || names[11] != "batch_restore_20251017_122236_11.json" {
		t.Errorf("names %q", names)
	}
	for _, junk := range []string{"batch_restore_20991017_122236.json", "batch_restore_20991017_122236_x.json", "batch_restore_99999999_999999.json"} {
		if err := os.WriteFile(junk, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{m.Path, "./" + m.Path, filepath.Join(dir, m.Path)} {
		r, name := latest(t, dir, path)
		if name != names[11] {
			t.Fatalf("%s: %q, want %q", path, name, names[11])
		}
		if r.Items[0].Status != Success || r.Items[1].Status != Skipped || r.Items[2].Status != Success || r.Items[0].Duration != time.Second {
			t.Errorf("%+v", r.Items)
		}
	}
}

// latest returns the newest results of the manifest at path.
func latest(t *testing.T, dir, path string) (*Results, string) {
	t.Helper()
	names, err := Names(dir, RestoreForm)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if r := Parse(text, dir, path); r != nil {
			return r, name
		}
	}
	return nil, ""
}

func TestCarryOver(t *testing.T) {
	earlier := NewResults(manifest("a", "b", "c"))
	earlier.Set(0, time.Second, nil)
	earlier.Set(1, time.Second, errors.New("no"))
	earlier.Set(2, time.Second, nil)
	now := manifest("z", "b", "c") // item 1 goes elsewhere now
	now.Items = append([]Item{{Tombstone: "uuid-9", Output: "n"}}, now.Items...)
	r := NewResults(now)
	if n := carryOver(r, earlier); n != 1 || r.Items[3].Status != Success || r.Summary().Succeeded != 1 || r.Summary().Skipped != 3 {
		t.Errorf("%d taken over: %+v", n, r.Items)
	}
}

// TestCarryOverHash: what was restored without asking for a hash, or for
// another, is done again.
func TestCarryOverHash(t *testing.T) {
	items := func(a, b string) *Results {
		return NewResults(&Manifest{Items: []Item{{"uuid-1", "a", a}, {"uuid-2", "b", b}}})
	}
	earlier := items("", "11")
	earlier.Set(0, 0, nil)
	earlier.Set(1, 0, nil)
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 2}, {"22", "11", 1}, {"", "22", 1}} {
		if n := carryOver(items(c.a, c.b), earlier); n != c.want {
			t.Errorf("%q and %q: %d taken over, want %d", c.a, c.b, n, c.want)
		}
	}
}

// TestSweep: what a killed run left is removed, what another run is writing is
// not.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	name := func(s string) string { return filepath.Join(dir, s) }
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for what, open := range map[string]func() error{
		"named": func() error { _, err := NamedFile(name("r.json")); return err },
		"new":   func() error { _, err := CreateFile(dir, RestoreForm, time.Now()); return err },
	} {
		dead, alike := name(".codex-temp-0123456789abcdef"), name(".codex-temp-1")
		if err := errors.Join(os.WriteFile(dead, nil, 0o600), os.WriteFile(alike, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		held, err := durable.NewNamedTemp(root, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := open(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(dead); err == nil {
			t.Errorf("%s: what a killed process left is there", what)
		}
		if _, err := os.Lstat(alike); err != nil {
			t.Errorf("%s: another file was removed", what)
		}
		if err := held.Publish(what, false); err != nil {
			t.Errorf("%s: a file that a process holds was removed: %v", what, err)
		}
		held.Discard()
	}
}

// TestSaveReplaces shows that a save which cannot be made leaves the file as it
// was, and nothing beside it.
func TestSaveReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := NamedFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Save(NewResults(manifest("a"))); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || !json.Valid(text) {
		t.Errorf("%s, %v", text, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v, want one file", entries, err)
	}
	if _, err := NamedFile(dir); err == nil {
		t.Error("a directory was taken for a results file")
	}
	gone, err := NamedFile(filepath.Join(dir, "missing", "r.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Save(NewResults(manifest("a"))); err == nil {
		t.Error("saved into a directory that does not exist")
	}
}

func BenchmarkSave(b *testing.B) {
	m := &Manifest{Path: "m.json"}
	for i := range 100_000 {
		m.Items = append(m.Items, Item{Tombstone: fmt.Sprintf("8e3531b9-c839-4a07-9dec-%012d", i), Output: fmt.Sprintf("out/%d", i)})
	}
	f, err := CreateFile(b.TempDir(), RestoreForm, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	f.path = filepath.Join(b.TempDir(), f.path)
	r := NewResults(m)
	for b.Loop() {
		if err := f.Save(r); err != nil {
			b.Fatal(err)
		}
	}
}

// carryOver takes over what an earlier run succeeded in.
func carryOver(r, earlier *Results) int {
	indices := r.Successes(earlier)
	for _, i := range indices {
		r.CarryOver(i)
	}
	return len(indices)
}

// TestItemIsWrittenAsJSON: what is appended by hand is what encoding/json writes.
func TestItemIsWrittenAsJSON(t *testing.T) {
	why := "line\n\"quoted\" \u202e"
	for _, r := range []Result{
		{Item: Item{Tombstone: "id", Output: "a/b"}, Status: Success, Duration: 1234567},
		{Item: Item{Tombstone: "id", Output: "ä\t<&>\u009b", SHA256: "00ff"}, Status: Failed, Error: why, Code: output.ExitIntegrity},
		{Item: Item{Output: `\`}, Status: Skipped},
	} {
		w := resultWire{Item: r.Item, Status: r.Status, Duration: output.Millis(r.Duration), Code: int(r.Code)}
		if r.Error != "" {
			w.Error = &r.Error
		}
		if got, want := string(r.append(nil)), "\n    "+string(indented(w, "    ")); got != want {
			t.Errorf("%+v is written as\n%s\nwant\n%s", r, got, want)
		}
		line, err := json.Marshal(r.Item)
		if err != nil {
			t.Fatal(err)
		}
		var item, written Item
		if err := errors.Join(json.Unmarshal(line, &item), json.Unmarshal(r.Item.append(nil), &written)); err != nil || item != written {
			t.Errorf("%s is read as %+v, want %+v: %v", r.Item.append(nil), written, item, err)
		}
	}
}
