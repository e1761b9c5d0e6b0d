package filetest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Variables that make a test binary another program.
const (
	roleVariable = "CODEX_TEST_FILE_ROLE"
	dirVariable  = "CODEX_TEST_FILE_DIR"
)

// Main runs the tests, or what a role does to a directory in the process of
// [Child].
func Main(m *testing.M, roles map[string]func(dir string) error) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Getenv(dirVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Child prepares the test binary as another process, which has a role of [Main]
// and ends with the test at the latest.
func Child(t testing.TB, role, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	return cmd
}
