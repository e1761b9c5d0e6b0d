package docs_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestBboltBackend does what the page says about the example on bbolt, in a
// directory outside this module: the kit runs on the program, a process for each
// handle and several at once on one file.
func TestBboltBackend(t *testing.T) {
	runsKit(t)
	proxy := requireBbolt(t)
	work, env := t.TempDir(), append(vendorEnv(t), "GOPROXY="+proxy)
	commands := indented(t, "writing-a-backend.md", "## A key/value store\n")
	for _, step := range []string{"go build", "plugin inspect", "plugin test"} {
		if !slices.ContainsFunc(commands, func(c string) bool { return strings.Contains(c, step) }) {
			t.Errorf("the page lost a step: %s", step)
		}
	}
	shell(t, work, env, strings.Join(commands, "\n")+"\n")
	everyRule(t, filepath.Join(work, "mybolt", "report.json"))
}

// requireBbolt brings the module that only the example needs into the cache of
// modules, and ends the test where that cannot be done. In CI it must. It returns
// where modules come from.
func requireBbolt(t *testing.T) (proxy string) {
	t.Helper()
	mod, err := os.ReadFile("examples/bbolt/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`go\.etcd\.io/bbolt (\S+)`).FindSubmatch(mod)[1]
	cmd := exec.Command("go", "mod", "download", "go.etcd.io/bbolt@"+string(version))
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err == nil {
		if out, err = exec.Command("go", "env", "GOPROXY").Output(); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	err = fmt.Errorf("needs the module go.etcd.io/bbolt: %w\n%s", err, out)
	if os.Getenv("CI") == "true" || os.Getenv("CODEX_TEST_REQUIRE_DATABASES") == "1" {
		t.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "SKIPPED %s: %v\n", t.Name(), err)
	t.Skip(err)
	return ""
}

// TestBboltIsShown compares what the page shows of the example with its files,
// and counts their lines.
func TestBboltIsShown(t *testing.T) {
	page, err := os.ReadFile("writing-a-backend.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```golang\n// (\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(shown) == 0 {
		t.Error("the page shows nothing")
	}
	for _, block := range shown {
		file, err := os.ReadFile(block[1])
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(file), block[2]) {
			t.Errorf("%s does not have this part of the page:\n%s", block[1], block[2])
		}
	}
	files, err := filepath.Glob("examples/bbolt/*.go")
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob("examples/bbolt/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, name := range append(files, below...) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for text := bufio.NewScanner(f); text.Scan(); {
			lines++
		}
		f.Close()
	}
	if lines == 0 || lines >= 200 {
		t.Errorf("the example has %d lines; the page says that it is below 200", lines)
	}
}
