package docs_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-archive/codex/scripts/programs"
	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/backendtest"
)

// Debian's programs, which fit Debian's packages; others may come before them
// on PATH.
const (
	python = "/usr/bin/python3"
	protoc = "/usr/bin/protoc"
)

// languageRules are those that depend on the language and its libraries. Each start
// of such a program takes 0.2 s of the processor, and the rules start a thousand: so
// make test runs these, and make kits all.
const languageRules = "^(OPEN-0|WIRE|PROC-0[1-6]|BODY-01|TEXT-0[1-7]|TAMPER)"

// TestPythonBackend does what the page says about a backend in another language:
// the example shares no code with us, only archive.proto. The kit runs on it as
// on any program, a process for each handle.
func TestPythonBackend(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it runs the kit on programs")
	}
	t.Parallel()
	requirePython(t)
	anotherLanguage(t, "### Python\n", "protoc", "mypython", "pysqlite")
}

// anotherLanguage runs the commands of a section, which makes the backend called
// name in dir, and then what takes two terminals. build is a step that the section
// must have, too.
func anotherLanguage(t *testing.T, section, build, dir, name string) {
	work, env := t.TempDir(), vendorEnv(t)
	var script strings.Builder
	for _, command := range indented(t, "writing-a-backend.md", section) {
		if strings.Contains(command, "--listen") || strings.Contains(command, "--attach") {
			continue
		}
		script.WriteString(inPart(command, languageRules) + "\n")
	}
	for _, step := range []string{build, "plugin inspect", "plugin test", "archive store", "archive health-check"} {
		if !strings.Contains(script.String(), step) {
			t.Fatalf("the page lost a step: %s", step)
		}
	}
	shell(t, work, env, script.String())
	dir = filepath.Join(work, dir)
	everyRule(t, filepath.Join(dir, "report.json"))
	startedByHand(t, filepath.Join(dir, "codex-archive-"+name))
	attached(t, dir, env, name)
}

// requirePython ends the test where Debian's packages are missing. In CI they
// must not be.
func requirePython(t *testing.T) {
	t.Helper()
	err := exec.Command(python, "-I", "-c", "import grpc, google.protobuf, crcmod").Run()
	if err == nil {
		_, err = os.Stat(protoc)
	}
	if err == nil {
		return
	}
	err = fmt.Errorf("needs %s and %s with Debian's python3-grpcio, python3-protobuf, python3-crcmod and protobuf-compiler: %w", python, protoc, err)
	if os.Getenv("CI") == "true" || os.Getenv("CODEX_TEST_REQUIRE_DATABASES") == "1" {
		t.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "SKIPPED %s: %v\n", t.Name(), err)
	t.Skip(err)
}

// TestTypeScriptBackend does the same for the example in TypeScript, whose packages
// come from the registry of npm.
func TestTypeScriptBackend(t *testing.T) {
	runsKit(t)
	requireNPM(t)
	anotherLanguage(t, "### TypeScript\n", "npm ci", "mytypescript", "tssqlite")
}

// requireNPM ends the test where npm is missing, or its registry cannot be reached.
// In CI neither may be.
func requireNPM(t *testing.T) {
	t.Helper()
	err := exec.Command("protoc", "--version").Run()
	if err == nil {
		var out []byte
		if out, err = exec.Command("npm", "view", "--fetch-retries=1", "@grpc/grpc-js", "name").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err == nil {
		return
	}
	err = fmt.Errorf("needs npm and protoc (Debian's npm and protobuf-compiler), and the registry of npm: %w", err)
	if os.Getenv("CI") == "true" || os.Getenv("CODEX_TEST_REQUIRE_DATABASES") == "1" {
		t.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "SKIPPED %s: %v\n", t.Name(), err)
	t.Skip(err)
}

// indented returns the lines of the blocks of a section that are indented by
// four spaces.
func indented(t *testing.T, document, heading string) (lines []string) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(data), heading)
	if !found {
		t.Fatalf("%s has no section %q", document, heading)
	}
	section, _, _ = strings.Cut(section, "\n##") // the next heading
	for line := range strings.Lines(section) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, strings.TrimSuffix(command, "\n"))
		}
	}
	return lines
}

// runsKit begins a test that runs the kit on programs, by the commands of a page.
// It skips the test where that takes too long, or there is no POSIX shell.
func runsKit(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("short: it runs the kit on programs")
	}
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("windows: the page is written for a POSIX shell")
	}
}

// everyRule fails unless every rule of a report passed, the recommended ones
// included.
func everyRule(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var report backendtest.Report
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Results) == 0 {
		t.Error("no rule ran")
	}
	took := time.Duration(0)
	for _, res := range report.Results {
		took += res.Duration
	}
	t.Logf("%s: %d rules passed, %d failed, %d skipped, in %v", report.Plugin, report.Passed, report.Failed, report.Skipped, took.Round(time.Second))
	for _, res := range report.Results {
		switch {
		case res.Status == backendtest.Failed:
			t.Errorf("%s %s\n%s", res.ID, res.Says, res.Why)
		case res.Status == backendtest.Skipped && (strings.HasPrefix(res.ID, "CUT-") || res.ID == "SECRET-04"): // those need a server
		case res.Status == backendtest.Skipped && slices.Contains([]string{"PROC-07", "PROC-09", "PROC-10", "PROC-11"}, res.ID) && runtime.GOOS != "linux": // no other says what memory, files and processes it has
		case res.Status == backendtest.Skipped && res.ID == "CLOSE-07": // a program's goroutines cannot be seen
		case res.Status == backendtest.Skipped && strings.HasPrefix(res.ID, "INSPECT-") && !slices.Contains(report.Capabilities, sdk.Inspection): // it is optional
		case res.Status == backendtest.Skipped:
			t.Errorf("%s was skipped: it needs %s", res.ID, res.Why)
		}
	}
}

// startedByHand starts the program without the host: it says what it is, and
// nothing on standard output.
func startedByHand(t *testing.T, program string) {
	t.Helper()
	stdout, stderr, code := programs.Run(t, exec.Command(program))
	if code != 2 {
		t.Errorf("started by hand it ended with exit status %d, want 2", code)
	}
	if stdout != "" || !strings.Contains(stderr, "a backend of codex archive") {
		t.Errorf("started by hand it said %q and, on standard error, %q", stdout, stderr)
	}
}

// attached starts the program on an address and has the kit attach to it.
func attached(t *testing.T, dir string, env []string, name string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "codex-archive-"+name), "--listen", "tcp:127.0.0.1:0")
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("at SIGTERM: %v", err)
		}
	}()
	line, err := bufio.NewReader(says).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "serving "+name+" on ")
	if err != nil || !ok {
		t.Fatalf("it said %q, %v; want its address", line, err)
	}
	shell(t, dir, env, "codex plugin test --attach "+address+" --url '"+name+":///attached-{}.db' --run '^(PUT|CLOSE)-0'\n")
}
