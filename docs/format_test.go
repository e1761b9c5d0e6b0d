package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFormatTables checks that format.md describes each column of each schema,
// and no other.
func TestFormatTables(t *testing.T) {
	page, err := os.ReadFile("format.md")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string][]string{}
	for _, section := range strings.Split(string(page), "\n### ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(name, "codex_") {
			continue
		}
		text, _, _ = strings.Cut(text, "\n## ")
		for _, cell := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(text, -1) {
			for word := range strings.SplitSeq(cell[1], ", ") {
				described[name] = append(described[name], strings.Trim(word, "`"))
			}
		}
		slices.Sort(described[name])
	}
	schemas, err := filepath.Glob("../plugins/*/schema/*.sql")
	if err != nil || len(schemas) < 3 {
		t.Fatalf("%d schemas, %v", len(schemas), err)
	}
	for _, file := range schemas {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tables := columns(string(text))
		for table := range described {
			if _, ok := tables[table]; !ok {
				t.Errorf("%s has no table %s", file, table)
			}
		}
		for table, has := range tables {
			if !slices.Equal(has, described[table]) {
				t.Errorf("%s: %s has the columns\n%v, described are\n%v", file, table, has, described[table])
			}
		}
	}
}

// columns returns the sorted columns of each table that a schema creates.
func columns(schema string) map[string][]string {
	all := map[string][]string{}
	for _, table := range regexp.MustCompile(`(?ms)^CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*?)^\)`).FindAllStringSubmatch(schema, -1) {
		for _, column := range regexp.MustCompile(`(?m)^\t([a-z]\w*) `).FindAllStringSubmatch(table[2], -1) {
			all[table[1]] = append(all[table[1]], column[1])
		}
		slices.Sort(all[table[1]])
	}
	return all
}
