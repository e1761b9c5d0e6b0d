package batch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestReadGood(t *testing.T) {
	want := []Item{{Tombstone: "uuid-1", Output: "a,b.txt"}, {Tombstone: "uuid-2", Output: `say "hi"`, SHA256: strings.Repeat("ab", 32)}}
	sum := strings.Repeat("AB", 32)
	json := `{"items": [{"tombstone": "uuid-1", "output": "a,b.txt"},
		{"output": "say \"hi\"", "sha256": "` + sum + `", "tombstone": "uuid-2"}]}`
	csv := "sha256,output,tombstone\r\n,\"a,b.txt\",uuid-1\r\n" + sum + `,"say ""hi""",uuid-2` + "\r\n"
	for _, c := range []struct {
		what, path, text string
		format           Format
	}{
		{"json by name", "m.json", json, Auto},
		{"json by content", "-", "\n " + json, Auto},
		{"json as asked", "m.csv", json, JSON},
		{"json with BOM", "m", "\ufeff" + json, Auto},
		{"csv by name", "m.CSV", csv, Auto},
		{"csv by content", "-", csv, Auto},
		{"csv as asked", "m.json", csv, CSV},
		{"csv with BOM", "m.csv", "\ufeff" + csv, Auto},
		{"csv with LF and no end", "m.csv", strings.TrimSuffix(strings.ReplaceAll(csv, "\r\n", "\n"), "\n"), Auto},
	} {
		m, err := Read(strings.NewReader(c.text), c.path, c.format)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if len(m.Items) != 2 || m.Items[0] != want[0] || m.Items[1] != want[1] {
			t.Errorf("%s: %+v", c.what, m.Items)
		}
	}
}

func TestReadBad(t *testing.T) {
	item := func(text string) string {
		return `{"items": [{"tombstone": "uuid-1", "output": "a"}, ` + text + `]}`
	}
	for _, c := range []struct{ path, text, want string }{
		{"m.json", ``, "m.json:1: broken JSON: it ends in the middle"},
		{"m.json", "{\n\"items\": [\n{]}", "m.json:3: broken JSON: "},
		{"m.json", `{"items": [`, "it ends in the middle"},
		{"m.json", `{}`, "the key items is missing"},
		{"m.json", `[]`, "m.json:1: found a list, want an object"},
		{"m.json", `{"Items": []}`, `unknown key "Items"`},
		{"m.json", `{"items": [], "items": []}`, "is there twice"},
		{"m.json", `{"items": {}}`, "found an object, want a list"},
		{"m.json", `{"items": null}`, "found null, want a list"},
		{"m.json", `{"items": []}`, "items: the list is empty"},
		{"m.json", `{"items": [{"tombstone": "uuid-1", "output": "a"}]} x`, "something follows"},
		{"m.json", item(`{"tombstone": "uuid-2"}`), "m.json: item 2: output: is missing"},
		{"m.json", item(`{"output": "b"}`), "m.json: item 2: tombstone: is missing"},
		{"m.json", item(`{"tombstone": "", "output": "b"}`), "item 2: tombstone: is missing or empty"},
		{"m.json", item(`{"tombstone": "uuid-2", "output": "b", "mode": "1"}`), `item 2: unknown field "mode", allowed tombstone, output, sha256`},
		{"m.json", item(`{"tombstone": "uuid-2", "Output": "b"}`), `item 2: unknown field "Output"`},
		{"m.json", item(`{"tombstone": "uuid-2", "output": "b", "output": "c"}`), "item 2: output: is there twice"},
		{"m.json", item(`{"tombstone": 7, "output": "b"}`), "item 2: tombstone: found the number 7, want a string"},
		{"m.json", item(`"uuid-2"`), `item 2: found the string "uuid-2", want an object`},
		{"m.json", item(`{"tombstone": "uuid-2", "output": "b", "sha256": "abc"}`), `item 2: sha256: found "abc", allowed 64 hex digits`},
		{"m.json", item(`{"tombstone": "uuid-2", "output": "-"}`), "item 2: output: \"-\" is standard output"},
		{"m.json", item(`{"tombstone": "uuid-2", "output": "a\u0000b"}`), "item 2: output: holds a NUL"},
		{"m.json", item(`{"tombstone": "uuid-2", "output": "` + strings.Repeat("x", 5000) + `"}`), "item 2: output: is longer"},
		{"m.json", "{\"items\": [{\"tombstone\": \"uuid-1\",\n\"output\": \"\xff\"}]}", "m.json:2: not UTF-8"},
		{"m.csv", "", "m.csv: empty, want the header tombstone,output"},
		{"m.csv", "tombstone,output\n", "items: the list is empty"},
		{"m.csv", "tombstone;output\nuuid-1;a\n", `header: unknown field "tombstone;output"`},
		{"m.csv", "uuid-1,a\n", `header: unknown field "uuid-1"`},
		{"m.csv", "tombstone,path\nuuid-1,a\n", `header: unknown field "path"`},
		{"m.csv", "tombstone\nuuid-1\n", "header: output is missing"},
		{"m.csv", "tombstone,output,output\n", "header: output is there twice"},
		{"m.csv", "tombstone,output\nuuid-1,a\nuuid-2\n", "item 2: output: is missing"},
		{"m.csv", "tombstone,output\nuuid-1,a,b\n", "item 1: found 3 fields, the header has 2"},
		{"m.csv", "tombstone,output\nuuid-1,a\nuuid-2,\n", "item 2: output: is missing or empty"},
		{"m.csv", "tombstone,output\nuuid-1,a\nuuid-2,\"b\n", "item 2: broken CSV"},
		{"m.csv", "tombstone,output\nuuid-1,a\nuuid-2,b\"c\n", "m.csv:3: item 2: broken CSV"},
	} {
		_, err := Read(strings.NewReader(c.text), c.path, Auto)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.80q: error %v, want %q", c.text, err, c.want)
		}
	}
}

func manifest(outputs ...string) *Manifest {
	m := &Manifest{Path: "m.json"}
	for i, output := range outputs {
		m.Items = append(m.Items, Item{Tombstone: fmt.Sprintf("uuid-%d", i+1), Output: output})
	}
	return m
}

func TestCheckOutputs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("d", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("f", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		outputs []string
		item    int // at fault; 0: none
		want    string
	}{
		{[]string{"a", "b", "d/a", "f", "..a", "x/y/z"}, 0, ""},
		{[]string{"a", "./x/../a"}, 2, `"./x/../a" is the output of item 1 too`},
		{[]string{"a", "b", filepath.Join(dir, "a")}, 3, "is the output of item 1 too"},
		{[]string{"a", "d"}, 2, "is a directory"},
		{[]string{"a", "new/"}, 2, "is a directory"},
		{[]string{"a", "new/.."}, 2, "is a directory"},
		{[]string{"."}, 1, "is a directory"},
		{[]string{"x", "x/y/z"}, 1, "is a directory: item 2 goes into it"},
	} {
		checkError(t, manifest(c.outputs...).CheckOutputs(dir, false, nil), c.item, c.want)
	}
}

func TestCheckOutputsConfined(t *testing.T) {
	dir := t.TempDir()
	if runtime.GOOS != "windows" {
		for link, target := range map[string]string{"out": os.TempDir(), "in": "d", "loop": "loop"} {
			if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	base, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	type row struct {
		output, want string
	}
	rows := []row{
		{"d/a", ""}, {"new/a", ""}, {"..a/b", ""},
		{"../a", "leads out"}, {"d/../a", "leads out"}, {"/a", "leads out"}, {"d", "is a directory"},
	}
	if runtime.GOOS != "windows" {
		rows = append(rows, row{"in/a", ""}, row{"in", "is a directory"}, row{"out/a", "escapes"})
	}
	for _, c := range rows {
		item := 0
		if c.want != "" {
			item = 2
		}
		checkError(t, manifest("first", c.output).CheckOutputs(dir, true, base), item, c.want)
	}
	checkError(t, manifest("first", "../a").CheckOutputs(dir, true, nil), 2, "leads out")
}

func checkError(t *testing.T, err error, item int, want string) {
	t.Helper()
	var e *ItemError
	switch {
	case item == 0 && err != nil:
		t.Errorf("error %v, want none", err)
	case item == 0:
	case !errors.As(err, &e):
		t.Errorf("error %v, want one about item %d: %s", err, item, want)
	case e.Item != item || e.Field != "output" || !strings.Contains(e.Msg, want):
		t.Errorf("error %v, want item %d, %q", err, item, want)
	}
}

// large is a manifest of n items as JSON.
func large(n int) string {
	var b strings.Builder
	b.WriteString(`{"items": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"tombstone": "8e3531b9-c839-4a07-9dec-%012d", "output": "out/%d/file-%d.txt"}`, i, i%100, i)
	}
	b.WriteString("]}")
	return b.String()
}

func TestLarge(t *testing.T) {
	const n = 100_000
	m, err := Read(strings.NewReader(large(n)), "m.json", Auto)
	if err != nil || len(m.Items) != n {
		t.Fatalf("%d items, %v", len(m.Items), err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := m.CheckOutputs(dir, false, nil); err != nil {
		t.Error(err)
	}
}

// BenchmarkRead reads and checks 100,000 items.
func BenchmarkRead(b *testing.B) {
	text := large(100_000)
	dir := b.TempDir()
	b.Chdir(dir)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m, err := Read(strings.NewReader(text), "m.json", Auto)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.CheckOutputs(dir, false, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzRead holds what must be true of any input: no panic, an error on one
// line, or items that all can be used.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`{"items": [{"tombstone": "uuid-1", "output": "a"}]}`, `{"items": [{"tombstone": "uuid-1", "output": 1}]}`, `[`, `{"items":`,
		"tombstone,output\nuuid-1,\"a,b\"\n", "\ufefftombstone,output,sha256\r\nuuid-1,a,\r\n", "tombstone,output\n\"", "",
	} {
		f.Add(text, "m.json")
		f.Add(text, "m.csv")
		f.Add(text, "-")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		m, err := Read(strings.NewReader(text), path, Auto)
		if err != nil {
			if strings.Contains(strings.ReplaceAll(err.Error(), path, ""), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		for i := range m.Items {
			if field, wrong := m.Items[i].check(); wrong != "" {
				t.Errorf("item %d: %s %s", i+1, field, wrong)
			}
		}
		_ = m.CheckOutputs("/nowhere", true, nil)
		if r := NewResults(m); len(r.Items) != len(m.Items) || len(r.Items) == 0 {
			t.Errorf("%d results for %d items", len(r.Items), len(m.Items))
		}
	})
}
